//! The source and the filter.

use std::f64::consts::{PI, TAU};

use super::dice::Dice;
use super::phones::{BANDWIDTHS, FORMANTS, REST, Segment};
use super::speaker::{Speaker, decibels, semitones};
use super::style::Style;

/// Silence before and after, in seconds.
const PAUSE: f64 = 0.12;
/// How often the filter is set anew, in hertz.
const CONTROL_RATE: f64 = 250.0;
/// How fast the resonances follow their targets, in seconds.
const ARTICULATORS: f64 = 0.018;
/// How fast loudness follows its target, in seconds.
const LOUDNESS: f64 = 0.006;
/// How fast a voice trembles, in hertz.
const TREMOR_HERTZ: f64 = 6.0;
/// Level of an ordinary voice in decibels against full scale.
const LEVEL: f64 = -25.0;

/// One moment of the control of a voice.
#[derive(Clone, Copy)]
struct Control {
    formants: [f64; FORMANTS],
    voice: f64,
    breath: f64,
    hiss: f64,
    hiss_hertz: f64,
}

/// Speaks a sentence; samples between −1 and 1.
pub(super) fn speak(
    speaker: &Speaker,
    style: &Style,
    sentence: &[Segment],
    sample_rate: f64,
    dice: &mut Dice,
) -> Vec<f32> {
    let timed = time(speaker, style, sentence, dice);
    let melody = Melody::new(speaker, style, &timed, dice);
    let total = timed.last().map_or(0.0, |(end, _)| *end) + PAUSE;
    let count = (total * sample_rate) as usize;
    let block = (sample_rate / CONTROL_RATE).round().max(1.0) as usize;

    let mut tract = Tract::new(speaker.tract * style.tract, style.articulation, sample_rate);
    let mut hiss = Resonator::default();
    let mut source = Source::new(speaker, style, sample_rate);
    let mut control = Control { formants: REST, voice: 0.0, breath: 0.0, hiss: 0.0, hiss_hertz: 3000.0 };
    let mut samples = Vec::with_capacity(count);
    let mut at = 0;
    while samples.len() < count {
        let seconds = samples.len() as f64 / sample_rate;
        while at < timed.len() && timed[at].0 <= seconds {
            at += 1;
        }
        let target = (seconds >= PAUSE).then(|| timed.get(at).map(|(_, segment)| segment)).flatten();
        control = control.approach(target, block as f64 / sample_rate);
        tract.set(&control.formants);
        hiss.set(control.hiss_hertz.min(0.42 * sample_rate), 900.0, sample_rate);
        let pitch = melody.at(seconds);
        for _ in 0..block.min(count - samples.len()) {
            let driven = source.next(pitch, control.voice, control.breath, dice);
            let noise = control.hiss * 0.25 * hiss.run(dice.normal());
            samples.push(tract.run(driven) + noise);
        }
    }
    finish(&mut samples, speaker, style, dice)
}

/// Each segment with the time of its end in seconds.
fn time(speaker: &Speaker, style: &Style, sentence: &[Segment], dice: &mut Dice) -> Vec<(f64, Segment)> {
    let mut end = PAUSE;
    sentence
        .iter()
        .map(|segment| {
            end += segment.seconds / (speaker.rate * style.rate) * dice.near(1.0, 0.07);
            (end, *segment)
        })
        .collect()
}

impl Control {
    /// A step of `seconds` towards a target; without one, into silence with the mouth as it is.
    fn approach(mut self, target: Option<&Segment>, seconds: f64) -> Self {
        let towards = |from: f64, to: f64, constant: f64| from + (to - from) * (1.0 - libm::exp(-seconds / constant));
        let (voice, breath, hiss) = target.map_or((0.0, 0.0, 0.0), |to| (to.voice, to.breath, to.hiss));
        if let Some(target) = target {
            for (formant, to) in self.formants.iter_mut().zip(target.formants) {
                *formant = towards(*formant, to, ARTICULATORS);
            }
            self.hiss_hertz = target.hiss_hertz;
        }
        self.voice = towards(self.voice, voice, LOUDNESS);
        self.breath = towards(self.breath, breath, LOUDNESS);
        self.hiss = towards(self.hiss, hiss, LOUDNESS);
        self
    }
}

/// Pitch over time.
struct Melody {
    pitch: f64,
    range: f64,
    end_semitones: f64,
    tremor: f64,
    tremor_phase: f64,
    end: f64,
    /// Time and height of the accents.
    accents: Vec<(f64, f64)>,
}

impl Melody {
    fn new(speaker: &Speaker, style: &Style, timed: &[(f64, Segment)], dice: &mut Dice) -> Self {
        let mut start = PAUSE;
        let mut accents = Vec::new();
        for (end, segment) in timed {
            if segment.accent {
                accents.push((start + 0.4 * (end - start), dice.near(3.0, 0.6)));
            }
            start = *end;
        }
        Self {
            pitch: speaker.pitch * semitones(style.pitch),
            range: style.range,
            end_semitones: style.end,
            tremor: style.tremor,
            tremor_phase: dice.uniform(0.0, TAU),
            end: start,
            accents,
        }
    }

    /// The pitch in hertz at a time in seconds: a slow fall, accents, an end of its own, trembling.
    fn at(&self, seconds: f64) -> f64 {
        let through = ((seconds - PAUSE) / (self.end - PAUSE)).clamp(0.0, 1.0);
        let mut height = self.range * (1.5 - 3.0 * through);
        for (at, accent) in &self.accents {
            let away = (seconds - at) / 0.07;
            height += self.range * accent * libm::exp(-0.5 * away * away);
        }
        height += self.end_semitones * ((through - 0.75) / 0.25).max(0.0);
        height += self.tremor * libm::sin(TAU * TREMOR_HERTZ * seconds + self.tremor_phase);
        (self.pitch * semitones(height)).clamp(50.0, 700.0)
    }
}

/// Glottal pulses and breath.
struct Source {
    sample_rate: f64,
    open: f64,
    jitter: f64,
    shimmer: f64,
    breath: f64,
    /// Where in its period the voice is, 0 to 1.
    phase: f64,
    /// Length and strength of this period against their means.
    length: f64,
    strength: f64,
    /// Coefficient and state of the low-pass that tilts the spectrum.
    tilt: f64,
    tilted: f64,
}

impl Source {
    fn new(speaker: &Speaker, style: &Style, sample_rate: f64) -> Self {
        // A first-order low-pass that loses so much at 3 kHz.
        let loss = decibels((speaker.tilt + style.tilt).clamp(1.0, 24.0));
        let corner = 3000.0 / (loss * loss - 1.0).sqrt();
        Self {
            sample_rate,
            // A pressed voice opens the glottis for a shorter time.
            open: (speaker.open + 0.012 * style.tilt).clamp(0.35, 0.85),
            jitter: (speaker.jitter + style.jitter).max(0.0),
            shimmer: speaker.shimmer + 2.0 * style.jitter.max(0.0),
            breath: (speaker.breath + style.breath).max(0.0),
            phase: 0.0,
            length: 1.0,
            strength: 1.0,
            tilt: libm::exp(-TAU * corner / sample_rate),
            tilted: 0.0,
        }
    }

    fn next(&mut self, pitch: f64, voice: f64, breath: f64, dice: &mut Dice) -> f64 {
        let step = pitch / (self.sample_rate * self.length);
        self.phase += step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.length = dice.near(1.0, self.jitter);
            self.strength = dice.near(1.0, self.shimmer);
        }
        // The flow rises and falls as x² − x³ while the glottis is open; this is its derivative, which jumps at the closure.
        let x = self.phase / self.open;
        let pulse = if x < 1.0 { 2.0 * x - 3.0 * x * x } else { 0.0 };
        let pulse = pulse + 0.5 * soften(self.phase - self.open, step);
        let openness = if x < 1.0 { 1.0 } else { 0.3 };
        let noise = 0.4 * dice.normal();
        let driven = voice * self.strength * (pulse + self.breath * openness * noise) + breath * noise;
        self.tilted = driven + self.tilt * (self.tilted - driven);
        self.tilted
    }
}

/// What takes the aliasing out of a jump upwards by 2 at distance zero (a two-point polynomial band-limited step: Välimäki & Huovilainen
/// 2007, IEEE Signal Processing Magazine 24(2)).
fn soften(distance: f64, step: f64) -> f64 {
    if (0.0..step).contains(&distance) {
        let t = distance / step;
        2.0 * t - t * t - 1.0
    } else if (-step..0.0).contains(&distance) {
        let t = distance / step;
        t * t + 2.0 * t + 1.0
    } else {
        0.0
    }
}

/// The resonances of the vocal tract, one after the other.
struct Tract {
    scale: f64,
    articulation: f64,
    sample_rate: f64,
    resonators: [Resonator; FORMANTS],
}

impl Tract {
    fn new(scale: f64, articulation: f64, sample_rate: f64) -> Self {
        Self { scale, articulation, sample_rate, resonators: [Resonator::default(); FORMANTS] }
    }

    fn set(&mut self, formants: &[f64; FORMANTS]) {
        for (at, resonator) in self.resonators.iter_mut().enumerate() {
            let hertz = self.scale * (REST[at] + self.articulation * (formants[at] - REST[at])).max(150.0);
            // A resonance that the sample rate cannot hold has no effect below it, either.
            if hertz < 0.46 * self.sample_rate {
                resonator.set(hertz, BANDWIDTHS[at] * self.scale, self.sample_rate);
            } else {
                *resonator = Resonator::default();
            }
        }
    }

    fn run(&mut self, input: f64) -> f64 {
        self.resonators.iter_mut().fold(input, |signal, resonator| resonator.run(signal))
    }
}

/// A resonance of two poles with unit gain at 0 Hz (Klatt 1980, section I).
#[derive(Clone, Copy)]
struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    last: f64,
    before: f64,
}

impl Default for Resonator {
    fn default() -> Self {
        Self { a: 1.0, b: 0.0, c: 0.0, last: 0.0, before: 0.0 }
    }
}

impl Resonator {
    fn set(&mut self, hertz: f64, bandwidth: f64, sample_rate: f64) {
        let radius = libm::exp(-PI * bandwidth / sample_rate);
        self.c = -radius * radius;
        self.b = 2.0 * radius * libm::cos(TAU * hertz / sample_rate);
        self.a = 1.0 - self.b - self.c;
    }

    fn run(&mut self, input: f64) -> f64 {
        let output = self.a * input + self.b * self.last + self.c * self.before;
        self.before = self.last;
        self.last = output;
        output
    }
}

/// Microphone, loudness and room.
fn finish(samples: &mut [f64], speaker: &Speaker, style: &Style, dice: &mut Dice) -> Vec<f32> {
    let mut last = 0.0;
    for sample in samples.iter_mut() {
        let here = *sample;
        *sample = here - speaker.microphone * last;
        last = here;
    }
    let power = samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len().max(1) as f64;
    let gain = decibels(LEVEL + speaker.level + style.level) / power.sqrt().max(1e-9);
    let noise = decibels(speaker.noise);
    for sample in samples.iter_mut() {
        *sample = *sample * gain + noise * dice.normal();
    }
    // A loud voice stays within what 16 bits hold.
    let peak = samples.iter().fold(0.0, |peak: f64, sample| peak.max(sample.abs()));
    let limit = if peak > 0.95 { 0.95 / peak } else { 1.0 };
    samples.iter().map(|sample| (sample * limit) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resonator_passes_dc_and_peaks_at_its_frequency() {
        let gain = |hertz: f64| {
            let mut resonator = Resonator::default();
            resonator.set(1000.0, 80.0, 16_000.0);
            let mut peak: f64 = 0.0;
            for at in 0..8000 {
                let output = resonator.run((TAU * hertz * f64::from(at) / 16_000.0).cos());
                if at > 4000 {
                    peak = peak.max(output.abs());
                }
            }
            peak
        };
        assert!((gain(0.0) - 1.0).abs() < 1e-6);
        assert!(gain(1000.0) > 5.0 * gain(800.0) / 3.0 && gain(1000.0) > 3.0 * gain(2000.0));
    }

    #[test]
    fn the_softened_jump_is_continuous_and_odd() {
        let step = 0.01;
        for distance in [0.0, 0.001, 0.004, 0.0099] {
            let (after, before) = (soften(distance, step), soften(-distance - 1e-15, step));
            assert!((after + before).abs() < 1e-9, "{distance}: {after} {before}");
        }
        assert!(soften(step * 0.999, step).abs() < 1e-5 && soften(2.0 * step, step) == 0.0);
    }
}
