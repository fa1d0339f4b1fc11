//! Levels of the harmonics of a voice.

use crate::lld::parabola::vertex;

/// How many partials are looked for.
const PARTIALS: usize = 100;

/// The level of a partial that is not there, in dB below the fundamental, and the limit of differences.
const SILENT: f64 = -200.0;
const LIMIT: f64 = 201.0;

/// A formant claims partials within this share of its frequency.
const FORMANT_WIDTH: f64 = 0.2;

/// A partial of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Partial {
    bin: usize,
    /// Its magnitude at the bin, and where the parabola through it has its peak; all 0 where there is no peak.
    magnitude: f64,
    hertz: f64,
    peak: f64,
    /// Its level in dB over that of the fundamental.
    level: f64,
}

/// The partials of a voiced frame: the peaks of its magnitude spectrum nearest to the multiples of the fundamental (levels as
/// in F. Eyben et al., IEEE Transactions on Affective Computing 7(2), 2016).
pub(crate) struct Harmonics {
    bin_width: f64,
    partials: Vec<Partial>,
}

impl Harmonics {
    pub(crate) fn new(bin_width: f64) -> Self {
        Self { bin_width, partials: Vec::with_capacity(PARTIALS) }
    }

    /// Finds the partials of a frame with these magnitudes and this fundamental, which is above 0: the first three, and all that
    /// a formant of `highest` hertz or lower may claim.
    pub(crate) fn find(&mut self, magnitudes: &[f64], hertz: f64, highest: f64) {
        let enough = ((1.0 + FORMANT_WIDTH) * highest / hertz) as usize + 2;
        let search = Search { magnitudes, bin_width: self.bin_width };
        self.partials.clear();
        let mut start = search.nearest(0.5 * hertz, 1);
        let first = search.nearest(0.5 * hertz, start);
        for index in 0..enough.clamp(3, PARTIALS) {
            let partial = search.partial((index + 1) as f64 * hertz, hertz, first, &mut start);
            self.partials.push(partial);
            // Beyond the spectrum there is none: all the others would be the same empty partial.
            if start == 0 {
                break;
            }
        }
        self.relate();
    }

    /// Sets the levels, and blanks partials that fall on the bin of the one before.
    fn relate(&mut self) {
        let fundamental = self.partials[0].magnitude;
        for partial in &mut self.partials[1..] {
            partial.level = if fundamental <= 0.0 {
                -LIMIT
            } else if partial.peak <= 0.0 {
                SILENT
            } else {
                (20.0 * (partial.peak.log10() - fundamental.log10())).max(SILENT)
            };
        }
        for index in 1..self.partials.len() {
            if self.partials[index].bin == self.partials[index - 1].bin {
                self.partials[index] = Partial { level: -LIMIT, ..Partial::default() };
            }
        }
    }

    fn level(&self, index: usize) -> f64 {
        self.partials.get(index).map_or(-LIMIT, |partial| partial.level)
    }

    /// The level of the partial at 2 F0 over that at 3 F0, in dB, −201 to 201.
    ///
    /// The published sets call it H1–H2, counting the fundamental as 0; it is *not* the difference of the first two harmonics.
    pub(crate) fn second_over_third(&self) -> f64 {
        (self.level(1) - self.level(2)).clamp(-LIMIT, LIMIT)
    }

    /// The level of the partial at 2 F0 over that of the strongest partial of the third formant, in dB, −201 to 201 (H1–A3 in
    /// the counting of the published sets).
    pub(crate) fn second_over_formant(&self, formant: f64) -> f64 {
        match self.formant_level(formant) {
            Some(level) => (self.level(1) - level).clamp(-LIMIT, LIMIT),
            None => (self.level(1) - LIMIT).clamp(-LIMIT, LIMIT),
        }
    }

    /// The level in dB over the fundamental, −201 to some 100, of the strongest partial within a fifth of a formant's frequency.
    pub(crate) fn formant_level(&self, formant: f64) -> Option<f64> {
        let range = (1.0 - FORMANT_WIDTH) * formant..=(1.0 + FORMANT_WIDTH) * formant;
        let mut best: Option<&Partial> = None;
        for partial in self.partials.iter().filter(|partial| partial.hertz > 0.0 && range.contains(&partial.hertz)) {
            if best.is_none_or(|best| partial.magnitude > best.magnitude) {
                best = Some(partial);
            }
        }
        best.map(|partial| partial.level)
    }
}

/// Looks for peaks in a spectrum.
struct Search<'a> {
    magnitudes: &'a [f64],
    bin_width: f64,
}

impl Search<'_> {
    /// The bin nearest to `hertz` among those from the one before `start`; 0 where the spectrum ends below.
    fn nearest(&self, hertz: f64, start: usize) -> usize {
        let above = start.max((hertz / self.bin_width).floor() as usize + 1);
        if above >= self.magnitudes.len() {
            return 0;
        }
        let distance = |bin: usize| (bin as f64 * self.bin_width - hertz).abs();
        if distance(above - 1) < distance(above) { above - 1 } else { above }
    }

    fn is_peak(&self, bin: usize) -> bool {
        let below = |other: Option<&f64>| other.is_none_or(|other| *other < self.magnitudes[bin]);
        below(bin.checked_sub(1).and_then(|left| self.magnitudes.get(left))) && below(self.magnitudes.get(bin + 1))
    }

    /// The partial at a multiple `target` of the fundamental. `start` is the bin where the search may begin, and moves on.
    fn partial(&self, target: f64, fundamental: f64, first: usize, start: &mut usize) -> Partial {
        let centre = self.nearest(target, *start);
        let right = self.nearest(target + 0.5 * fundamental, centre);
        let left = self.nearest(target - 0.5 * fundamental, *start);
        *start = centre;
        let peak = self.peak_around(centre, left, right);
        let Some(bin) = peak.filter(|bin| (first..self.magnitudes.len() - 1).contains(bin) && *bin > 0) else {
            return Partial { bin: centre, ..Partial::default() };
        };
        let around = [self.magnitudes[bin - 1], self.magnitudes[bin], self.magnitudes[bin + 1]];
        let (hertz, peak) = vertex(bin as f64 * self.bin_width, self.bin_width, around);
        Partial { bin, magnitude: around[1], hertz, peak, level: 0.0 }
    }

    /// The peak nearest to `centre` from `left` to `right`, the higher bin of two.
    fn peak_around(&self, centre: usize, left: usize, right: usize) -> Option<usize> {
        if self.is_peak(centre) {
            return Some(centre);
        }
        let farthest = right.saturating_sub(centre).max(centre.saturating_sub(left));
        (1..=farthest).find_map(|far| {
            let above = Some(centre + far).filter(|bin| *bin <= right && self.is_peak(*bin));
            above.or_else(|| centre.checked_sub(far).filter(|bin| *bin >= left && self.is_peak(*bin)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: f64 = 15.625;

    /// Lines at the multiples of `hertz`, as wide as a window of 60 ms makes them.
    fn lines(hertz: f64, level: impl Fn(usize) -> f64) -> Vec<f64> {
        let line = |bin: usize, index: usize| {
            let distance = (bin as f64 * WIDTH - index as f64 * hertz) / 20.0;
            10.0_f64.powf(level(index) / 20.0) * (-distance * distance).exp()
        };
        (0..513).map(|bin| (1..=(7900.0 / hertz) as usize).map(|index| line(bin, index)).sum()).collect()
    }

    #[test]
    fn levels_of_known_partials_are_found() {
        for hertz in [125.0, 187.5, 250.0] {
            let mut harmonics = Harmonics::new(WIDTH);
            harmonics.find(&lines(hertz, |index| -6.0 * (index as f64 - 1.0)), hertz, 10.5 * hertz);
            assert!((harmonics.second_over_third() - 6.0).abs() < 0.2, "{hertz}: {}", harmonics.second_over_third());
            // The strongest partial near a formant is the lowest one within its claim.
            let formant = 10.5 * hertz;
            assert!((harmonics.formant_level(formant).unwrap() + 48.0).abs() < 0.5, "{hertz}");
            assert!((harmonics.second_over_formant(formant) - 42.0).abs() < 0.5, "{hertz}");
            assert_eq!(harmonics.formant_level(0.0), None);
        }
    }

    #[test]
    fn silence_and_high_voices_are_defined() {
        let mut harmonics = Harmonics::new(WIDTH);
        for (magnitudes, hertz) in
            [(vec![0.0; 513], 100.0), (vec![1.0; 513], 100.0), (lines(990.0, |_| 0.0), 990.0), (vec![0.0; 257], 999.0)]
        {
            harmonics.find(&magnitudes, hertz, 5000.0);
            for formant in [0.0, 500.0, 5000.0] {
                assert!(harmonics.second_over_formant(formant).abs() <= LIMIT);
            }
            assert!(harmonics.second_over_third().abs() <= LIMIT);
        }
    }
}
