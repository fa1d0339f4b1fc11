//! Contours of the descriptors, smoothed, and how they change.

use std::ops::Range;

use crate::columns::Columns;
use crate::error::FeatureError;
use crate::lld::deltas::{VoiceDeltas, deltas};
use crate::lld::smoothing::{smooth, smooth_nonzero};

/// Descriptors of the voice, of energy, and of the spectrum.
pub(super) const VOICES: usize = 6;
pub(super) const ENERGIES: usize = 4;
pub(super) const SPECTRA: usize = 55;

/// Those of energy that come from frames of 20 ms. The zero crossings, the last, do not.
pub(super) const SHORT_ENERGIES: usize = 3;

/// Those of energy and of the spectrum.
pub(super) const SOUNDS: usize = ENERGIES + SPECTRA;

/// All of them.
pub(super) const DESCRIPTORS: usize = VOICES + SOUNDS;

/// Frames of contours that stay in memory: 5½ minutes, 8.5 MB.
pub(super) const BLOCK: usize = 1 << 15;

/// Descriptors of the voice that are smoothed with the frame after the last that is decided: fundamental and voicing.
const FORESEEN: usize = 2;

/// Frames at the end that most functionals do not see.
const UNSEEN: usize = 2;

/// Frames on each side that a delta of smoothed values looks at.
const SIDE: usize = 3;

/// The descriptors of a recording before they are smoothed.
#[derive(Debug)]
pub(super) struct Contours {
    /// Those of the voice, a value for every frame of 60 ms; then energy and spectrum, a value for every frame of 20 ms, of the zero
    /// crossings for every frame of 60 ms.
    columns: Columns<DESCRIPTORS>,
    /// Of how many frames the voice was decided before the end of the recording was known.
    pub(super) decided: usize,
    /// The place, among the values in memory, of the next row to be taken.
    next: usize,
    voice_deltas: VoiceDeltas,
    derived: Derived,
}

/// Scratch for one contour and what is derived from it; of the voice, for all of them.
#[derive(Debug, Default)]
struct Derived {
    contour: Vec<f32>,
    smoothed: Vec<f32>,
    changes: Vec<f32>,
    voices: [Vec<f32>; VOICES],
    voice_changes: [Vec<f32>; VOICES],
}

/// What the functionals see of one descriptor of energy or of the spectrum. The counts are those of a recording that is long enough; none is
/// below 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sound<'a> {
    /// Smoothed, and its deltas: over all frames of 60 ms but two for energy, over all frames of 20 ms but two for the spectrum.
    pub(super) distribution: [&'a [f32]; 2],
    /// Smoothed, over all frames of 60 ms.
    pub(super) levels: &'a [f32],
    /// Its deltas, over those frames but two.
    pub(super) deltas: &'a [f32],
}

/// What the functionals see of the voice, which is known in `decided` frames. No count but that of `fundamental` is below 1.
#[derive(Debug, Clone)]
pub(super) struct Voices<'a> {
    /// Six descriptors and their deltas, over the decided frames but two, the zeros among them.
    pub(super) contours: [&'a [f32]; 2 * VOICES],
    /// The fundamental over all decided frames.
    pub(super) fundamental: &'a [f32],
}

impl Contours {
    /// With so many frames that stay in memory.
    pub(super) fn new(block: usize) -> Self {
        Self {
            columns: Columns::new(block),
            decided: 0,
            next: 0,
            voice_deltas: VoiceDeltas::new(),
            derived: Derived::default(),
        }
    }

    /// Begins a new recording.
    pub(super) fn clear(&mut self) {
        self.columns.clear();
        (self.decided, self.next) = (0, 0);
        self.voice_deltas = VoiceDeltas::new();
    }

    /// Appends the descriptors of a frame of 20 ms.
    pub(super) fn push_short(&mut self, energies: impl Iterator<Item = f64>, spectra: impl Iterator<Item = f64>) {
        let (first, rest) = self.columns.recent_mut()[VOICES..].split_at_mut(ENERGIES);
        for (contour, value) in first.iter_mut().zip(energies).chain(rest.iter_mut().zip(spectra)) {
            contour.push(value as f32);
        }
    }

    /// Appends the zero crossings of a frame of 60 ms.
    pub(super) fn push_crossings(&mut self, rate: f64) {
        self.columns.recent_mut()[VOICES + SHORT_ENERGIES].push(rate as f32);
    }

    /// Appends the descriptors of the voice of a frame of 60 ms.
    pub(super) fn push_voice(&mut self, values: [f64; VOICES]) {
        for (contour, value) in self.columns.recent_mut().iter_mut().zip(values) {
            contour.push(value as f32);
        }
    }

    /// Appends what is complete to `rows`: all descriptors, smoothed, then their deltas, a row for every frame of 60 ms that was not taken
    /// yet. The last three stay until their successors are known, or the recording is over. Functionals cannot be told of what was
    /// taken.
    pub(super) fn take_rows(&mut self, over: bool, rows: &mut Vec<f32>) {
        let frames = self.frames();
        let end = if over { frames } else { frames.saturating_sub(SIDE) };
        if end <= self.next {
            return;
        }
        let taken = self.next..end;
        let from = rows.len();
        rows.resize(from + taken.len() * 2 * DESCRIPTORS, 0.0);
        self.put_voices(&taken, &mut rows[from..]);
        self.put_sounds(&taken, over, &mut rows[from..]);
        // Those before the next row smooth it, and its delta looks at them.
        let spent = end.saturating_sub(SIDE);
        self.columns.recent_mut().iter_mut().for_each(|contour| drop(contour.drain(..spent)));
        self.next = end - spent;
    }

    fn put_voices(&mut self, taken: &Range<usize>, rows: &mut [f32]) {
        let Self { columns, voice_deltas, derived: Derived { voices, voice_changes, .. }, .. } = self;
        for (contour, smoothed) in columns.recent().iter().zip(&mut *voices) {
            smoothed.clear();
            smooth_nonzero(contour, smoothed);
        }
        voice_changes.iter_mut().for_each(Vec::clear);
        voice_deltas.advance(voices, taken.clone(), voice_changes);
        for (column, (smoothed, changes)) in voices.iter().zip(voice_changes).enumerate() {
            put(&smoothed[taken.clone()], column, rows);
            put(changes, DESCRIPTORS + column, rows);
        }
    }

    fn put_sounds(&mut self, taken: &Range<usize>, over: bool, rows: &mut [f32]) {
        let frames = self.frames();
        let Self { columns, derived: Derived { smoothed, changes, .. }, .. } = self;
        for (column, contour) in columns.recent().iter().enumerate().skip(VOICES) {
            // A recording that goes on may have later frames of 20 ms. At its end they count.
            derive(if over { contour } else { &contour[..frames] }, smoothed, changes);
            put(&smoothed[taken.clone()], column, rows);
            put(&changes[taken.clone()], DESCRIPTORS + column, rows);
        }
    }

    /// Lets a long recording wait for its functionals in a temporary file. Rows cannot be taken of it.
    ///
    /// # Errors
    /// [`FeatureError::TemporaryFile`] where there is none, or no room in it.
    pub(super) fn set_aside(&mut self) -> Result<(), FeatureError> {
        self.columns.set_aside()
    }

    /// Frames of 60 ms.
    fn frames(&self) -> usize {
        self.columns.len(0)
    }

    /// One descriptor of energy, or after the four of the spectrum.
    ///
    /// # Errors
    /// [`FeatureError::TemporaryFile`] where it cannot be read.
    pub(super) fn sound(&mut self, index: usize) -> Result<Sound<'_>, FeatureError> {
        let (long, short) = (self.frames(), self.columns.len(VOICES));
        let seen = long.saturating_sub(UNSEEN).max(1);
        let distribution = if index < ENERGIES { seen } else { short - UNSEEN };
        let Derived { contour, smoothed, changes, .. } = &mut self.derived;
        self.columns.read(VOICES + index, contour)?;
        derive(contour, smoothed, changes);
        Ok(Sound {
            distribution: [cut(smoothed, distribution), cut(changes, distribution)],
            levels: cut(smoothed, long),
            deltas: cut(changes, seen),
        })
    }

    /// The descriptors of the voice.
    ///
    /// # Errors
    /// [`FeatureError::TemporaryFile`] where they cannot be read.
    pub(super) fn voices(&mut self) -> Result<Voices<'_>, FeatureError> {
        let Self { columns, decided, derived, .. } = self;
        let frames = (*decided).max(1);
        let Derived { contour, voices, voice_changes, .. } = derived;
        for (index, smoothed) in voices.iter_mut().enumerate() {
            columns.read(index, contour)?;
            smoothed.clear();
            smooth_nonzero(cut(contour, if index < FORESEEN { frames + 1 } else { frames }), smoothed);
            smoothed.truncate(frames);
        }
        voice_changes.iter_mut().for_each(Vec::clear);
        VoiceDeltas::new().advance(voices, 0..frames, voice_changes);
        let seen = decided.saturating_sub(UNSEEN).max(1);
        Ok(Voices {
            contours: std::array::from_fn(|index| {
                let part = if index < VOICES { &*voices } else { &*voice_changes };
                cut(&part[index % VOICES], seen)
            }),
            fundamental: cut(&voices[0], *decided),
        })
    }
}

/// Smooths a contour, and tells how that changes.
fn derive(contour: &[f32], smoothed: &mut Vec<f32>, changes: &mut Vec<f32>) {
    smoothed.clear();
    smooth(contour, smoothed);
    changes.clear();
    deltas(smoothed, changes);
}

/// Writes a contour into a column of rows.
fn put(contour: &[f32], column: usize, rows: &mut [f32]) {
    for (cell, value) in rows[column..].iter_mut().step_by(2 * DESCRIPTORS).zip(contour) {
        *cell = *value;
    }
}

/// The first `frames` values, or all there are.
fn cut(contour: &[f32], frames: usize) -> &[f32] {
    &contour[..frames.min(contour.len())]
}
