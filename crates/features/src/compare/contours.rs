//! Contours of the descriptors, smoothed, and how they change.

use crate::frames::Frames;
use crate::lld::deltas::{deltas, voice_deltas};
use crate::lld::smoothing::{smooth, smooth_nonzero};

use super::functionals::Blocks;

/// Descriptors of the voice, of energy, and of the spectrum.
pub(super) const VOICES: usize = 6;
pub(super) const ENERGIES: usize = 4;
pub(super) const SPECTRA: usize = 55;

/// Those of energy that come from frames of 20 ms. The zero crossings, the last, do not.
pub(super) const SHORT_ENERGIES: usize = 3;

/// Those of energy and of the spectrum.
const SOUNDS: usize = ENERGIES + SPECTRA;

/// Descriptors of the voice that are smoothed with the frame after the last that is decided: fundamental and voicing.
const FORESEEN: usize = 2;

/// Frames at the end that most functionals do not see.
const UNSEEN: usize = 2;

/// The descriptors of a recording.
#[derive(Debug)]
pub(super) struct Contours {
    /// Energy, then spectrum; a value for every frame of 20 ms, of the zero crossings for every frame of 60 ms.
    sounds: [Vec<f32>; SOUNDS],
    smoothed: [Vec<f32>; SOUNDS],
    changes: [Vec<f32>; SOUNDS],
    /// A value for every frame of 60 ms.
    voices: [Vec<f32>; VOICES],
    smoothed_voices: [Vec<f32>; VOICES],
    voice_changes: [Vec<f32>; VOICES],
    /// Of how many frames the voice was decided before the end of the recording was known.
    pub(super) decided: usize,
}

impl Default for Contours {
    fn default() -> Self {
        let sounds = || std::array::from_fn(|_| Vec::new());
        let voices = || std::array::from_fn(|_| Vec::new());
        Self {
            sounds: sounds(),
            smoothed: sounds(),
            changes: sounds(),
            voices: voices(),
            smoothed_voices: voices(),
            voice_changes: voices(),
            decided: 0,
        }
    }
}

impl Contours {
    /// Begins a new recording.
    pub(super) fn clear(&mut self) {
        self.sounds.iter_mut().chain(&mut self.voices).for_each(Vec::clear);
        self.decided = 0;
    }

    /// Appends the descriptors of a frame of 20 ms.
    pub(super) fn push_short(&mut self, energies: impl Iterator<Item = f64>, spectra: impl Iterator<Item = f64>) {
        let (first, rest) = self.sounds.split_at_mut(ENERGIES);
        for (contour, value) in first.iter_mut().zip(energies).chain(rest.iter_mut().zip(spectra)) {
            contour.push(value as f32);
        }
    }

    /// Appends the zero crossings of a frame of 60 ms.
    pub(super) fn push_crossings(&mut self, rate: f64) {
        self.sounds[SHORT_ENERGIES].push(rate as f32);
    }

    /// Appends the descriptors of the voice of a frame of 60 ms.
    pub(super) fn push_voice(&mut self, values: [f64; VOICES]) {
        for (contour, value) in self.voices.iter_mut().zip(values) {
            contour.push(value as f32);
        }
    }

    /// Smooths the first `frames` frames of the voice, of which at least one is there, and all of the rest.
    fn derive(&mut self, frames: usize) {
        for ((contour, smoothed), changes) in self.sounds.iter().zip(&mut self.smoothed).zip(&mut self.changes) {
            smoothed.clear();
            smooth(contour, smoothed);
            changes.clear();
            deltas(smoothed, changes);
        }
        for (index, (contour, smoothed)) in self.voices.iter().zip(&mut self.smoothed_voices).enumerate() {
            smoothed.clear();
            let known = if index < FORESEEN { (frames + 1).min(contour.len()) } else { frames };
            smooth_nonzero(&contour[..known], smoothed);
            smoothed.truncate(frames);
        }
        self.voice_changes.iter_mut().for_each(Vec::clear);
        voice_deltas(&self.smoothed_voices, &mut self.voice_changes);
    }

    /// All descriptors, then their deltas, a row for every frame of 60 ms.
    pub(super) fn table(&mut self) -> Frames {
        let frames = self.voices[0].len();
        self.derive(frames);
        let Self { smoothed, changes, smoothed_voices, voice_changes, .. } = &*self;
        let columns = smoothed_voices.iter().chain(smoothed).chain(voice_changes).chain(changes);
        let mut table = Frames::zeros(frames, 2 * (VOICES + SOUNDS));
        for (column, contour) in columns.enumerate() {
            for (frame, value) in contour.iter().take(frames).enumerate() {
                table.frame_mut(frame)[column] = *value;
            }
        }
        table
    }

    /// What the functionals see.
    pub(super) fn blocks(&mut self) -> Blocks<'_> {
        let (long, short) = (self.voices[0].len(), self.sounds[0].len());
        let (decided, seen) = (self.decided.max(1), long.saturating_sub(UNSEEN).max(1));
        self.derive(decided);
        let Self { smoothed, changes, smoothed_voices, voice_changes, .. } = self;
        Blocks {
            energy: std::array::from_fn(|index| {
                let part = if index < ENERGIES { &*smoothed } else { &*changes };
                cut(&part[index % ENERGIES], seen)
            }),
            spectral: smoothed[ENERGIES..]
                .iter()
                .chain(&changes[ENERGIES..])
                .map(|contour| cut(contour, short - UNSEEN))
                .collect(),
            voicing: std::array::from_fn(|index| {
                let part = if index < VOICES { &*smoothed_voices } else { &*voice_changes };
                cut(&part[index % VOICES], decided.saturating_sub(UNSEEN).max(1))
            }),
            fundamental: cut(&smoothed_voices[0], self.decided),
            levels: smoothed.iter().map(|contour| cut(contour, long)).collect(),
            deltas: changes.iter().map(|contour| cut(contour, seen)).collect(),
        }
    }
}

/// The first `frames` values, or all there are.
fn cut(contour: &[f32], frames: usize) -> &[f32] {
    &contour[..frames.min(contour.len())]
}
