//! From samples to the contours of the descriptors.

use crate::error::FeatureError;
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
use crate::lld::heard::{Heard, SPENT};
use crate::lld::loudness::LoudnessScale;
use crate::lld::pitch_path::Pitch;
use crate::lld::pitch_tracker::{PitchTracker, QUIET};
use crate::lld::rms::mean_square;
use crate::lld::slope::SpectralSlope;
use crate::lld::spectrum::{FrameSpectrum, Taper};

use super::contours::Contours;
use super::names::SPECTRAL;

/// Fundamentals in hertz, and frames until one is decided at the latest.
const VOICES: std::ops::RangeInclusive<f64> = 55.0..=1000.0;
const DELAY: usize = 40;

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

/// Plans and filters for one sampling rate, and what goes on with the recording that is heard.
pub(super) struct Analysis {
    short: Short,
    voice: Voice,
    delayed: Delayed,
    contours: Contours,
    heard: Heard,
    /// Frames of 60 ms that are transformed, as are the frames of 20 ms that begin with them.
    frames: usize,
    /// Frames whose fundamental is decided.
    decided: usize,
    wanted: Wanted,
    /// What was decided last.
    fundamentals: Vec<Pitch>,
}

impl Analysis {
    pub(super) fn new(sample_rate: u32) -> Result<Self, FeatureError> {
        let short = Short::new(Framing::new("egemaps-v02", sample_rate, SHORT)?);
        let voice = Voice::new(Framing::new("egemaps-v02", sample_rate, LONG)?, short.framing);
        let delayed = Delayed::new(voice.pitch.spectrum().bins());
        Ok(Self {
            short,
            voice,
            delayed,
            contours: Contours::default(),
            heard: Heard::default(),
            frames: 0,
            decided: 0,
            wanted: Wanted::Functionals,
            fundamentals: Vec::new(),
        })
    }

    /// Begins a recording.
    pub(super) fn begin(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.short.flux.reset();
        self.voice.pitch.reset();
        self.voice.cycles.reset();
        self.contours.clear();
        self.heard.clear();
        (self.frames, self.decided) = (0, 0);
    }

    /// Takes the next samples.
    pub(super) fn push(&mut self, samples: &[f32]) {
        for block in samples.chunks(SPENT) {
            self.heard.push(block);
            while self.frames < self.heard.frames(&self.voice.framing) {
                self.advance();
            }
            self.heard.let_go(self.voice.cycles.earliest().min(self.decided * self.voice.framing.hop));
        }
    }

    /// Ends the recording, which is filled up with silence to one frame of 60 ms; the contours are complete then.
    pub(super) fn finish(&mut self) -> &mut Contours {
        let missing = self.voice.framing.length.saturating_sub(self.heard.total());
        self.push(&vec![0.0; missing]);
        let Self { short, voice, contours, heard, frames, decided, fundamentals, .. } = self;
        for frame in *frames..heard.frames(&short.framing) {
            short.add(heard.frame(&short.framing, frame), contours);
        }
        contours.decided = *decided;
        fundamentals.clear();
        voice.pitch.finish(fundamentals);
        self.describe_voice();
        &mut self.contours
    }

    /// The descriptors that are complete, of a recording that goes on.
    pub(super) fn contours(&mut self) -> &mut Contours {
        &mut self.contours
    }

    /// Transforms the next frames of both lengths, and describes the voice where its fundamental is decided by that.
    fn advance(&mut self) {
        let Self { short, voice, delayed, contours, heard, frames, fundamentals, .. } = self;
        short.add(heard.frame(&short.framing, *frames), contours);
        fundamentals.clear();
        voice.pitch.advance(heard.frame(&voice.framing, *frames), fundamentals);
        delayed.keep(*frames, &voice.pitch);
        *frames += 1;
        self.describe_voice();
    }

    /// Adds the descriptors of the frames whose fundamentals were decided last.
    fn describe_voice(&mut self) {
        let Self { voice, delayed, contours, heard, decided, wanted, fundamentals, .. } = self;
        for pitch in fundamentals.iter() {
            let kept = &delayed.frames[*decided % KEPT];
            voice.add(heard, *decided, f64::from(pitch.hertz), kept, *wanted, contours);
            *decided += 1;
        }
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
    /// That of the frames whose formants are asked for.
    short: Framing,
    pitch: PitchTracker,
    cycles: CycleTracker,
    harmonicity: Harmonicity,
    harmonics: Harmonics,
    formants: FormantTracker,
}

impl Voice {
    fn new(framing: Framing, short: Framing) -> Self {
        let pitch = PitchTracker::new(&framing, VOICES, DELAY);
        let (bins, width) = (pitch.spectrum().bins(), pitch.spectrum().bin_width());
        Self {
            framing,
            cycles: CycleTracker::new(framing, CYCLE_SEARCH),
            harmonicity: Harmonicity::new(bins, width),
            harmonics: Harmonics::new(width),
            formants: FormantTracker::new(&short),
            short,
            pitch,
        }
    }

    /// Adds the descriptors of frame `index`, of which the fundamental is decided; a quiet one has none.
    fn add(
        &mut self,
        heard: &Heard,
        index: usize,
        hertz: f64,
        kept: &DelayedFrame,
        wanted: Wanted,
        contours: &mut Contours,
    ) {
        let fundamental = if kept.level <= QUIET { 0.0 } else { hertz };
        let voiced = fundamental > 0.0;
        let perturbation = self.cycles.advance(heard, index, fundamental);
        let formants = if voiced || wanted == Wanted::Descriptors {
            self.formants.formants(heard.frame(&self.short, index))
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
    /// The root mean square of the weighted samples.
    level: f64,
}

impl Delayed {
    fn new(bins: usize) -> Self {
        let frame = || DelayedFrame { magnitudes: vec![0.0; bins], level: 0.0 };
        Self { frames: (0..KEPT).map(|_| frame()).collect() }
    }

    fn keep(&mut self, frame: usize, pitch: &PitchTracker) {
        let kept = &mut self.frames[frame % KEPT];
        kept.magnitudes.copy_from_slice(pitch.magnitudes());
        kept.level = pitch.spectrum().level();
    }
}
