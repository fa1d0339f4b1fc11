//! The fundamental of frames of 60 ms.

use std::ops::RangeInclusive;

use crate::lld::framing::Framing;
use crate::lld::pitch_path::{Pitch, PitchPath};
use crate::lld::spectrum::{FrameSpectrum, Taper};
use crate::lld::subharmonics::SubharmonicSummation;

/// Frames of which the weighted samples have this root mean square or less are unvoiced, whatever was decided of them.
pub(crate) const QUIET: f64 = 0.001;

/// From frames to fundamentals: the spectrum, its subharmonic sums, and the cheapest path through their candidates.
pub(crate) struct PitchTracker {
    spectrum: FrameSpectrum,
    magnitudes: Vec<f64>,
    summation: SubharmonicSummation,
    path: PitchPath,
}

impl PitchTracker {
    /// For fundamentals of this range in hertz, decided after at most `delay` frames.
    pub(crate) fn new(framing: &Framing, fundamentals: RangeInclusive<f64>, delay: usize) -> Self {
        let spectrum = FrameSpectrum::new(framing, Taper::Gauss);
        let (bins, width) = (spectrum.bins(), spectrum.bin_width());
        Self {
            magnitudes: vec![0.0; bins],
            summation: SubharmonicSummation::new(bins, width, fundamentals),
            path: PitchPath::new(delay),
            spectrum,
        }
    }

    /// Begins a new recording.
    pub(crate) fn reset(&mut self) {
        self.path.reset();
    }

    /// Takes the next frame, and appends what is decided by it.
    pub(crate) fn advance(&mut self, frame: &[f32], pitches: &mut Vec<Pitch>) {
        self.spectrum.compute(frame);
        self.spectrum.write_magnitudes(&mut self.magnitudes);
        let candidates = self.summation.candidates(&self.magnitudes);
        self.path.advance(candidates, pitches);
    }

    /// Ends the recording, and appends what was not decided yet.
    pub(crate) fn finish(&mut self, pitches: &mut Vec<Pitch>) {
        self.path.finish(pitches);
    }

    /// The spectrum of the last frame.
    pub(crate) fn spectrum(&self) -> &FrameSpectrum {
        &self.spectrum
    }

    /// Its magnitudes.
    pub(crate) fn magnitudes(&self) -> &[f64] {
        &self.magnitudes
    }
}
