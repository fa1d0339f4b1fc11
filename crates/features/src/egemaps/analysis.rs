//! From samples to the contours of the descriptors.

use realfft::num_complex::Complex;

use crate::error::FeatureError;
use crate::frames::Frames;
use crate::lld::alpha_ratio::AlphaRatio;
use crate::lld::auditory::AuditoryBank;
use crate::lld::bins_where;
use crate::lld::cepstrum::Cepstrum;
use crate::lld::cycles::CycleTracker;
use crate::lld::flux::SpectralFlux;
use crate::lld::formants::{FORMANTS, Formant, FormantTracker};
use crate::lld::framing::{Framing, LONG, SHORT};
use crate::lld::hammarberg::HammarbergIndex;
use crate::lld::harmonicity::Harmonicity;
use crate::lld::harmonics::Harmonics;
use crate::lld::loudness::LoudnessScale;
use crate::lld::pitch_path::{Pitch, PitchPath};
use crate::lld::rms::mean_square;
use crate::lld::slope::SpectralSlope;
use crate::lld::smoothing::{smooth, smooth_nonzero};
use crate::lld::spectrum::{FrameSpectrum, Taper};
use crate::lld::subharmonics::SubharmonicSummation;

use super::names::{DESCRIPTORS, SPECTRAL};

/// Fundamentals in hertz, and frames until one is decided at the latest.
const VOICES: std::ops::RangeInclusive<f64> = 55.0..=1000.0;
const DELAY: usize = 40;

/// Frames of which the weighted samples have this root mean square or less are unvoiced.
const QUIET: f64 = 0.001;

/// The fundamental that counts as 0 semitones.
const LOWEST_NOTE: f64 = 27.5;

/// The level of a formant where there is no voice, in dB.
const NO_LEVEL: f32 = -201.0;

/// The flux is that of the bins below this many hertz.
const FLUX_LIMIT: f64 = 5000.0;

/// Share of the period by which cycles of the voice may be shorter or longer.
const CYCLE_SEARCH: f64 = 0.1;

/// What a run is for. Formants of unvoiced frames are descriptors, but no functional asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Descriptors,
    Functionals,
}

/// The descriptors of a recording before they are smoothed.
#[derive(Debug, Default)]
pub(super) struct Contours {
    /// In the order of [`DESCRIPTORS`]. The first ten have a value for every frame of 20 ms, the others for every frame of 60 ms.
    pub(super) values: [Vec<f32>; DESCRIPTORS.len()],
    /// How many frames were decided before the end of the recording was known.
    pub(super) decided: usize,
    /// Sum over all frames of 20 ms of the mean square of their samples.
    pub(super) energy: f64,
}

/// Plans and filters for one sampling rate.
pub(super) struct Analysis {
    short: Short,
    voice: Voice,
    delayed: Delayed,
    contours: Contours,
    fundamentals: Vec<Pitch>,
}

impl Analysis {
    pub(super) fn new(sample_rate: u32) -> Result<Self, FeatureError> {
        let short = Short::new(Framing::new("egemaps-v02", sample_rate, SHORT)?);
        let voice = Voice::new(Framing::new("egemaps-v02", sample_rate, LONG)?, &short);
        let delayed = Delayed::new(voice.spectrum.bins(), voice.formants.bins());
        Ok(Self { short, voice, delayed, contours: Contours::default(), fundamentals: Vec::new() })
    }

    /// The fewest samples that can be analysed.
    pub(super) fn least_samples(&self) -> usize {
        self.voice.framing.length
    }

    /// The contours of a recording of at least [`Analysis::least_samples`].
    pub(super) fn run(&mut self, samples: &[f32], wanted: Wanted) -> &Contours {
        let Self { short, voice, delayed, contours, fundamentals } = self;
        short.flux.reset();
        voice.path.reset();
        voice.cycles.reset();
        contours.values.iter_mut().for_each(Vec::clear);
        contours.energy = 0.0;
        fundamentals.clear();

        let frames = voice.framing.frames(samples.len());
        for frame in 0..short.framing.frames(samples.len()) {
            short.add(&samples[short.framing.range(frame)], contours);
            if frame < frames {
                let done = fundamentals.len();
                voice.listen(&samples[voice.framing.range(frame)], fundamentals);
                delayed.keep(frame, &short.spectrum, voice);
                for (decided, pitch) in fundamentals.iter_mut().enumerate().skip(done) {
                    voice.add(samples, decided, &mut pitch.hertz, delayed, wanted, contours);
                }
            }
        }
        contours.decided = fundamentals.len();
        voice.path.finish(fundamentals);
        for (decided, pitch) in fundamentals.iter_mut().enumerate().skip(contours.decided) {
            voice.add(samples, decided, &mut pitch.hertz, delayed, wanted, contours);
        }
        contours
    }
}

/// The descriptors of frames of 20 ms.
struct Short {
    framing: Framing,
    spectrum: FrameSpectrum,
    bank: AuditoryBank,
    loudness: LoudnessScale,
    alpha_ratio: AlphaRatio,
    hammarberg: HammarbergIndex,
    slopes: [SpectralSlope; 2],
    flux: SpectralFlux,
    cepstrum: Cepstrum<4>,
}

impl Short {
    fn new(framing: Framing) -> Self {
        let spectrum = FrameSpectrum::new(&framing, Taper::Hamming);
        let (bins, width) = (spectrum.bins(), spectrum.bin_width());
        let bank = AuditoryBank::new(bins, width);
        Self {
            framing,
            loudness: LoudnessScale::new(&bank),
            bank,
            alpha_ratio: AlphaRatio::new(bins, width),
            hammarberg: HammarbergIndex::new(bins, width),
            slopes: [(0.0, 500.0), (500.0, 1500.0)].map(|(low, high)| SpectralSlope::new(bins, width, low, high)),
            flux: SpectralFlux::new(bins_where(bins, width, 0.0, |hertz| hertz < FLUX_LIMIT)),
            cepstrum: Cepstrum::new(),
            spectrum,
        }
    }

    fn add(&mut self, frame: &[f32], contours: &mut Contours) {
        self.spectrum.compute(frame);
        let powers = self.spectrum.powers();
        let bands = self.bank.apply(powers);
        let [mfcc1, mfcc2, mfcc3, mfcc4] = self.cepstrum.coefficients(&bands);
        let values: [f64; SPECTRAL] = [
            self.loudness.loudness(&bands),
            self.alpha_ratio.value(powers),
            self.hammarberg.value(powers),
            self.slopes[0].value(powers),
            self.slopes[1].value(powers),
            self.flux.advance(powers),
            mfcc1,
            mfcc2,
            mfcc3,
            mfcc4,
        ];
        for (contour, value) in contours.values.iter_mut().zip(values) {
            contour.push(value as f32);
        }
        contours.energy += mean_square(frame);
    }
}

/// The descriptors of the voice.
struct Voice {
    framing: Framing,
    spectrum: FrameSpectrum,
    magnitudes: Vec<f64>,
    summation: SubharmonicSummation,
    path: PitchPath,
    cycles: CycleTracker,
    harmonicity: Harmonicity,
    harmonics: Harmonics,
    formants: FormantTracker,
}

impl Voice {
    fn new(framing: Framing, short: &Short) -> Self {
        let spectrum = FrameSpectrum::new(&framing, Taper::Gauss);
        let (bins, width) = (spectrum.bins(), spectrum.bin_width());
        Self {
            framing,
            magnitudes: vec![0.0; bins],
            summation: SubharmonicSummation::new(bins, width, VOICES),
            path: PitchPath::new(DELAY),
            cycles: CycleTracker::new(framing, CYCLE_SEARCH),
            harmonicity: Harmonicity::new(bins, width),
            harmonics: Harmonics::new(width),
            formants: FormantTracker::new(&short.framing, short.spectrum.bins()),
            spectrum,
        }
    }

    /// Looks for the fundamental of the next frame, and appends those that are decided by it.
    fn listen(&mut self, frame: &[f32], fundamentals: &mut Vec<Pitch>) {
        self.spectrum.compute(frame);
        self.spectrum.write_magnitudes(&mut self.magnitudes);
        let candidates = self.summation.candidates(&self.magnitudes);
        self.path.advance(candidates, fundamentals);
    }

    /// Adds the descriptors of a frame of which the fundamental is decided; that of a quiet frame becomes 0.
    fn add(
        &mut self,
        samples: &[f32],
        frame: usize,
        hertz: &mut f32,
        delayed: &Delayed,
        wanted: Wanted,
        contours: &mut Contours,
    ) {
        let kept = &delayed.frames[frame % KEPT];
        if kept.level <= QUIET {
            *hertz = 0.0;
        }
        let fundamental = f64::from(*hertz);
        let voiced = fundamental > 0.0;
        let perturbation = self.cycles.advance(samples, frame, fundamental);
        let formants = if voiced || wanted == Wanted::Descriptors {
            self.formants.formants(&kept.short)
        } else {
            [Formant::default(); FORMANTS]
        };
        let mut voice = [0.0; 4];
        let mut levels = [NO_LEVEL; FORMANTS];
        if voiced {
            self.harmonics.find(&kept.magnitudes, fundamental, formants[FORMANTS - 1].hertz);
            voice = [
                12.0 * (fundamental / LOWEST_NOTE).log2(),
                self.harmonicity.decibel(&kept.magnitudes, fundamental),
                self.harmonics.second_over_third(),
                self.harmonics.second_over_formant(formants[2].hertz),
            ];
            // Where a formant claims no partial its level is 0, which stands for "not there".
            levels = formants.map(|formant| self.harmonics.formant_level(formant.hertz).unwrap_or(0.0) as f32);
        }
        let [semitones, harmonicity, second_over_third, second_over_formant] = voice.map(|value| value as f32);
        let (jitter, shimmer) = (perturbation.jitter as f32, perturbation.shimmer_decibel() as f32);
        let of_voice = [semitones, jitter, shimmer, harmonicity, second_over_third, second_over_formant];
        let of_formants =
            (0..FORMANTS).flat_map(|n| [formants[n].hertz as f32, formants[n].bandwidth as f32, levels[n]]);
        for (contour, value) in contours.values[SPECTRAL..].iter_mut().zip(of_voice.into_iter().chain(of_formants)) {
            contour.push(value);
        }
    }
}

/// Frames that are kept until the fundamental is decided.
const KEPT: usize = DELAY + 1;

/// What the descriptors of the voice need of the last frames, a ring.
struct Delayed {
    frames: Vec<DelayedFrame>,
}

struct DelayedFrame {
    magnitudes: Vec<f64>,
    /// The first bins of the spectrum of 20 ms.
    short: Vec<Complex<f64>>,
    /// The root mean square of the weighted samples.
    level: f64,
}

impl Delayed {
    fn new(bins: usize, short_bins: usize) -> Self {
        let frame =
            || DelayedFrame { magnitudes: vec![0.0; bins], short: vec![Complex::default(); short_bins], level: 0.0 };
        Self { frames: (0..KEPT).map(|_| frame()).collect() }
    }

    fn keep(&mut self, frame: usize, short: &FrameSpectrum, voice: &Voice) {
        let kept = &mut self.frames[frame % KEPT];
        kept.magnitudes.copy_from_slice(&voice.magnitudes);
        let bins = kept.short.len();
        kept.short.copy_from_slice(&short.values()[..bins]);
        kept.level = voice.spectrum.level();
    }
}

impl Contours {
    /// All descriptors, smoothed, a row for every frame of 60 ms.
    pub(super) fn table(&self) -> Frames {
        let frames = self.values[SPECTRAL].len();
        let mut table = Frames::zeros(frames, DESCRIPTORS.len());
        let mut smoothed = Vec::with_capacity(self.values[0].len());
        for (column, contour) in self.values.iter().enumerate() {
            smoothed.clear();
            let smooth = if column < SPECTRAL { smooth } else { smooth_nonzero };
            smooth(contour, &mut smoothed);
            for (frame, value) in smoothed.iter().take(frames).enumerate() {
                table.frame_mut(frame)[column] = *value;
            }
        }
        table
    }
}
