//! The cheapest path through the candidates of all frames.

use super::Candidate;

/// A way to hear a frame, with the best way to it.
#[derive(Debug, Clone, Copy)]
struct State {
    /// `None` is unvoiced.
    hertz: Option<f64>,
    correlation: f64,
    /// What the path to here is worth: strengths less costs.
    worth: f64,
    /// The state of the frame before, by its place in it.
    from: usize,
}

/// Takes candidates frame by frame, and chooses one or none of each so that the strengths less the costs of all transitions are highest.
pub(super) struct CheapestPath {
    octave_jump_cost: f64,
    voicing_cost: f64,
    states: Vec<State>,
    /// Where the states of every frame end.
    ends: Vec<usize>,
}

impl CheapestPath {
    pub(super) fn new(octave_jump_cost: f64, voicing_cost: f64) -> Self {
        Self { octave_jump_cost, voicing_cost, states: Vec::new(), ends: Vec::new() }
    }

    /// Takes the next frame's candidates, the best first, and what it is worth to call it unvoiced.
    pub(super) fn advance(&mut self, candidates: &[Candidate], unvoiced: f64) {
        let start = self.ends.len().checked_sub(2).map_or(0, |frame| self.ends[frame]);
        let before = start..self.states.len();
        let best = candidates.first().map_or(0.0, |candidate| candidate.correlation);
        let silent = State { hertz: None, correlation: best, worth: unvoiced, from: 0 };
        let voiced = candidates.iter().map(|candidate| State {
            hertz: Some(candidate.hertz),
            correlation: candidate.correlation,
            worth: candidate.strength,
            from: 0,
        });
        for state in std::iter::once(silent).chain(voiced) {
            let worth = |from: &State| from.worth - self.cost(from.hertz, state.hertz);
            let ways = self.states[before.clone()].iter().map(worth).enumerate();
            let way = ways.reduce(|best, other| if other.1 > best.1 { other } else { best });
            let (from, worth) = way.unwrap_or((0, 0.0));
            self.states.push(State { from, worth: state.worth + worth, ..state });
        }
        self.ends.push(self.states.len());
    }

    fn cost(&self, from: Option<f64>, to: Option<f64>) -> f64 {
        match (from, to) {
            (None, None) => 0.0,
            (Some(from), Some(to)) => self.octave_jump_cost * (to / from).log2().abs(),
            _ => self.voicing_cost,
        }
    }

    /// Fundamental and correlation of every frame.
    pub(super) fn finish(self) -> Vec<(Option<f64>, f64)> {
        let mut path = Vec::with_capacity(self.ends.len());
        let mut place = None;
        for frame in (0..self.ends.len()).rev() {
            let start = frame.checked_sub(1).map_or(0, |before| self.ends[before]);
            let states = &self.states[start..self.ends[frame]];
            let best = || (1..states.len()).fold(0, |a, b| if states[b].worth > states[a].worth { b } else { a });
            let state = states[place.unwrap_or_else(best)];
            path.push((state.hertz, state.correlation));
            place = Some(state.from);
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(list: &[(f64, f64)]) -> Vec<Candidate> {
        list.iter().map(|&(hertz, strength)| Candidate { hertz, correlation: strength, strength }).collect()
    }

    fn path(frames: &[Vec<Candidate>]) -> Vec<(Option<f64>, f64)> {
        let mut path = CheapestPath::new(0.35, 0.14);
        for candidates in frames {
            path.advance(candidates, 0.45);
        }
        path.finish()
    }

    #[test]
    fn every_frame_is_heard_as_its_neighbours_are() {
        let (voice, error) = (frame(&[(200.0, 0.9), (100.0, 0.8)]), frame(&[(100.0, 0.95), (200.0, 0.9)]));
        let (weak, noise) = (frame(&[(200.0, 0.4)]), frame(&[(333.0, 0.2)]));
        let found = path(&[noise.clone(), voice.clone(), error, weak, voice, noise]);
        let expected = [None, Some(200.0), Some(200.0), Some(200.0), Some(200.0), None];
        assert_eq!(found.iter().map(|frame| frame.0).collect::<Vec<_>>(), expected);
        assert_eq!(found.iter().map(|frame| frame.1).collect::<Vec<_>>(), [0.2, 0.9, 0.9, 0.4, 0.9, 0.2]);
    }

    #[test]
    fn no_frames_and_no_candidates_have_no_voice() {
        assert!(path(&[]).is_empty());
        assert_eq!(path(&[Vec::new(), Vec::new()]), [(None, 0.0); 2]);
    }
}
