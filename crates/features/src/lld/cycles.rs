//! Jitter and shimmer: how cycles of the voice differ in length and in height.

use crate::lanes::{sum_of_eight, vectorized, wide_dot};
use crate::lld::framing::{Framing, HOP};
use crate::lld::heard::Heard;
use crate::lld::parabola::vertex;
use crate::lld::spectrum::full_scale;

/// Cycles count whose correlation with the next is above this.
const LEAST_CORRELATION: f64 = 0.5;

/// Irregularity of the voice in one frame; 0 where it is unvoiced.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Perturbation {
    /// Mean difference of the lengths of neighbouring cycles over their mean length, 0 to 1.
    pub(crate) jitter: f64,
    /// Mean difference of such differences over the mean length, 0 to 1.
    pub(crate) jitter_ddp: f64,
    /// Mean difference of the heights of neighbouring cycles over their mean height, 0 to 1.
    pub(crate) shimmer: f64,
}

impl Perturbation {
    /// The shimmer in decibel, 20 log₁₀(1 + shimmer), 0 to 6.02.
    pub(crate) fn shimmer_decibel(&self) -> f64 {
        20.0 * (1.0 + self.shimmer).log10()
    }
}

/// Follows the cycles of a voice through a recording by matching the waveform with itself (F. Eyben, "Real-time Speech and
/// Music Classification by Large Audio Feature Space Extraction", 2016, section 2.2.13).
///
/// A cycle begins where the last one ended. Its length is the lag, near the period of the fundamental, at which the waveform
/// correlates best with what follows, refined by a parabola. Frames take up where the one before left off; what is measured
/// twice differs by exactly nothing, and counts.
pub(crate) struct CycleTracker {
    rate: f64,
    /// Share of the period by which cycles may be shorter or longer.
    search: f64,
    framing: Framing,
    /// Samples from frame to frame that the tracker means to read.
    stride: usize,
    state: State,
    segment: Vec<f64>,
    /// Sums of the samples, and of their squares, up to each.
    sums: Vec<[f64; 2]>,
    correlations: Vec<f64>,
    /// What [`Cycles`] tells.
    starts: Vec<usize>,
    nominal: usize,
    last_step: usize,
}

/// Where the cycles of a voiced frame lie.
pub(crate) struct Cycles<'a> {
    /// The samples that were read.
    pub(crate) segment: &'a [f64],
    /// Where in them each cycle begins that was matched, and last where reading ended.
    pub(crate) starts: &'a [usize],
    /// Samples in a period of the fundamental.
    pub(crate) period: usize,
    /// From the last place that was looked at to where reading ended.
    pub(crate) last_step: usize,
}

/// What a frame hands to the next.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Where reading goes on, and how many samples the last frame left unread.
    position: usize,
    backlog: usize,
    /// The last cycle's length in seconds, and its difference from the one before; 0 where there was none.
    period: f64,
    difference: f64,
    output: Perturbation,
}

/// A cycle and its successor.
struct Match {
    lag: usize,
    /// The refined length in samples, and the correlation there.
    length: f64,
    correlation: f64,
}

/// What is summed over the cycles of a frame.
#[derive(Debug, Default)]
struct Sums {
    cycles: usize,
    periods: f64,
    differences: f64,
    pairs: usize,
    second_differences: f64,
    triples: usize,
    heights: f64,
    height_differences: f64,
}

impl CycleTracker {
    /// With cycles that may be shorter or longer than the period by the share `search`.
    pub(crate) fn new(framing: Framing, search: f64) -> Self {
        let rate = f64::from(framing.sample_rate);
        Self {
            rate,
            search,
            framing,
            stride: (HOP * rate).ceil() as usize,
            state: State::default(),
            segment: Vec::new(),
            sums: Vec::new(),
            correlations: Vec::new(),
            starts: Vec::new(),
            nominal: 0,
            last_step: 0,
        }
    }

    /// Begins a new recording.
    pub(crate) fn reset(&mut self) {
        self.state = State::default();
    }

    /// The irregularity of frame `index`, of a voice of `hertz` (0 where it is unvoiced). Frames come in their order.
    pub(crate) fn advance(&mut self, heard: &Heard, index: usize, hertz: f64) -> Perturbation {
        let start = index * self.framing.hop;
        let State { backlog, .. } = self.state;
        let wanted = self.stride + backlog;
        let mut limit = backlog + self.framing.length;
        if start.checked_sub(backlog) != Some(self.state.position) {
            self.state.position = start;
            limit = self.framing.length;
        }
        if hertz <= 0.0 {
            self.state = State { position: self.state.position + wanted, ..State::default() };
            return Perturbation::default();
        }
        let period = self.rate / hertz;
        let lags = (((1.0 - self.search) * period).floor() as usize, ((1.0 + self.search) * period).ceil() as usize);
        let length = wanted.max(2 * lags.1 + 2).min(limit);
        self.load(heard.from(self.state.position, length));
        let (sums, read) = self.measure(wanted, period.round() as usize, lags);
        self.state.backlog = wanted - read;
        self.state.position += read;
        self.conclude(&sums)
    }

    /// The first sample that a frame to come may read, or one after the beginning of that frame.
    pub(crate) fn earliest(&self) -> usize {
        self.state.position
    }

    fn load(&mut self, samples: &[f32]) {
        self.segment.clear();
        // In this precision and order the differences of two heights are 0 exactly where they are in the reference.
        self.segment.extend(samples.iter().map(|sample| f64::from(full_scale(*sample))));
        self.sums.clear();
        self.sums.push([0.0; 2]);
        let (mut sum, mut square) = (0.0, 0.0);
        for sample in &self.segment {
            sum += sample;
            square += sample * sample;
            self.sums.push([sum, square]);
        }
    }

    /// Goes from cycle to cycle through the segment; also returns up to where the next frame need not read again.
    fn measure(&mut self, wanted: usize, period: usize, lags: (usize, usize)) -> (Sums, usize) {
        let mut sums = Sums::default();
        let (mut position, mut read) = (0, 0);
        self.starts.clear();
        (self.nominal, self.last_step) = (period, 0);
        while position + 2 * lags.1 + 1 < self.segment.len() {
            match self.best_match(position, lags) {
                Some(found) => {
                    self.starts.push(position);
                    if found.correlation > LEAST_CORRELATION {
                        self.accept(position, &found, &mut sums);
                    }
                    self.last_step = found.lag;
                }
                None => self.last_step = period,
            }
            position += self.last_step;
            if position + 1 < wanted {
                read = position;
            }
        }
        self.starts.push(position);
        (sums, read)
    }

    fn best_match(&mut self, position: usize, (shortest, longest): (usize, usize)) -> Option<Match> {
        let Self { segment, sums, correlations, .. } = self;
        correlations.clear();
        vectorized(
            #[inline(always)]
            || {
                let mut lag = shortest;
                while lag <= longest {
                    // Four lags share what they read, and none waits for its own last addition.
                    for (near, products) in products(segment, position, lag).into_iter().enumerate() {
                        if lag + near <= longest {
                            correlations.push(correlation(products, sums, position, lag + near));
                        }
                    }
                    lag += LAGS;
                }
            },
        );
        let mut best: Option<usize> = None;
        // The last but one is not considered: the sets are made so.
        for index in 1..correlations.len().saturating_sub(2) {
            let here = correlations[index];
            let peak = correlations[index - 1] < here && here > correlations[index + 1];
            if peak && best.is_none_or(|best| here > correlations[best]) {
                best = Some(index);
            }
        }
        let index = best?;
        let lag = shortest + index;
        let around = [correlations[index - 1], correlations[index], correlations[index + 1]];
        let (length, correlation) = vertex(lag as f64, 1.0, around);
        Some(Match { lag, length: length.abs(), correlation })
    }

    fn accept(&mut self, position: usize, found: &Match, sums: &mut Sums) {
        // Rounded, so that a cycle that is measured again has exactly the length and the height that it had.
        let period = f64::from((found.length / self.rate) as f32);
        sums.cycles += 1;
        sums.periods += period;
        if self.state.period > 0.0 {
            let difference = (self.state.period - period).abs();
            sums.differences += difference;
            sums.pairs += 1;
            if self.state.difference > 0.0 {
                sums.second_differences += (self.state.difference - difference).abs();
                sums.triples += 1;
            }
            self.state.difference = difference;
        }
        self.state.period = period;
        let [first, second] = [position, position + found.lag].map(|start| {
            let cycle = &self.segment[start + 1..(start + found.lag - 1).max(start + 1)];
            let (low, high) = cycle.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
            f64::from((high - low).max(0.0) as f32)
        });
        sums.heights += f64::midpoint(first, second);
        sums.height_differences += (first - second).abs();
    }

    /// The outputs by the sums; a frame without a cycle has those of the frame before.
    fn conclude(&mut self, sums: &Sums) -> Perturbation {
        if sums.cycles == 0 {
            return self.state.output;
        }
        let mean_period = sums.periods / sums.cycles as f64;
        let relative = |sum: f64, count: usize| (count > 0).then(|| ((sum / count as f64) / mean_period).min(1.0));
        let jitter = relative(sums.differences, sums.pairs);
        let jitter_ddp = relative(sums.second_differences, sums.triples);
        let shimmer = if sums.heights > 0.0 { (sums.height_differences / sums.heights).min(1.0) } else { 0.0 };
        // What a frame does not measure is 0 in it, but what an earlier one measured is not forgotten.
        let kept = &mut self.state.output;
        *kept = Perturbation {
            jitter: jitter.unwrap_or(kept.jitter),
            jitter_ddp: jitter_ddp.unwrap_or(kept.jitter_ddp),
            shimmer,
        };
        Perturbation { jitter: jitter.unwrap_or(0.0), jitter_ddp: jitter_ddp.unwrap_or(0.0), shimmer }
    }

    /// The cycles of the frame of the last call of [`CycleTracker::advance`], if that was voiced.
    pub(crate) fn cycles(&self) -> Cycles<'_> {
        Cycles { segment: &self.segment, starts: &self.starts, period: self.nominal, last_step: self.last_step }
    }
}

/// Lags that are matched at once.
const LAGS: usize = 4;

/// Σ of the products of `lag` samples from `position` with the `lag` samples after them, for this lag and those that follow; 0 where the
/// segment ends before.
#[inline(always)]
fn products(segment: &[f64], position: usize, lag: usize) -> [f64; LAGS] {
    let eights = lag / 8;
    let all = position + 2 * (lag + LAGS - 1);
    if all > segment.len() {
        return std::array::from_fn(|near| {
            let (middle, end) = (position + lag + near, position + 2 * (lag + near));
            segment.get(middle..end).map_or(0.0, |later| wide_dot(&segment[position..middle], later))
        });
    }
    let earlier = &segment[position..].as_chunks::<8>().0[..eights];
    let later: [&[[f64; 8]]; LAGS] =
        std::array::from_fn(|near| &segment[position + lag + near..].as_chunks::<8>().0[..eights]);
    let mut sums = [[0.0; 8]; LAGS];
    for (index, earlier) in earlier.iter().enumerate() {
        for near in 0..LAGS {
            for lane in 0..8 {
                sums[near][lane] += earlier[lane] * later[near][index][lane];
            }
        }
    }
    // In the order of `wide_dot`, to the same bits.
    std::array::from_fn(|near| {
        let (from, middle) = (8 * eights, position + lag + near);
        let mut rest = segment[position + from..middle].iter().zip(&segment[middle + from..]);
        if lag + near >= from + 8 {
            for (sum, (earlier, later)) in sums[near].iter_mut().zip(rest.by_ref()) {
                *sum += earlier * later;
            }
        }
        sum_of_eight(&sums[near]) + rest.map(|(earlier, later)| earlier * later).sum::<f64>()
    })
}

/// Pearson's correlation of `lag` samples from `position` with the `lag` samples after them, of which this is the sum of products. Where one
/// of them is constant it is not a number, and as such neither a peak nor the foot of one.
#[inline(always)]
fn correlation(products: f64, sums: &[[f64; 2]], position: usize, lag: usize) -> f64 {
    let (middle, end) = (position + lag, position + 2 * lag);
    let part = |from: usize, to: usize, of: usize| sums[to][of] - sums[from][of];
    let (a, b) = (part(position, middle, 0), part(middle, end, 0));
    let inverse = 1.0 / lag as f64;
    let spread = (part(position, middle, 1) - a * a * inverse) * (part(middle, end, 1) - b * b * inverse);
    if spread > 0.0 { (products - a * b * inverse) / spread.sqrt() } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lld::framing::LONG;

    fn heard(samples: &[f32]) -> Heard {
        let mut heard = Heard::default();
        heard.push(samples);
        heard
    }

    /// Pulses through a decaying resonance, each with its own period and height.
    fn voice(rate: u32, hertz: f64, jitter: f64, shimmer: f64) -> Vec<f32> {
        let mut signal = vec![0.0_f64; rate as usize];
        let (mut at, mut odd) = (0.0, false);
        while at < signal.len() as f64 {
            let height = 0.3 * if odd { 1.0 + shimmer / 2.0 } else { 1.0 - shimmer / 2.0 };
            for n in at.ceil() as usize..(at as usize + rate as usize / 50).min(signal.len()) {
                let t = (n as f64 - at) / f64::from(rate);
                signal[n] += height * (-1000.0 * t).exp() * (std::f64::consts::TAU * 600.0 * t).sin();
            }
            at += f64::from(rate) / hertz * if odd { 1.0 + jitter / 2.0 } else { 1.0 - jitter / 2.0 };
            odd = !odd;
        }
        signal.into_iter().map(|value| value as f32).collect()
    }

    fn medians(rate: u32, hertz: f64, jitter: f64, shimmer: f64) -> (f64, f64) {
        let signal = heard(&voice(rate, hertz, jitter, shimmer));
        let framing = Framing::new("a test", rate, LONG).unwrap();
        let mut tracker = CycleTracker::new(framing, 0.1);
        let found: Vec<_> = (0..signal.frames(&framing)).map(|t| tracker.advance(&signal, t, hertz)).collect();
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        (median(found.iter().map(|p| p.jitter).collect()), median(found.iter().map(|p| p.shimmer).collect()))
    }

    #[test]
    fn known_irregularities_are_found() {
        for rate in [16_000, 44_100] {
            for hertz in [100.0, 180.0, 250.0] {
                let (jitter, shimmer) = medians(rate, hertz, 0.0, 0.0);
                assert!(jitter < 0.002 && shimmer < 0.02, "{rate} {hertz}: {jitter} {shimmer}");
                let (_, shimmer) = medians(rate, hertz, 0.0, 0.2);
                assert!((shimmer - 0.2).abs() < 0.05, "{rate} {hertz}: {shimmer}");
                let (jitter, _) = medians(rate, hertz, 0.03, 0.0);
                assert!((jitter - 0.03).abs() < 0.01, "{rate} {hertz}: {jitter}");
            }
        }
    }

    #[test]
    fn products_of_four_lags_are_those_of_each() {
        let segment: Vec<f64> = (0..200_u32).map(|n| f64::from(n * n % 97) / 7.0 - 6.0).collect();
        for position in [0, 3] {
            for lag in 1..=98 {
                for (near, found) in products(&segment, position, lag).into_iter().enumerate() {
                    let (middle, end) = (position + lag + near, position + 2 * (lag + near));
                    if end <= segment.len() {
                        assert_eq!(found, wide_dot(&segment[position..middle], &segment[middle..end]), "{lag} {near}");
                    }
                }
            }
        }
    }

    #[test]
    fn silence_constants_and_wrong_fundamentals_are_defined() {
        for rate in [8000, 11_025, 48_000] {
            let framing = Framing::new("a test", rate, LONG).unwrap();
            for signal in [vec![0.0; rate as usize], vec![0.5; rate as usize], voice(rate, 120.0, 0.0, 0.0)] {
                let signal = heard(&signal);
                for hertz in [55.0, 1000.0, 0.0] {
                    let mut tracker = CycleTracker::new(framing, 0.1);
                    for frame in 0..signal.frames(&framing) {
                        let Perturbation { jitter, jitter_ddp, shimmer } = tracker.advance(&signal, frame, hertz);
                        assert!([jitter, jitter_ddp, shimmer].iter().all(|value| (0.0..=1.0).contains(value)));
                    }
                }
            }
        }
    }
}
