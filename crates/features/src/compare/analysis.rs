//! From samples to the contours of the descriptors.

use std::collections::VecDeque;

use crate::error::FeatureError;
use crate::lanes::wide_sum;
use crate::level::Level;
use crate::lld::auditory::{AuditoryBank, BANDS};
use crate::lld::band_energy::BandEnergy;
use crate::lld::cepstrum::Cepstrum;
use crate::lld::cycle_noise::{CycleNoise, LEAST_RATIO};
use crate::lld::cycles::{CycleTracker, Perturbation};
use crate::lld::entropy::spectral_entropy;
use crate::lld::flux::SpectralFlux;
use crate::lld::framing::{Framing, LONG, SHORT};
use crate::lld::heard::{Heard, SPENT};
use crate::lld::loudness::LoudnessScale;
use crate::lld::pitch_path::Pitch;
use crate::lld::pitch_tracker::{PitchTracker, QUIET};
use crate::lld::power_slope::PowerSlope;
use crate::lld::rasta::RastaFilter;
use crate::lld::rms::root_mean_square;
use crate::lld::roll_off::roll_offs;
use crate::lld::sharpness::Sharpness;
use crate::lld::spectral_harmonicity::SpectralHarmonicity;
use crate::lld::spectral_moments::SpectralMoments;
use crate::lld::spectrum::{FrameSpectrum, Taper};
use crate::lld::zero_crossings::zero_crossing_rate;

use super::contours::{Contours, SHORT_ENERGIES};

/// The set, where a message names it.
const SET: &str = "compare-2016";

/// Fundamentals in hertz, and frames until one is decided at the latest.
const FUNDAMENTALS: std::ops::RangeInclusive<f64> = 52.0..=620.0;
const DELAY: usize = 30;

/// Share of the period by which cycles of the voice may be shorter or longer.
const CYCLE_SEARCH: f64 = 0.25;

/// Shares of the power below the roll-off points.
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 0.9];

/// Cepstral coefficients.
const COEFFICIENTS: usize = 14;

/// Plans and filters for one sampling rate, and what goes on with the recording that is heard.
pub(super) struct Analysis {
    short: Short,
    voice: Voice,
    heard: Heard,
    contours: Contours,
    pub(super) level: Level,
}

impl Analysis {
    /// Of which the contours of a long recording have so many frames in memory.
    pub(super) fn new(sample_rate: u32, block: usize) -> Result<Self, FeatureError> {
        let short = Short::new(Framing::new(SET, sample_rate, SHORT)?);
        let voice = Voice::new(Framing::new(SET, sample_rate, LONG)?);
        let (heard, contours) = (Heard::default(), Contours::new(block));
        Ok(Self { short, voice, heard, contours, level: Level::default() })
    }

    /// Begins a recording that rows of a level are wanted of.
    pub(super) fn begin(&mut self, level: Level) {
        self.level = level;
        self.short.reset();
        self.voice.reset();
        self.heard.clear();
        self.contours.clear();
    }

    /// Takes the next samples; if descriptors are wanted, appends those that are complete to `rows`.
    pub(super) fn push(&mut self, samples: &[f32], rows: &mut Vec<f32>) -> Result<(), FeatureError> {
        let Self { short, voice, heard, contours, level } = self;
        for block in samples.chunks(SPENT) {
            heard.push(block);
            short.add_all(heard, contours);
            voice.add_all(heard, contours);
            heard.let_go(voice.earliest());
            match level {
                Level::Descriptors => contours.take_rows(false, rows),
                Level::Functionals => contours.set_aside()?,
            }
        }
        Ok(())
    }

    /// Ends the recording, which is filled up with silence to one frame of 60 ms; the contours are complete then.
    pub(super) fn finish(&mut self, rows: &mut Vec<f32>) -> Result<(), FeatureError> {
        let missing = self.voice.framing.length.saturating_sub(self.heard.total());
        self.push(&vec![0.0; missing], rows)?;
        self.voice.finish(&self.heard, &mut self.contours);
        Ok(())
    }

    /// The descriptors of what was heard.
    pub(super) fn contours(&mut self) -> &mut Contours {
        &mut self.contours
    }
}

/// The descriptors of frames of 20 ms.
struct Short {
    framing: Framing,
    /// Frames so far.
    frames: usize,
    spectrum: FrameSpectrum,
    /// Frequencies of the bins above 0 Hz.
    hertz: Vec<f64>,
    bank: AuditoryBank,
    loudness: LoudnessScale,
    rasta: RastaFilter,
    bands: [BandEnergy; 2],
    flux: SpectralFlux,
    slope: PowerSlope,
    sharpness: Sharpness,
    harmonicity: SpectralHarmonicity,
    cepstrum: Cepstrum<COEFFICIENTS>,
}

impl Short {
    fn new(framing: Framing) -> Self {
        let spectrum = FrameSpectrum::new(&framing, Taper::Hamming);
        let (bins, width) = (spectrum.bins(), spectrum.bin_width());
        let bank = AuditoryBank::new(bins, width);
        let hertz: Vec<f64> = (1..bins).map(|bin| bin as f64 * width).collect();
        Self {
            framing,
            frames: 0,
            loudness: LoudnessScale::new(&bank),
            rasta: RastaFilter::new(&bank),
            bank,
            bands: [(250.0, 650.0), (1000.0, 4000.0)].map(|(low, high)| BandEnergy::new(bins, width, low, high)),
            flux: SpectralFlux::new(1..bins),
            slope: PowerSlope::new(&hertz),
            sharpness: Sharpness::new(&hertz),
            harmonicity: SpectralHarmonicity::default(),
            cepstrum: Cepstrum::new(),
            hertz,
            spectrum,
        }
    }

    /// Begins a new recording.
    fn reset(&mut self) {
        self.frames = 0;
        self.rasta.reset();
        self.flux.reset();
    }

    /// Adds the frames that are there and were not yet.
    fn add_all(&mut self, heard: &Heard, contours: &mut Contours) {
        for frame in self.frames..heard.frames(&self.framing) {
            self.add(heard.frame(&self.framing, frame), contours);
            self.frames += 1;
        }
    }

    fn add(&mut self, frame: &[f32], contours: &mut Contours) {
        self.spectrum.compute(frame);
        let powers = self.spectrum.powers();
        let bands = self.bank.apply(powers);
        let filtered = self.rasta.advance(&bands);
        let energies: [f64; SHORT_ENERGIES] =
            [self.loudness.loudness(&bands), filtered.iter().sum::<f64>() / BANDS as f64, root_mean_square(frame)];

        let audible = &powers[1..];
        let total = wide_sum(audible);
        let [quarter, half, most, nearly_all] = roll_offs(audible, total, self.spectrum.bin_width(), SHARES);
        let moments = SpectralMoments::of(audible, &self.hertz, total);
        let shape = [
            self.bands[0].value(powers),
            self.bands[1].value(powers),
            quarter,
            half,
            most,
            nearly_all,
            self.flux.advance(powers),
            moments.centroid,
            spectral_entropy(audible, total),
            moments.variance,
            moments.skewness,
            moments.kurtosis,
            self.slope.value(audible),
            self.sharpness.value(audible, total),
            self.harmonicity.value(powers),
        ];
        let cepstrum = self.cepstrum.coefficients(&bands);
        contours.push_short(energies.iter().copied(), filtered.into_iter().chain(shape).chain(cepstrum));
    }
}

/// The descriptors of frames of 60 ms.
struct Voice {
    framing: Framing,
    tracker: PitchTracker,
    /// What was decided last.
    pitches: Vec<Pitch>,
    /// The root mean square of the weighted samples of every frame whose fundamental is not decided.
    levels: VecDeque<f64>,
    /// Frames that are transformed, and those whose fundamental is decided.
    frames: usize,
    decided: usize,
    cycles: CycleTracker,
    noise: CycleNoise,
}

impl Voice {
    fn new(framing: Framing) -> Self {
        Self {
            tracker: PitchTracker::new(&framing, FUNDAMENTALS, DELAY),
            pitches: Vec::new(),
            levels: VecDeque::new(),
            frames: 0,
            decided: 0,
            cycles: CycleTracker::new(framing, CYCLE_SEARCH),
            noise: CycleNoise::default(),
            framing,
        }
    }

    /// Begins a new recording.
    fn reset(&mut self) {
        self.tracker.reset();
        self.levels.clear();
        (self.frames, self.decided) = (0, 0);
        self.cycles.reset();
    }

    /// Transforms the frames that are there and were not yet, and describes the voice where its fundamental is decided by that.
    fn add_all(&mut self, heard: &Heard, contours: &mut Contours) {
        self.pitches.clear();
        for frame in self.frames..heard.frames(&self.framing) {
            let frame = heard.frame(&self.framing, frame);
            contours.push_crossings(zero_crossing_rate(frame));
            self.tracker.advance(frame, &mut self.pitches);
            self.levels.push_back(self.tracker.spectrum().level());
            self.frames += 1;
        }
        self.describe(heard, contours);
    }

    /// Ends the recording: describes the voice of the frames that were not decided yet.
    fn finish(&mut self, heard: &Heard, contours: &mut Contours) {
        contours.decided = self.decided;
        self.pitches.clear();
        self.tracker.finish(&mut self.pitches);
        self.describe(heard, contours);
    }

    /// The first sample that frames to come may ask for.
    fn earliest(&self) -> usize {
        self.cycles.earliest().min(self.decided * self.framing.hop)
    }

    /// Adds the descriptors of the frames whose fundamentals were decided last.
    fn describe(&mut self, heard: &Heard, contours: &mut Contours) {
        let Self { pitches, levels, decided, cycles, noise, .. } = self;
        for (pitch, level) in pitches.iter().zip(levels.drain(..pitches.len())) {
            let pitch = if level > QUIET { *pitch } else { Pitch::default() };
            let (hertz, voicing) = (f64::from(pitch.hertz), f64::from(pitch.voicing));
            let Perturbation { jitter, jitter_ddp, shimmer } = cycles.advance(heard, *decided, hertz);
            let ratio = if hertz > 0.0 { noise.decibel(&cycles.cycles()) } else { LEAST_RATIO };
            contours.push_voice([hertz, voicing, jitter, jitter_ddp, shimmer, ratio]);
            *decided += 1;
        }
    }
}
