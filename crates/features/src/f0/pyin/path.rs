//! The likeliest path through the pitches of all frames.

use std::ops::Range;

/// Stands for a probability of 0 in sums of logarithms, as in librosa: nothing is impossible.
const NEVER: f64 = f64::MIN_POSITIVE;

/// The states of the model, each pitch with and without a voice, and the probabilities of going from one to another.
///
/// From a frame to the next a pitch moves by a triangular distribution that ends `reach` pitches away and is cut off at
/// the ends of the range, and independently of that the voice stays or switches.
pub(super) struct PitchStates {
    bins: usize,
    /// How far below and above a pitch it may go to.
    below: usize,
    above: usize,
    /// Logarithms of the triangle from `below` to `above`, not normalised.
    triangle: Vec<f64>,
    /// Logarithms of its sum inside the range, by the pitch that is left.
    sums: Vec<f64>,
    stay: f64,
    switch: f64,
}

impl PitchStates {
    pub(super) fn new(bins: usize, reach: usize, switch: f64) -> Self {
        let width = reach + 1;
        // Where the width is even the triangle has no middle, and librosa leans it to one side or the other.
        let below = if width.is_multiple_of(2) && bins.is_multiple_of(2) { width / 2 - 1 } else { width / 2 };
        let above = width - 1 - below;
        let half = width.div_ceil(2);
        let height = |index: usize| {
            let rank = index.min(width - 1 - index) + 1;
            if width % 2 == 1 { rank as f64 / half as f64 } else { (2 * rank - 1) as f64 / width as f64 }
        };
        let triangle: Vec<f64> = (0..width).map(height).collect();
        let sum = |bin: usize| triangle[below.saturating_sub(bin)..(bins - bin + below).min(width)].iter().sum::<f64>();
        Self {
            bins,
            below,
            above,
            sums: (0..bins).map(|bin| sum(bin).ln()).collect(),
            triangle: triangle.iter().map(|height| height.ln()).collect(),
            stay: (1.0 - switch).max(NEVER).ln(),
            switch: switch.max(NEVER).ln(),
        }
    }

    /// The pitches from which one may come to `to`.
    fn sources(&self, to: usize) -> Range<usize> {
        to.saturating_sub(self.above)..(to + self.below + 1).min(self.bins)
    }

    /// The best pitch to come from, and the logarithm of the probability, for all pitches of `to`, known to come from one of `from`.
    ///
    /// The logarithm of the triangle is concave, so that a higher pitch never comes from a lower one: the answer for the
    /// middle bounds both sides. `values` are those of the frame before, less [`PitchStates::sums`].
    fn arrive(&self, values: &[f64], to: Range<usize>, from: Range<usize>, best: &mut [(usize, f64)]) {
        if to.is_empty() {
            return;
        }
        let middle = to.start.midpoint(to.end);
        let inside = self.sources(middle);
        let sources = from.start.max(inside.start)..from.end.min(inside.end);
        let mut found = (sources.start, f64::NEG_INFINITY);
        for source in sources {
            let value = values[source] + self.triangle[middle + self.below - source];
            if value > found.1 {
                found = (source, value);
            }
        }
        best[middle] = found;
        self.arrive(values, to.start..middle, from.start..found.0 + 1, best);
        self.arrive(values, middle + 1..to.end, found.0..from.end, best);
    }
}

/// The path, frame by frame (Viterbi's algorithm). States are numbered by pitch, those with a voice first.
pub(super) struct Route {
    states: PitchStates,
    /// Logarithms of the probabilities of the best paths to all states; empty before the first frame.
    values: Vec<f64>,
    next: Vec<f64>,
    weighed: Vec<f64>,
    best: [Vec<(usize, f64)>; 2],
    /// From where every state was reached, frame after frame, without the first.
    from: Vec<u16>,
    frames: usize,
}

impl Route {
    /// For so many frames.
    pub(super) fn new(states: PitchStates, frames: usize) -> Self {
        let bins = states.bins;
        Self {
            values: Vec::new(),
            next: vec![0.0; 2 * bins],
            weighed: vec![0.0; bins],
            best: std::array::from_fn(|_| vec![(0, 0.0); bins]),
            from: Vec::with_capacity(2 * bins * frames.saturating_sub(1)),
            frames: 0,
            states,
        }
    }

    /// Takes the next frame: the probabilities of voiced pitches where they are above 0, and that of every unvoiced one.
    pub(super) fn advance(&mut self, voiced: &[(usize, f64)], unvoiced: f64) {
        if self.frames == 0 {
            // Every state is as likely; a constant changes no path.
            self.next.fill(0.0);
        } else {
            self.transfer();
        }
        let bins = self.states.bins;
        let (with, without) = self.next.split_at_mut(bins);
        let never = NEVER.ln();
        let mut rest = voiced.iter().copied().peekable();
        for (bin, value) in with.iter_mut().enumerate() {
            let observed = rest.next_if(|(other, _)| *other == bin).map_or(never, |(_, p)| (p + NEVER).ln());
            *value += observed;
        }
        let unvoiced = (unvoiced + NEVER).ln();
        for value in without {
            *value += unvoiced;
        }
        std::mem::swap(&mut self.values, &mut self.next);
        self.next.resize(2 * bins, 0.0);
        self.frames += 1;
    }

    /// The values of the states before the next frame is heard.
    fn transfer(&mut self) {
        let Self { states, values, next, weighed, best, from, .. } = self;
        let bins = states.bins;
        for (values, best) in values.chunks_exact(bins).zip(best.iter_mut()) {
            for ((weighed, value), sum) in weighed.iter_mut().zip(values).zip(&states.sums) {
                *weighed = value - sum;
            }
            states.arrive(weighed, 0..bins, 0..bins, best);
        }
        // From a state out of reach, one comes with the probability that stands for none.
        let (far, highest) = maximum(values);
        let jump = highest + NEVER.ln();
        for (state, value) in next.iter_mut().enumerate() {
            let (voice, bin) = (state / bins, state % bins);
            let (mut source, mut found) = (far, jump);
            for (origin, best) in best.iter().enumerate() {
                let (pitch, near) = best[bin];
                let near = near + if origin == voice { states.stay } else { states.switch };
                if near > found {
                    (source, found) = (origin * bins + pitch, near);
                }
            }
            *value = found;
            from.push(source as u16);
        }
    }

    /// The pitch of every frame on the likeliest path, `None` without a voice.
    pub(super) fn finish(self) -> Vec<Option<usize>> {
        let bins = self.states.bins;
        let (mut state, _) = maximum(&self.values);
        let mut path: Vec<_> = (0..self.frames)
            .rev()
            .map(|frame| {
                let pitch = (state < bins).then_some(state);
                if frame > 0 {
                    state = usize::from(self.from[(frame - 1) * 2 * bins + state]);
                }
                pitch
            })
            .collect();
        path.reverse();
        path
    }
}

/// Place and size of the greatest value, the first of equal ones.
fn maximum(values: &[f64]) -> (usize, f64) {
    let all = values.iter().copied().enumerate();
    all.fold((0, f64::NEG_INFINITY), |best, other| if other.1 > best.1 { other } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The likeliest path by every transition between every two states.
    fn plain(states: &PitchStates, frames: &[(Vec<(usize, f64)>, f64)]) -> Vec<Option<usize>> {
        let bins = states.bins;
        let transition = |a: usize, b: usize| {
            let voice = if a / bins == b / bins { states.stay } else { states.switch };
            let (a, b) = (a % bins, b % bins);
            if !states.sources(b).contains(&a) {
                return NEVER.ln();
            }
            voice + states.triangle[b + states.below - a] - states.sums[a]
        };
        let observed = |frame: &(Vec<(usize, f64)>, f64), state: usize| {
            let voiced = frame.0.iter().find(|(bin, _)| *bin == state).map_or(0.0, |(_, p)| *p);
            (NEVER + if state < bins { voiced } else { frame.1 }).ln()
        };
        let mut values: Vec<f64> = (0..2 * bins).map(|state| observed(&frames[0], state)).collect();
        let mut paths: Vec<Vec<usize>> = (0..2 * bins).map(|state| vec![state]).collect();
        for frame in &frames[1..] {
            let reach = |to: usize| {
                let reached: Vec<f64> = (0..2 * bins).map(|from| values[from] + transition(from, to)).collect();
                let (from, value) = maximum(&reached);
                (value + observed(frame, to), [&paths[from][..], &[to]].concat())
            };
            (values, paths) = (0..2 * bins).map(reach).unzip();
        }
        paths[maximum(&values).0].iter().map(|state| (*state < bins).then_some(*state)).collect()
    }

    #[test]
    fn the_path_is_that_of_the_plain_algorithm() {
        let mut state = 5_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for (bins, reach) in [(1, 0), (2, 5), (30, 8), (31, 8), (31, 7), (30, 7), (40, 0), (25, 100)] {
            let mut voices = 0;
            for _ in 0..20 {
                let frames: Vec<_> = (0..25)
                    .map(|_| {
                        let mut pitches: Vec<usize> = (0..random(4)).map(|_| random(bins) as usize).collect();
                        pitches.sort_unstable();
                        pitches.dedup();
                        // No two paths are equally likely.
                        let mut voiced: Vec<_> =
                            pitches.into_iter().map(|pitch| (pitch, 0.01 + f64::from(random(1 << 20)))).collect();
                        let rest = 0.01 + f64::from(random(1 << 20));
                        let sum = rest + voiced.iter().map(|(_, part)| part).sum::<f64>();
                        for (_, part) in &mut voiced {
                            *part /= sum;
                        }
                        let rest = rest / sum;
                        (voiced, rest / f64::from(bins))
                    })
                    .collect();
                let states = || PitchStates::new(bins as usize, reach, 0.01);
                let mut route = Route::new(states(), frames.len());
                for (voiced, unvoiced) in &frames {
                    route.advance(voiced, *unvoiced);
                }
                let found = route.finish();
                voices += found.iter().flatten().count();
                assert_eq!(found, plain(&states(), &frames), "{bins} pitches, reach {reach}");
            }
            assert!(voices > 0, "{bins} pitches, reach {reach}");
        }
    }

    #[test]
    fn transitions_from_every_pitch_sum_to_one() {
        for (bins, reach) in [(1, 0), (10, 3), (11, 3), (10, 4), (11, 60), (385, 140)] {
            let states = PitchStates::new(bins, reach, 0.01);
            for from in 0..bins {
                let targets = (0..bins).filter(|to| states.sources(*to).contains(&from));
                let sum: f64 =
                    targets.map(|to| (states.triangle[to + states.below - from] - states.sums[from]).exp()).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{bins} {reach} {from}: {sum}");
            }
        }
    }
}
