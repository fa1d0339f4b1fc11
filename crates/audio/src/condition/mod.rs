//! What is done to every recording, of training and of use alike, before it is described.

mod level;
mod trim;
mod wiener;

use serde::{Deserialize, Serialize};

use crate::error::{AudioError, check_range};
use crate::waveform::Waveform;

/// What a recording is scaled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// Its largest sample, see [`Waveform::normalise_peak`]. Takes the distance of the microphone out, but hangs on a
    /// single click.
    Peak,
    /// Its root mean square, see [`Waveform::normalise_rms`]. Nearer to loudness than the peak; samples may exceed ±1.
    Rms,
}

impl Normalise {
    /// The level in decibels re full scale where none is given: 0 for the peak, −20 for the root mean square, which
    /// leaves speech (whose peaks lie 12 to 18 dB above it) below full scale.
    pub fn default_level(self) -> f64 {
        match self {
            Self::Peak => 0.0,
            Self::Rms => -20.0,
        }
    }
}

/// Conditioning: the section `[conditioning]` of a recipe. By default nothing is done.
///
/// The steps come in this order: Wiener filter, trimming, level. Hiss raises pauses above the trimming threshold, so it
/// goes first; and the level is that of what is kept, not of the silence around it.
///
/// ```
/// use stimmung_audio::{ConditioningParams, Waveform};
///
/// let params: ConditioningParams = toml::from_str("normalise = 'peak'\ntrim_db = 40").unwrap();
/// params.check()?;
/// let mut samples = vec![0.0; 48_000];
/// samples[16_000..32_000].fill(0.25);
/// let heard = params.apply(&Waveform::new(samples, 16_000)?)?;
/// assert_eq!(heard.samples()[8_000], 1.0);
/// assert!(heard.seconds() < 1.2);
///
/// assert!(toml::from_str::<ConditioningParams>("trim = 40").is_err());
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditioningParams {
    /// What the recording is scaled by. Absent: it stays as loud as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalise: Option<Normalise>,
    /// The level that `normalise` gives it, in decibels re full scale, −100 to 20. Only together with `normalise`.
    /// Absent: [`Normalise::default_level`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<f64>,
    /// How far below the loudest frame silence begins, in decibels, above 0 to 200; what is silent at both ends is cut off
    /// ([`Waveform::trim`]). librosa starts from 60; 30 to 40 suits speech recorded in rooms. Absent: nothing is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim_db: Option<f64>,
    /// Window of the Wiener filter in samples, an odd number from 3 to 65,535 ([`Waveform::wiener`]). `SciPy` starts from 3;
    /// larger windows take more noise and more of the consonants. Absent: no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wiener: Option<usize>,
}

impl ConditioningParams {
    /// Checks the ranges, and that there is no level without something to be levelled by.
    ///
    /// # Errors
    /// [`AudioError::Parameter`] that names the first key that is wrong.
    pub fn check(&self) -> Result<(), AudioError> {
        match (self.level, self.normalise) {
            (Some(level), None) => {
                let expected = "to be absent where `normalise` is";
                return Err(AudioError::parameter("level", expected, level));
            }
            (Some(level), Some(_)) => check_range("level", level, &level::LEVELS)?,
            (None, _) => {}
        }
        self.trim_db.map_or(Ok(()), trim::check)?;
        self.wiener.map_or(Ok(()), wiener::check)
    }

    /// Whether nothing is done.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The recording as the rest of the program hears it.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn apply(&self, waveform: &Waveform) -> Result<Waveform, AudioError> {
        self.check()?;
        let mut heard = waveform.clone();
        if let Some(window) = self.wiener {
            heard = heard.wiener(window)?;
        }
        if let Some(decibels) = self.trim_db {
            heard = heard.trim(decibels)?;
        }
        if let Some(by) = self.normalise {
            let level = self.level.unwrap_or(by.default_level());
            heard = match by {
                Normalise::Peak => heard.normalise_peak(level)?,
                Normalise::Rms => heard.normalise_rms(level)?,
            };
        }
        Ok(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(samples: Vec<f32>) -> Waveform {
        Waveform::new(samples, 16_000).unwrap()
    }

    fn burst() -> Waveform {
        let tone = |n: usize| if (8_000..12_000).contains(&n) { (n as f32 * 0.2).sin() * 0.3 } else { 0.0 };
        wave((0..20_000).map(tone).collect())
    }

    #[test]
    fn by_default_nothing_is_done() {
        let params = ConditioningParams::default();
        assert!(params.is_default());
        assert_eq!(params.apply(&burst()).unwrap(), burst());
        assert_eq!(toml::to_string(&params).unwrap(), "");
        assert_eq!(serde_json::to_string(&params).unwrap(), "{}");
    }

    #[test]
    fn a_recipe_is_read_back_as_it_was_written() {
        let text = "normalise = \"rms\"\nlevel = -23.0\ntrim_db = 35.0\nwiener = 5\n";
        let params: ConditioningParams = toml::from_str(text).unwrap();
        params.check().unwrap();
        assert!(!params.is_default());
        assert_eq!(toml::to_string(&params).unwrap(), text);
        let error = toml::from_str::<ConditioningParams>("normalize = 'peak'").unwrap_err();
        assert!(error.to_string().contains("unknown field `normalize`"), "{error}");
        let error = toml::from_str::<ConditioningParams>("normalise = 'lufs'").unwrap_err();
        assert!(error.to_string().contains("`peak` or `rms`"), "{error}");
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let cases = [
            ("level = -3.0", "parameter `level` is -3, expected to be absent where `normalise` is"),
            ("normalise = 'peak'\nlevel = 21.0", "parameter `level` is 21, expected -100 to 20"),
            ("normalise = 'peak'\nlevel = nan", "parameter `level` is NaN, expected -100 to 20"),
            ("trim_db = 0", "parameter `trim_db` is 0, expected a number above 0 and up to 200"),
            ("trim_db = -60", "parameter `trim_db` is -60, expected a number above 0 and up to 200"),
            ("wiener = 4", "parameter `wiener` is 4, expected an odd number from 3 to 65535"),
            ("wiener = 1", "parameter `wiener` is 1, expected an odd number from 3 to 65535"),
            ("wiener = 65537", "parameter `wiener` is 65537, expected an odd number from 3 to 65535"),
        ];
        for (text, message) in cases {
            let params: ConditioningParams = toml::from_str(text).unwrap();
            assert_eq!(params.check().unwrap_err().to_string(), message);
            assert_eq!(params.apply(&burst()).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_level_is_that_of_what_is_kept() {
        let params = ConditioningParams {
            normalise: Some(Normalise::Rms),
            trim_db: Some(40.0),
            wiener: Some(3),
            ..ConditioningParams::default()
        };
        let heard = params.apply(&burst()).unwrap();
        let power = heard.samples().iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / heard.len() as f64;
        assert!((10.0 * power.log10() + 20.0).abs() < 1e-4);
        assert_eq!(heard.len(), burst().wiener(3).unwrap().trim(40.0).unwrap().len());
    }

    #[test]
    fn silence_one_sample_and_nothing_pass() {
        let params = ConditioningParams {
            normalise: Some(Normalise::Peak),
            level: Some(-1.0),
            trim_db: Some(40.0),
            wiener: Some(5),
        };
        for samples in [vec![], vec![0.0], vec![0.0; 5_000]] {
            assert_eq!(params.apply(&wave(samples.clone())).unwrap().samples(), samples);
        }
        assert!((params.apply(&wave(vec![-0.2])).unwrap().samples()[0] + 0.891_250_9).abs() < 1e-6);
    }
}
