//! From a waveform to the values of a named set.

use stimmung_audio::Waveform;

use crate::compare::Compare;
use crate::contours::ContourPicture;
use crate::egemaps::Egemaps;
use crate::error::{FeatureError, check_samples};
use crate::frames::Frames;
use crate::issa::IssaMeans;
use crate::lanes::{LANES, Lane, vectorized};
use crate::log_mel::LogMel;
use crate::mfcc::Dct;
use crate::own::OwnWork;
use crate::set::{FeatureSet, MelSet, MfccSet, Shape, samples_in};
use crate::stft::{BlockStft, Quantity, StftParams};

/// Descriptors of a recording that are computed at most, together; in memory they and what they come from are 2 GiB.
const MOST_VALUES: usize = 1 << 28;

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
    pub(crate) work: Work,
}

pub(crate) enum Work {
    Mfcc(Box<MfccMeans>),
    Mel(Box<MelPicture>),
    /// The number of samples wanted.
    Waveform(usize),
    Issa(Box<IssaMeans>),
    Egemaps(Box<Egemaps>),
    Compare(Box<Compare>),
    Contours(Box<ContourPicture>),
    Own(Box<OwnWork>),
}

impl Extractor {
    pub(crate) fn new(set: FeatureSet, sample_rate: u32) -> Result<Self, FeatureError> {
        if sample_rate == 0 {
            return Err(FeatureError::parameter("sample_rate", "at least 1 Hz", sample_rate));
        }
        let shape = set.shape(sample_rate)?;
        let work = match &set {
            FeatureSet::Mfcc(params) => Work::Mfcc(Box::new(MfccMeans::new(*params, sample_rate)?)),
            FeatureSet::Mel(params) => Work::Mel(Box::new(MelPicture::new(*params, sample_rate)?)),
            FeatureSet::Waveform(params) => Work::Waveform(samples_in(params.seconds, sample_rate)),
            FeatureSet::Egemaps => Work::Egemaps(Box::new(Egemaps::new(sample_rate)?)),
            FeatureSet::Compare2016 => Work::Compare(Box::new(Compare::new(sample_rate)?)),
            FeatureSet::Contours(set) => Work::Contours(Box::new(ContourPicture::new(set, sample_rate)?)),
            FeatureSet::Own(set) => Work::Own(Box::new(OwnWork::new(set, sample_rate)?)),
            FeatureSet::Issa(layout) => Work::Issa(Box::new(IssaMeans::new(*layout, sample_rate)?)),
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
    /// [`crate::LARGEST_SAMPLE`]; [`FeatureError::TemporaryFile`] where a set lets the descriptors of a long recording wait in such a file
    /// (`compare-2016`), and they cannot.
    pub fn extract_samples(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        check_samples(samples)?;
        match &mut self.work {
            Work::Mfcc(work) => Ok(work.extract(samples)),
            Work::Mel(work) => work.extract(samples),
            Work::Waveform(length) => {
                let mut padded = Vec::new();
                Ok(middle(samples, *length, &mut padded).to_vec())
            }
            Work::Issa(work) => work.extract(samples),
            Work::Egemaps(work) => work.functionals(samples),
            Work::Compare(work) => work.functionals(samples),
            Work::Contours(work) => work.extract(samples),
            Work::Own(work) => work.functionals(samples),
        }
    }
}

impl Extractor {
    /// The low-level descriptors of one recording, shape `(frames, descriptors)`, named by [`FeatureSet::descriptor_names`] and lying where
    /// [`FeatureSet::frame_times`] says. Those of `mel` and `contours` are of the whole recording, not of the part that the picture shows.
    ///
    /// # Errors
    /// [`FeatureError::NoDescriptors`] where the set has none; otherwise as [`Extractor::extract_samples`].
    pub fn descriptors(&mut self, samples: &[f32]) -> Result<Frames, FeatureError> {
        check_samples(samples)?;
        match &mut self.work {
            Work::Mfcc(work) => work.dct.apply(&work.analysis.decibels(samples)?),
            Work::Mel(work) => work.analysis.decibels(samples),
            Work::Egemaps(work) => work.descriptors(samples),
            Work::Compare(work) => work.descriptors(samples),
            Work::Contours(work) => work.source().descriptors(samples),
            Work::Own(work) => work.descriptors(samples),
            Work::Waveform(_) | Work::Issa(_) => Err(self.set.no_descriptors()),
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
pub(crate) struct Analysis {
    params: StftParams,
    stft: BlockStft,
    powers: Vec<Lane>,
    log_mel: LogMel,
    raised: Vec<Lane>,
}

impl Analysis {
    fn new(params: StftParams, bands: usize, sample_rate: u32) -> Result<Self, FeatureError> {
        Ok(Self {
            params,
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
            vectorized(
                #[inline(always)]
                || self.log_mel.fill(&self.powers),
            );
        }
    }
}

impl Analysis {
    /// Refuses what has frames so close together that they would fill the memory.
    fn check_size(&self, samples: usize) -> Result<(), FeatureError> {
        let params = self.params;
        if params.frames(samples).saturating_mul(self.log_mel.bands()) > MOST_VALUES {
            let allowed =
                format!("frames of a recording of {samples} samples with at most {MOST_VALUES} values together");
            return Err(FeatureError::parameter("hop", allowed, params.hop));
        }
        Ok(())
    }

    /// Mel power in decibel of all frames of a recording, shape `(frames, bands)`.
    fn decibels(&mut self, samples: &[f32]) -> Result<Frames, FeatureError> {
        self.check_size(samples.len())?;
        self.run(samples);
        let Self { log_mel, raised, .. } = self;
        let mut picture = Vec::with_capacity(log_mel.frames() * log_mel.bands());
        log_mel.for_each_block(raised, |block, frames| {
            for lane in 0..frames {
                picture.extend(block.iter().map(|cell| cell[lane]));
            }
        });
        Frames::from_rows(picture, log_mel.bands())
    }
}

/// Means and standard deviations of cepstral coefficients.
pub(crate) struct MfccMeans {
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
        let mean = self.dct.transform(&vectorized(
            #[inline(always)]
            || log_mel.mean(raised),
        ));
        let mut values: Vec<f32> = mean.iter().map(|value| *value as f32).collect();
        if self.sd {
            let mut squares = vec![0.0_f64; mean.len()];
            let dct = &self.dct;
            vectorized(
                #[inline(always)]
                || {
                    log_mel.for_each_block(raised, |block, frames| dct.add_squares(block, frames, &mean, &mut squares));
                },
            );
            let count = log_mel.frames().max(1) as f64;
            values.extend(squares.into_iter().map(|square| (square / count).sqrt() as f32));
        }
        values
    }
}

/// A mel spectrogram of fixed size.
pub(crate) struct MelPicture {
    analysis: Analysis,
    samples: usize,
    cut: Vec<f32>,
}

impl MelPicture {
    fn new(params: MelSet, sample_rate: u32) -> Result<Self, FeatureError> {
        let analysis = Analysis::new(params.stft(), params.bands, sample_rate)?;
        Ok(Self { analysis, samples: params.samples(sample_rate), cut: Vec::new() })
    }

    fn extract(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        Ok(self.analysis.decibels(middle(samples, self.samples, &mut self.cut))?.into_values())
    }
}

/// The middle `length` samples; of fewer, all of them between two silences, which are put together in `padded`.
fn middle<'a>(samples: &'a [f32], length: usize, padded: &'a mut Vec<f32>) -> &'a [f32] {
    if let Some(excess) = samples.len().checked_sub(length) {
        return &samples[excess / 2..][..length];
    }
    padded.clear();
    padded.resize((length - samples.len()) / 2, 0.0);
    padded.extend_from_slice(samples);
    padded.resize(length, 0.0);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(samples: usize, rate: u32) -> Vec<f32> {
        (0..samples)
            .map(|n| {
                let phase = std::f32::consts::TAU * 150.0 * n as f32 / rate as f32 + (n as f32 * 0.0011).sin();
                (1..12).map(|h| (h as f32 * phase).sin() / h as f32).sum::<f32>() * (n as f32 * 0.0003).sin().abs()
            })
            .collect()
    }

    fn sets() -> impl Iterator<Item = FeatureSet> {
        let named = FeatureSet::NAMES.iter().map(|name| FeatureSet::by_name(name).unwrap());
        named.chain([FeatureSet::Mfcc(MfccSet { n: 20, sd: true }), own()])
    }

    fn own() -> FeatureSet {
        let group = |of: &str, frames: &str| {
            format!("[[groups]]\nof = '{of}'\ndescriptors = ['F*']\nfunctionals = ['*']\nframes = '{frames}'\n")
        };
        let groups = [group("compare-2016", "all"), group("egemaps-v02", "all"), group("compare-2016", "voiced")];
        toml::from_str(&format!("set = 'own'\n{}", groups.concat())).unwrap()
    }

    #[test]
    fn values_are_finite_and_as_many_as_promised_for_every_length_and_rate() {
        for set in sets() {
            for rate in [16_000, 22_050, 48_000] {
                let mut extractor = set.extractor(rate).unwrap();
                for samples in [1, 2, 511, 512, 513, 1024, 2049, 20_000] {
                    for signal in [vec![0.0; samples], vec![1e-30; samples], voice(samples, rate)] {
                        let values = extractor.extract_samples(&signal).unwrap();
                        assert_eq!(values.len(), set.shape(rate).unwrap().len());
                        assert!(values.iter().all(|value| value.is_finite()), "{} {rate} {samples}", set.name());
                    }
                }
            }
        }
    }

    #[test]
    fn values_do_not_depend_on_what_came_before_or_on_the_thread() {
        let (first, second) = (voice(30_000, 16_000), voice(9_000, 16_000));
        for set in sets() {
            let mut used = set.extractor(16_000).unwrap();
            used.extract_samples(&first).unwrap();
            let again = used.extract_samples(&second).unwrap();
            let (name, second) = (set.name(), second.clone());
            let elsewhere =
                std::thread::spawn(move || set.extractor(16_000).unwrap().extract_samples(&second).unwrap());
            assert_eq!(again, elsewhere.join().unwrap(), "{name}");
        }
    }

    #[test]
    fn the_largest_samples_do_not_overflow() {
        let loud: Vec<f32> = (0..4096).map(|n| if n % 7 < 3 { 1e15 } else { -1e15 }).collect();
        for set in sets() {
            let values = set.extractor(16_000).unwrap().extract_samples(&loud).unwrap();
            assert!(values.iter().all(|value| value.is_finite()), "{}", set.name());
        }
    }

    #[test]
    fn gain_moves_only_what_it_must() {
        let signal = voice(20_000, 16_000);
        let louder: Vec<f32> = signal.iter().map(|value| 4.0 * value).collect();
        let mut extractor = FeatureSet::by_name("issa-50-80-50").unwrap().extractor(16_000).unwrap();
        let once = extractor.extract_samples(&signal).unwrap();
        let more = extractor.extract_samples(&louder).unwrap();
        let close = |a: f32, b: f32| (a - b).abs() <= 1e-4 * (1.0 + b.abs());
        // A factor of four is 12.04 dB, all of it in the first coefficient: times the root of the number of bands.
        assert!(close(more[0], once[0] + 20.0 * 4.0_f32.log10() * 128.0_f32.sqrt()));
        assert!((1..50).all(|index| close(more[index], once[index])));
        assert!((50..130).all(|index| close(more[index], once[index])));
        assert!((130..180).all(|index| close(more[index], 16.0 * once[index])));
        assert!((180..193).all(|index| close(more[index], once[index])));
    }

    #[test]
    fn pictures_keep_the_middle_and_pad_both_sides() {
        let set: FeatureSet = toml::from_str("set = 'mel'\nseconds = 1\nhop = 1000\nbands = 16").unwrap();
        let mut extractor = set.extractor(16_000).unwrap();
        assert_eq!(extractor.shape(), Shape::Picture { frames: 17, bands: 16 });
        let middle = voice(16_000, 16_000);
        let mut long = vec![0.9; 5000];
        long.extend(&middle);
        long.resize(long.len() + 5000, 0.7);
        assert_eq!(extractor.extract_samples(&long).unwrap(), extractor.extract_samples(&middle).unwrap());
        let mut padded = vec![0.0; 6000];
        padded.extend(&middle[..4000]);
        padded.resize(16_000, 0.0);
        assert_eq!(extractor.extract_samples(&middle[..4000]).unwrap(), extractor.extract_samples(&padded).unwrap());
    }

    #[test]
    fn descriptors_that_would_fill_the_memory_are_refused() {
        let set: FeatureSet =
            toml::from_str("set = 'mel'\nseconds = 0.1\nbands = 4096\nhop = 1\nn_fft = 16384").unwrap();
        let error = set.extractor(16_000).unwrap().descriptors(&vec![0.1; 66_000]).unwrap_err();
        assert!(matches!(error, FeatureError::Parameter { name: "hop", .. }), "{error}");
    }

    #[test]
    fn descriptors_are_what_the_values_are_made_of() {
        let signal = voice(20_000, 16_000);
        let set: FeatureSet = toml::from_str("set = 'mfcc'\nn = 13\nsd = true").unwrap();
        let mut extractor = set.extractor(16_000).unwrap();
        let table = extractor.descriptors(&signal).unwrap();
        assert_eq!((table.frames(), table.bands()), (20_000 / 512 + 1, 13));
        let values = extractor.extract_samples(&signal).unwrap();
        let moments = [table.mean(), table.standard_deviation()].concat();
        assert!(values.iter().zip(&moments).all(|(a, b)| (a - b).abs() <= 1e-3 * (1.0 + b.abs())));

        let set: FeatureSet = toml::from_str("set = 'mel'\nseconds = 1.25\nbands = 20").unwrap();
        let mut extractor = set.extractor(16_000).unwrap();
        assert_eq!(extractor.descriptors(&signal).unwrap().values(), extractor.extract_samples(&signal).unwrap());
        // The whole recording, longer or shorter than the picture.
        let longer = [signal.clone(), signal].concat();
        assert_eq!(extractor.descriptors(&longer).unwrap().frames(), 40_000 / 1024 + 1);
        assert_eq!(extractor.descriptors(&longer[..3000]).unwrap().frames(), 3);
        let error = FeatureSet::by_name("waveform").unwrap().extractor(16_000).unwrap().descriptors(&longer);
        assert!(matches!(error, Err(FeatureError::NoDescriptors { set: "waveform", .. })));
    }

    #[test]
    fn a_waveform_is_its_own_samples() {
        let set: FeatureSet = toml::from_str("set = 'waveform'\nseconds = 0.001").unwrap();
        let mut extractor = set.extractor(8000).unwrap();
        assert_eq!(extractor.shape(), Shape::Picture { frames: 8, bands: 1 });
        let ramp: Vec<f32> = (0..12_u8).map(f32::from).collect();
        assert_eq!(extractor.extract_samples(&ramp).unwrap(), ramp[2..10]);
        assert_eq!(extractor.extract_samples(&ramp[1..4]).unwrap(), [0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn unfit_recordings_are_refused_with_the_reason() {
        let set = FeatureSet::by_name("issa-50-80-50").unwrap();
        let mut extractor = set.extractor(16_000).unwrap();
        let other = Waveform::new(vec![0.1; 100], 22_050).unwrap();
        assert_eq!(extractor.extract(&other), Err(FeatureError::RateMismatch { expected: 16_000, actual: 22_050 }));
        assert!(matches!(extractor.extract_samples(&[]), Err(FeatureError::TooShort { .. })));
        assert!(matches!(extractor.extract_samples(&[0.0, f32::NAN]), Err(FeatureError::Sample { index: 1, .. })));
        for (name, minimum) in [("issa-50-80-50", 12_801), ("issa-40-12-128", 12_801)] {
            let error = FeatureSet::by_name(name).unwrap().extractor(8000).unwrap_err();
            assert!(matches!(error, FeatureError::SampleRate { minimum: found, .. } if found == minimum), "{error}");
            assert!(error.to_string().contains("12801"), "{error}");
        }
        assert!(set.extractor(0).is_err());
        assert!(FeatureSet::by_name("mfcc").unwrap().extractor(8000).is_ok());
    }
}
