//! From a waveform to the values of a named set.

use stimmung_audio::Waveform;

use crate::error::{FeatureError, check_samples};
use crate::issa::IssaMeans;
use crate::lanes::{LANES, Lane, vectorized};
use crate::log_mel::LogMel;
use crate::mfcc::Dct;
use crate::set::{FeatureSet, MelSet, MfccSet, Shape};
use crate::stft::{BlockStft, Quantity, StftParams};

/// Plans, filters and scratch of one feature set for one sampling rate.
///
/// Build one for each thread and use it for many recordings: what it computes depends on the recording alone, never on
/// what came before. Memory stays within a few times that of the longest recording.
///
/// ```
/// use stimmung_audio::Waveform;
/// use stimmung_features::FeatureSet;
///
/// let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
/// let set = FeatureSet::by_name("issa-50-80-50")?;
/// let values = set.extractor(16_000)?.extract(&Waveform::new(tone, 16_000)?)?;
/// assert_eq!(values.len(), 193);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Extractor {
    set: FeatureSet,
    sample_rate: u32,
    shape: Shape,
    work: Work,
}

enum Work {
    Mfcc(Box<MfccMeans>),
    Mel(Box<MelPicture>),
    Issa(Box<IssaMeans>),
}

impl Extractor {
    pub(crate) fn new(set: FeatureSet, sample_rate: u32) -> Result<Self, FeatureError> {
        if sample_rate == 0 {
            return Err(FeatureError::parameter("sample_rate", "at least 1 Hz", sample_rate));
        }
        let shape = set.shape(sample_rate)?;
        let work = match set {
            FeatureSet::Mfcc(params) => Work::Mfcc(Box::new(MfccMeans::new(params, sample_rate)?)),
            FeatureSet::Mel(params) => Work::Mel(Box::new(MelPicture::new(params, sample_rate)?)),
            FeatureSet::Issa(layout) => Work::Issa(Box::new(IssaMeans::new(layout, sample_rate)?)),
        };
        Ok(Self { set, sample_rate, shape, work })
    }

    /// The set.
    pub fn set(&self) -> &FeatureSet {
        &self.set
    }

    /// The sampling rate in hertz that it was built for.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// How many values there are and how they lie.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The values of one recording, as many as [`Extractor::shape`] says and named by [`FeatureSet::columns`]; all finite.
    ///
    /// # Errors
    /// [`FeatureError::RateMismatch`] where the recording has another sampling rate; otherwise as
    /// [`Extractor::extract_samples`].
    pub fn extract(&mut self, recording: &Waveform) -> Result<Vec<f32>, FeatureError> {
        if recording.sample_rate() != self.sample_rate {
            return Err(FeatureError::RateMismatch { expected: self.sample_rate, actual: recording.sample_rate() });
        }
        self.extract_samples(recording.samples())
    }

    /// The same for samples at [`Extractor::sample_rate`]. One sample is enough: a frame is filled up with silence.
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] without samples, [`FeatureError::Sample`] where one is not finite or beyond
    /// [`crate::LARGEST_SAMPLE`].
    pub fn extract_samples(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        check_samples(samples)?;
        match &mut self.work {
            Work::Mfcc(work) => Ok(work.extract(samples)),
            Work::Mel(work) => Ok(work.extract(samples)),
            Work::Issa(work) => work.extract(samples),
        }
    }
}

impl std::fmt::Debug for Extractor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Extractor")
            .field("set", &self.set)
            .field("sample_rate", &self.sample_rate)
            .finish_non_exhaustive()
    }
}

/// Power spectra of a recording through a mel bank, in decibel.
struct Analysis {
    stft: BlockStft,
    powers: Vec<Lane>,
    log_mel: LogMel,
    raised: Vec<Lane>,
}

impl Analysis {
    fn new(params: StftParams, bands: usize, sample_rate: u32) -> Result<Self, FeatureError> {
        Ok(Self {
            stft: BlockStft::new(params, Quantity::Power)?,
            powers: vec![[0.0; LANES]; params.bins()],
            log_mel: LogMel::new(bands, sample_rate, params.n_fft)?,
            raised: vec![[0.0; LANES]; bands],
        })
    }

    fn run(&mut self, samples: &[f32]) {
        self.log_mel.clear();
        for block in 0..self.stft.blocks(samples.len()) {
            let frames = self.stft.load(samples, block);
            self.stft.turn_into(&mut self.powers);
            self.log_mel.grow(frames);
            vectorized(|| self.log_mel.fill(&self.powers));
        }
    }
}

/// Means and standard deviations of cepstral coefficients.
struct MfccMeans {
    analysis: Analysis,
    dct: Dct,
    sd: bool,
}

impl MfccMeans {
    fn new(params: MfccSet, sample_rate: u32) -> Result<Self, FeatureError> {
        let analysis = Analysis::new(StftParams::default(), 128, sample_rate)?;
        Ok(Self { dct: Dct::new(analysis.log_mel.bands(), params.n)?, analysis, sd: params.sd })
    }

    fn extract(&mut self, samples: &[f32]) -> Vec<f32> {
        self.analysis.run(samples);
        let Analysis { log_mel, raised, .. } = &mut self.analysis;
        // The transform is linear, so the mean of the cepstra is the cepstrum of the mean.
        let mean = self.dct.transform(&vectorized(|| log_mel.mean(raised)));
        let mut values: Vec<f32> = mean.iter().map(|value| *value as f32).collect();
        if self.sd {
            let mut squares = vec![0.0_f64; mean.len()];
            let dct = &self.dct;
            vectorized(|| {
                log_mel.for_each_block(raised, |block, frames| dct.add_squares(block, frames, &mean, &mut squares));
            });
            let count = log_mel.frames().max(1) as f64;
            values.extend(squares.into_iter().map(|square| (square / count).sqrt() as f32));
        }
        values
    }
}

/// A mel spectrogram of fixed size.
struct MelPicture {
    analysis: Analysis,
    samples: usize,
    cut: Vec<f32>,
}

impl MelPicture {
    fn new(params: MelSet, sample_rate: u32) -> Result<Self, FeatureError> {
        let analysis = Analysis::new(params.stft(), params.bands, sample_rate)?;
        Ok(Self { analysis, samples: params.samples(sample_rate), cut: Vec::new() })
    }

    fn extract(&mut self, samples: &[f32]) -> Vec<f32> {
        if let Some(excess) = samples.len().checked_sub(self.samples) {
            let start = excess / 2;
            self.analysis.run(&samples[start..start + self.samples]);
        } else {
            self.cut.clear();
            self.cut.resize((self.samples - samples.len()) / 2, 0.0);
            self.cut.extend_from_slice(samples);
            self.cut.resize(self.samples, 0.0);
            self.analysis.run(&self.cut);
        }
        let Analysis { log_mel, raised, .. } = &mut self.analysis;
        let mut picture = Vec::with_capacity(log_mel.frames() * log_mel.bands());
        log_mel.for_each_block(raised, |block, frames| {
            for lane in 0..frames {
                picture.extend(block.iter().map(|cell| cell[lane]));
            }
        });
        picture
    }
}
