//! The samples of a recording that comes a block at a time.

use crate::lld::framing::Framing;

/// Samples that are let go of at once: moving the others for every frame would cost more than it saves. Who takes samples in blocks of no
/// more than that, and lets go after each, holds little more than twice as many.
pub(crate) const SPENT: usize = 1 << 14;

/// The last samples of a recording, those that frames to come may ask for. Places are counted from the beginning of the recording.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    samples: Vec<f32>,
    /// Samples before the first of them, which are let go of.
    gone: usize,
}

impl Heard {
    /// Begins a new recording.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
        self.gone = 0;
    }

    /// Takes the next samples.
    pub(crate) fn push(&mut self, block: &[f32]) {
        self.samples.extend_from_slice(block);
    }

    /// Samples of the recording so far.
    pub(crate) fn total(&self) -> usize {
        self.gone + self.samples.len()
    }

    /// Frames that lie whole inside the recording so far.
    pub(crate) fn frames(&self, framing: &Framing) -> usize {
        framing.frames(self.total())
    }

    /// So many samples from a place on, which must not be gone.
    pub(crate) fn from(&self, place: usize, count: usize) -> &[f32] {
        &self.samples[place - self.gone..][..count]
    }

    /// The samples of frame `index`, which must have come and not be gone.
    pub(crate) fn frame(&self, framing: &Framing, index: usize) -> &[f32] {
        self.from(framing.range(index).start, framing.length)
    }

    /// Lets go of the samples before a place that has come, where they are many.
    pub(crate) fn let_go(&mut self, before: usize) {
        let spent = before.saturating_sub(self.gone);
        if spent >= SPENT {
            self.samples.drain(..spent);
            self.gone += spent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stay_what_they_are_when_samples_go() {
        let framing = Framing::new("a test", 8000, 0.02).unwrap();
        let mut heard = Heard::default();
        let all: Vec<f32> = (0..40_000_u16).map(f32::from).collect();
        for block in all.chunks(7000) {
            heard.push(block);
            heard.let_go((heard.total() - 1000) / 2);
        }
        assert_eq!((heard.total(), heard.frames(&framing)), (40_000, 499));
        assert!(heard.samples.len() < 40_000 - SPENT);
        assert_eq!(heard.frame(&framing, 498), &all[498 * 80..][..160]);
        assert_eq!(heard.from(39_000, 1000), &all[39_000..]);
        heard.let_go(heard.gone - 1);
        assert_eq!(heard.total(), 40_000);
        heard.clear();
        assert_eq!((heard.total(), heard.frames(&framing)), (0, 0));
    }
}
