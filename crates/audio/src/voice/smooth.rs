//! From scores of frames to decisions: hysteresis, pauses, blips and padding.

use super::VoiceActivityParams;
use crate::voice::FRAME_SECONDS;

/// Turns one score a frame into one decision a frame, each given as soon as no later score can change it.
pub(super) struct Smoother {
    onset: f32,
    offset: f32,
    /// All in frames.
    min_speech: usize,
    min_pause: usize,
    padding: usize,
    voiced: bool,
    phase: Phase,
}

/// What the frames that are not decided yet are.
enum Phase {
    /// `held` frames of silence, at most the padding: speech that begins now takes them.
    Silence { held: usize },
    /// Maybe speech: `voiced` of `span` frames, then `gap` frames of silence.
    Candidate { held: usize, voiced: usize, span: usize, gap: usize },
    /// Speech, then `gap` frames of silence, the first of which are given away as padding already.
    Speech { gap: usize },
}

fn frames(seconds: f64) -> usize {
    (seconds / FRAME_SECONDS).round() as usize
}

impl Smoother {
    pub(super) fn new(params: &VoiceActivityParams) -> Self {
        let min_pause = frames(params.min_pause).max(1);
        Self {
            onset: params.onset as f32,
            offset: params.offset as f32,
            min_speech: frames(params.min_speech).max(1),
            min_pause,
            // Half a pause at either side leaves the pause a pause, whatever way the two were rounded.
            padding: frames(params.padding).min(min_pause / 2),
            voiced: false,
            phase: Phase::Silence { held: 0 },
        }
    }

    /// Takes the score of the next frame and appends the decisions that follow from it.
    pub(super) fn push(&mut self, score: f32, out: &mut Vec<bool>) {
        self.voiced = score >= if self.voiced { self.offset } else { self.onset };
        self.phase = match (std::mem::replace(&mut self.phase, Phase::Silence { held: 0 }), self.voiced) {
            (Phase::Silence { held }, false) => self.silence(held + 1, out),
            (Phase::Silence { held }, true) => self.candidate(held, 1, 1, out),
            (Phase::Candidate { held, voiced, span, gap }, true) => {
                self.candidate(held, voiced + 1, span + gap + 1, out)
            }
            (Phase::Candidate { held, span, gap, .. }, false) if gap + 1 >= self.min_pause => {
                self.silence(held + span + gap + 1, out)
            }
            (Phase::Candidate { held, voiced, span, gap }, false) => {
                Phase::Candidate { held, voiced, span, gap: gap + 1 }
            }
            (Phase::Speech { gap }, true) => {
                emit(true, gap.saturating_sub(self.padding) + 1, out);
                Phase::Speech { gap: 0 }
            }
            (Phase::Speech { gap }, false) => {
                if gap < self.padding {
                    out.push(true);
                }
                if gap + 1 >= self.min_pause {
                    self.silence((gap + 1).saturating_sub(self.padding), out)
                } else {
                    Phase::Speech { gap: gap + 1 }
                }
            }
        };
    }

    /// The decisions on all frames that are left.
    pub(super) fn finish(self, out: &mut Vec<bool>) {
        let silent = match self.phase {
            Phase::Silence { held } => held,
            Phase::Candidate { held, span, gap, .. } => held + span + gap,
            Phase::Speech { gap } => gap.saturating_sub(self.padding),
        };
        emit(false, silent, out);
    }

    /// So many frames are silence; the last of them are kept, should speech begin.
    fn silence(&self, frames: usize, out: &mut Vec<bool>) -> Phase {
        let held = frames.min(self.padding);
        emit(false, frames - held, out);
        Phase::Silence { held }
    }

    fn candidate(&self, held: usize, voiced: usize, span: usize, out: &mut Vec<bool>) -> Phase {
        if voiced < self.min_speech {
            return Phase::Candidate { held, voiced, span, gap: 0 };
        }
        emit(true, held + span, out);
        Phase::Speech { gap: 0 }
    }
}

fn emit(decision: bool, frames: usize, out: &mut Vec<bool>) {
    out.extend(std::iter::repeat_n(decision, frames));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two frames of speech, pauses of four, one frame of padding.
    fn params() -> VoiceActivityParams {
        let frames = |count: f64| count * FRAME_SECONDS;
        VoiceActivityParams {
            onset: 0.6,
            offset: 0.4,
            min_speech: frames(2.0),
            min_pause: frames(4.0),
            padding: frames(1.0),
        }
    }

    /// Scores as digits, tenths; decisions as `.` and `#`.
    #[track_caller]
    fn smooths(scores: &str, expected: &str) {
        let mut smoother = Smoother::new(&params());
        let mut out = Vec::new();
        for digit in scores.bytes() {
            smoother.push(f32::from(digit - b'0') / 10.0, &mut out);
        }
        smoother.finish(&mut out);
        let text: String = out.iter().map(|&speech| if speech { '#' } else { '.' }).collect();
        assert_eq!(text, expected, "{scores}");
    }

    #[test]
    fn every_rule_by_hand() {
        smooths("", "");
        smooths("000", "...");
        // Padding at either side.
        smooths("00099000", "..####..");
        // Only as much padding as there is.
        smooths("99", "##");
        // One frame is no speech, two are, also with a short pause between them.
        smooths("0009000000", "..........");
        smooths("0009009000000", "..######.....");
        // Below the onset nothing begins; above the offset it goes on.
        smooths("0005500000", "..........");
        smooths("000944000000", "..#####.....");
        // Pauses of three are bridged, of four are not.
        smooths("099000990", "#########");
        smooths("0990000990", "####..####");
        // A blip behind speech is dropped.
        smooths("0990000900000", "####.........");
        smooths("09900009", "####....");
    }

    #[test]
    fn a_decision_a_score_whatever_comes() {
        let mut state = 3_u32;
        for length in 0..200 {
            let mut smoother = Smoother::new(&params());
            let mut out = Vec::new();
            for _ in 0..length {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                smoother.push(if state >> 30 == 0 { 0.9 } else { 0.1 }, &mut out);
            }
            smoother.finish(&mut out);
            assert_eq!(out.len(), length);
        }
    }
}
