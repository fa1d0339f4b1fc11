//! From samples to the contours of the descriptors.

use crate::error::FeatureError;
use crate::lanes::wide_sum;
use crate::lld::auditory::{AuditoryBank, BANDS};
use crate::lld::band_energy::BandEnergy;
use crate::lld::cepstrum::Cepstrum;
use crate::lld::cycle_noise::{CycleNoise, LEAST_RATIO};
use crate::lld::cycles::CycleTracker;
use crate::lld::entropy::spectral_entropy;
use crate::lld::flux::SpectralFlux;
use crate::lld::framing::{Framing, LONG, SHORT};
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

use super::contours::{Contours, SHORT_ENERGIES, VOICES};

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

/// Plans and filters for one sampling rate.
pub(super) struct Analysis {
    short: Short,
    voice: Voice,
    contours: Contours,
}

impl Analysis {
    pub(super) fn new(sample_rate: u32) -> Result<Self, FeatureError> {
        let short = Short::new(Framing::new(SET, sample_rate, SHORT)?);
        let voice = Voice::new(Framing::new(SET, sample_rate, LONG)?);
        Ok(Self { short, voice, contours: Contours::default() })
    }

    /// The fewest samples that can be analysed.
    pub(super) fn least_samples(&self) -> usize {
        self.voice.framing.length
    }

    /// The contours of a recording of at least [`Analysis::least_samples`].
    pub(super) fn run(&mut self, samples: &[f32]) -> &mut Contours {
        let Self { short, voice, contours } = self;
        contours.clear();
        short.reset();
        for frame in 0..short.framing.frames(samples.len()) {
            short.add(&samples[short.framing.range(frame)], contours);
        }
        voice.add(samples, contours);
        contours
    }
}

/// The descriptors of frames of 20 ms.
struct Short {
    framing: Framing,
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
        self.rasta.reset();
        self.flux.reset();
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
    pitches: Vec<Pitch>,
    /// The root mean square of the weighted samples of every frame.
    levels: Vec<f64>,
    cycles: CycleTracker,
    noise: CycleNoise,
}

impl Voice {
    fn new(framing: Framing) -> Self {
        Self {
            tracker: PitchTracker::new(&framing, FUNDAMENTALS, DELAY),
            pitches: Vec::new(),
            levels: Vec::new(),
            cycles: CycleTracker::new(framing, CYCLE_SEARCH),
            noise: CycleNoise::default(),
            framing,
        }
    }

    fn add(&mut self, samples: &[f32], contours: &mut Contours) {
        self.tracker.reset();
        self.pitches.clear();
        self.levels.clear();
        for frame in 0..self.framing.frames(samples.len()) {
            let frame = &samples[self.framing.range(frame)];
            contours.push_crossings(zero_crossing_rate(frame));
            self.tracker.advance(frame, &mut self.pitches);
            self.levels.push(self.tracker.spectrum().level());
        }
        contours.decided = self.pitches.len();
        self.tracker.finish(&mut self.pitches);

        self.cycles.reset();
        for index in 0..self.pitches.len() {
            contours.push_voice(self.describe(samples, index));
        }
    }

    /// The descriptors of one frame's voice. Frames come in their order.
    fn describe(&mut self, samples: &[f32], index: usize) -> [f64; VOICES] {
        let pitch = if self.levels[index] > QUIET { self.pitches[index] } else { Pitch::default() };
        let (hertz, voicing) = (f64::from(pitch.hertz), f64::from(pitch.voicing));
        let perturbation = self.cycles.advance(samples, index, hertz);
        let ratio = if hertz > 0.0 { self.noise.decibel(&self.cycles.cycles()) } else { LEAST_RATIO };
        [hertz, voicing, perturbation.jitter, perturbation.jitter_ddp, perturbation.shimmer, ratio]
    }
}
