//! Synthesised vowels, for tests.

/// Frequencies and bandwidths in hertz of the formants of a vowel.
pub(crate) type Tract = [(f64, f64); 4];

/// Men's vowels after G. Peterson & H. Barney, "Control methods used in a study of the vowels", JASA 24, 1952.
pub(crate) const VOWELS: [(&str, Tract); 3] = [
    ("a", [(730.0, 80.0), (1090.0, 90.0), (2440.0, 120.0), (3500.0, 200.0)]),
    ("i", [(270.0, 60.0), (2290.0, 100.0), (3010.0, 150.0), (3700.0, 200.0)]),
    ("u", [(300.0, 60.0), (870.0, 80.0), (2240.0, 120.0), (3500.0, 200.0)]),
];

/// Half a second of pulses through resonators in a row.
pub(crate) fn vowel(rate: u32, hertz: f64, tract: &Tract) -> Vec<f32> {
    let rate = f64::from(rate);
    // Pulses of all harmonics below half the rate, as strong as those of the voice at the lips: 6 dB less an octave.
    let harmonics = (0.45 * rate / hertz) as usize;
    let mut signal: Vec<f64> = (0..(rate / 2.0) as usize)
        .map(|n| {
            let phase = std::f64::consts::TAU * hertz * n as f64 / rate;
            (1..=harmonics).map(|h| (h as f64 * phase).cos() / h as f64).sum()
        })
        .collect();
    for (frequency, bandwidth) in tract {
        let radius = (-std::f64::consts::PI * bandwidth / rate).exp();
        let (a, b) = (2.0 * radius * (std::f64::consts::TAU * frequency / rate).cos(), -radius * radius);
        let (mut last, mut before) = (0.0, 0.0);
        for value in &mut signal {
            (last, before) = ((1.0 - a - b) * *value + a * last + b * before, last);
            *value = last;
        }
    }
    let peak = signal.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    signal.iter().map(|value| (0.5 * value / peak) as f32).collect()
}
