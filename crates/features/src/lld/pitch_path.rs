//! The cheapest path through the candidates of the fundamental.

use std::collections::VecDeque;

use crate::lld::subharmonics::{CANDIDATES, Candidate};

/// One for each candidate, and the last for "no voice".
const STATES: usize = CANDIDATES + 1;

/// The voicing from which a candidate is believed, and what it costs to believe another one.
const THRESHOLD: f64 = 0.7;
const DISBELIEF: f64 = 4.0;

/// What the local costs of the voicing, of calling a voiced frame unvoiced, and of an empty place weigh.
const VOICING: f64 = 2.0;
const MISSED: f64 = 8.0;
const EMPTY: f64 = 2.0;

/// What transitions cost: staying unvoiced, going from or to unvoiced, an octave's neper of jump or of its change, and a
/// jump to an empty place.
const SILENT: f64 = 1.0;
const SWITCH: f64 = 10.0;
const JUMP: f64 = 10.0;
const NOWHERE: f64 = 999.0;

/// What was decided of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Pitch {
    /// The fundamental; 0 is unvoiced.
    pub(crate) hertz: f32,
    /// The voicing of the chosen candidate, 0 to 1; in unvoiced frames that of the first.
    pub(crate) voicing: f32,
}

/// Chooses a candidate, or none, for every frame, so that the whole path is cheap: strong voicing, a fundamental in the
/// range of voices, few jumps and few changes between voiced and unvoiced (the Viterbi smoothing of F. Eyben, "Real-time
/// Speech and Music Classification by Large Audio Feature Space Extraction", 2016).
///
/// A frame is decided as soon as all paths agree on it, or when `delay` frames wait.
pub(crate) struct PitchPath {
    delay: usize,
    costs: [f64; STATES],
    /// The logarithm of the last jump that was weighed. It outlasts the frame: the sets are made so.
    jump: f64,
    /// The frames that are not decided yet, and from where every state was reached.
    waiting: VecDeque<([Candidate; CANDIDATES], [usize; STATES])>,
}

impl PitchPath {
    /// With decisions after at most `delay` frames.
    pub(crate) fn new(delay: usize) -> Self {
        let waiting = VecDeque::with_capacity(delay + 1);
        Self { delay, costs: [0.0; STATES], jump: 1.0, waiting }
    }

    /// Begins a new recording.
    pub(crate) fn reset(&mut self) {
        self.costs = [0.0; STATES];
        self.jump = 1.0;
        self.waiting.clear();
    }

    /// Takes the candidates of the next frame, and appends what is decided by that.
    pub(crate) fn advance(&mut self, candidates: [Candidate; CANDIDATES], decided: &mut Vec<Pitch>) {
        let from = self.extend(&candidates);
        self.waiting.push_back((candidates, from));
        if self.waiting.len() >= self.delay {
            self.decide(self.cheapest(), 1, decided);
        } else if let Some((state, frames)) = self.agreement() {
            self.decide_from(state, frames, frames, decided);
        }
    }

    /// Decides all that is left by the cheapest path; returns how many frames that were.
    pub(crate) fn finish(&mut self, decided: &mut Vec<Pitch>) -> usize {
        let left = self.waiting.len();
        self.decide(self.cheapest(), left, decided);
        left
    }

    /// Adds the costs of a frame and returns from which state each state is reached.
    fn extend(&mut self, candidates: &[Candidate; CANDIDATES]) -> [usize; STATES] {
        let local = local_costs(candidates);
        let mut from = [0; STATES];
        // The last frame is never decided before the next comes, so there is none before the first only.
        let Some((previous, _)) = self.waiting.back() else {
            self.costs = local;
            return from;
        };
        let logarithms = |frame: &[Candidate; CANDIDATES]| frame.map(|candidate| candidate.hertz.ln());
        let (before, now) = (logarithms(previous), logarithms(candidates));
        let mut costs = local;
        for to in 0..STATES {
            let mut least = f64::INFINITY;
            for state in 0..STATES {
                let cost = self.costs[state] + transition(&mut self.jump, &before, &now, state, to);
                if cost < least {
                    least = cost;
                    from[to] = state;
                }
            }
            costs[to] += least;
        }
        self.costs = costs;
        from
    }

    fn cheapest(&self) -> usize {
        (1..STATES).fold(0, |best, state| if self.costs[state] < self.costs[best] { state } else { best })
    }

    /// The last waiting frame on which all paths agree: its state, and how many frames there are up to it.
    fn agreement(&self) -> Option<(usize, usize)> {
        let mut states: [usize; STATES] = std::array::from_fn(|state| state);
        for index in (1..self.waiting.len()).rev() {
            let (_, from) = &self.waiting[index];
            states = states.map(|state| from[state]);
            if states.iter().all(|state| *state == states[0]) {
                return Some((states[0], index));
            }
        }
        None
    }

    /// Decides the first `count` frames by the path that ends in `state`.
    fn decide(&mut self, state: usize, count: usize, decided: &mut Vec<Pitch>) {
        self.decide_from(state, self.waiting.len(), count, decided);
    }

    /// Decides the first `count` frames by the path that is in `state` at the last of the first `length`.
    fn decide_from(&mut self, mut state: usize, length: usize, count: usize, decided: &mut Vec<Pitch>) {
        let start = decided.len();
        decided.resize(start + count, Pitch::default());
        for index in (0..length).rev() {
            let (candidates, from) = &self.waiting[index];
            if index < count {
                let chosen = candidates.get(state);
                let voicing = chosen.unwrap_or(&candidates[0]).voicing as f32;
                decided[start + index] = Pitch { hertz: chosen.map_or(0.0, |chosen| chosen.hertz as f32), voicing };
            }
            state = from[state];
        }
        self.waiting.drain(..count);
    }
}

fn local_costs(candidates: &[Candidate; CANDIDATES]) -> [f64; STATES] {
    let voiced = candidates.iter().any(|candidate| candidate.voicing >= THRESHOLD);
    let cost = |candidate: &Candidate| {
        let disbelief = if candidate.voicing < THRESHOLD { DISBELIEF } else { 0.0 };
        VOICING * (disbelief - candidate.voicing.clamp(0.01, 1.0).ln()) + range_cost(candidate.hertz)
    };
    std::array::from_fn(|state| match candidates.get(state) {
        Some(candidate) => cost(candidate),
        None if voiced => MISSED,
        None => 0.0,
    })
}

/// Fundamentals outside of 100 to 350 Hz are rarer.
fn range_cost(hertz: f64) -> f64 {
    match hertz {
        _ if hertz <= 0.0 => EMPTY,
        _ if hertz < 100.0 => 1.0 - hertz / 100.0,
        _ if hertz < 350.0 => 0.0,
        _ if hertz < 600.0 => (hertz - 350.0) / 250.0,
        _ => 1.2,
    }
}

/// The cost from `state` to `to`, with the logarithms of both frames' candidates; empty places have −∞.
fn transition(jump: &mut f64, before: &[f64; CANDIDATES], now: &[f64; CANDIDATES], state: usize, to: usize) -> f64 {
    match (before.get(state), now.get(to)) {
        (None, None) => SILENT,
        (Some(before), Some(now)) if before.is_finite() && now.is_finite() => {
            let change = now - before;
            let cost = JUMP * change.abs() + JUMP * (change - *jump).abs();
            *jump = change;
            cost
        }
        (Some(_), Some(_)) => NOWHERE,
        _ => {
            *jump = 0.0;
            SWITCH
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(list: &[(f64, f64)]) -> [Candidate; CANDIDATES] {
        std::array::from_fn(|index| {
            list.get(index)
                .map_or_else(Candidate::default, |(hertz, voicing)| Candidate { hertz: *hertz, voicing: *voicing })
        })
    }

    #[test]
    fn one_octave_error_is_bridged_and_noise_is_unvoiced() {
        let mut path = PitchPath::new(40);
        let mut decided = Vec::new();
        let noise = frame(&[(300.0, 0.3), (90.0, 0.2)]);
        let voice = frame(&[(200.0, 0.9), (100.0, 0.8)]);
        let error = frame(&[(100.0, 0.9), (200.0, 0.85)]);
        for candidates in [[noise; 5], [voice; 5], [error, voice, voice, voice, voice], [noise; 5]].concat() {
            path.advance(candidates, &mut decided);
        }
        let left = path.finish(&mut decided);
        assert!((1..20).contains(&left));
        let expected = [[0.0; 5], [200.0; 5], [200.0; 5], [0.0; 5]].concat();
        assert_eq!(decided.iter().map(|pitch| pitch.hertz).collect::<Vec<_>>(), expected);
        let voicing: Vec<f32> = decided.iter().map(|pitch| pitch.voicing).collect();
        assert_eq!(voicing, [[0.3; 5], [0.9; 5], [0.85, 0.9, 0.9, 0.9, 0.9], [0.3; 5]].concat());
    }

    #[test]
    fn every_frame_is_decided_once_and_waits_no_longer_than_the_delay() {
        let mut path = PitchPath::new(40);
        let mut decided = Vec::new();
        // Two candidates that are as good and far apart leave the paths undecided.
        for number in 0..200 {
            path.advance(frame(&[(110.0, 0.9), (317.0, 0.9)]), &mut decided);
            assert!(number + 1 - decided.len() <= 40);
        }
        path.finish(&mut decided);
        assert_eq!(decided.len(), 200);
        path.reset();
        decided.clear();
        assert_eq!(path.finish(&mut decided), 0);
        path.advance(frame(&[]), &mut decided);
        assert_eq!((path.finish(&mut decided), decided), (1, vec![Pitch::default()]));
    }
}
