//! Writing WAV.

use std::io::{Cursor, Seek, Write};
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};

use crate::error::AudioError;
use crate::waveform::Waveform;

/// How samples are stored in a WAV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WavEncoding {
    /// 16-bit integers, the default, which everything reads. Samples are rounded to the nearest of 2^16 steps and those
    /// beyond full scale are clipped. A recording that was decoded from 16 bits is written back bit for bit.
    #[default]
    Pcm16,
    /// 24-bit integers: as above with 2^24 steps, so that nothing audible is lost.
    Pcm24,
    /// 32-bit floats: exactly the samples, also those beyond full scale.
    Float32,
}

impl WavEncoding {
    fn spec(self, sample_rate: u32) -> WavSpec {
        let (bits_per_sample, sample_format) = match self {
            Self::Pcm16 => (16, SampleFormat::Int),
            Self::Pcm24 => (24, SampleFormat::Int),
            Self::Float32 => (32, SampleFormat::Float),
        };
        WavSpec { channels: 1, sample_rate, bits_per_sample, sample_format }
    }
}

/// Writes a mono WAV file, all or nothing: the samples go to a temporary file in the same folder, which then takes the
/// name, so that neither an interruption nor a full disk leaves half a file or loses the one that was there.
///
/// # Errors
///
/// [`AudioError::Io`], and [`AudioError::Limit`] beyond the 4 GiB that a WAV file can hold.
pub fn write_wav(path: impl AsRef<Path>, wave: &Waveform, encoding: WavEncoding) -> Result<(), AudioError> {
    let path = path.as_ref();
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stimmung-").suffix(".tmp");
    share(&mut builder);
    let written = builder.tempfile_in(folder);
    let mut file = written.map_err(|error| AudioError::io(error).at(path))?;
    write(std::io::BufWriter::new(file.as_file_mut()), wave, encoding).map_err(|error| error.at(path))?;
    file.persist(path).map_err(|failed| AudioError::io(failed.error).at(path))?;
    Ok(())
}

/// Gives the file the permissions of any new file, which the umask narrows; temporary ones are private otherwise.
#[cfg(unix)]
fn share(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn share(_: &mut tempfile::Builder<'_, '_>) {}

/// The bytes of a mono WAV file.
///
/// ```
/// use stimmung_audio::{Waveform, WavEncoding, decode_bytes, wav_bytes};
///
/// let wave = Waveform::new(vec![0.0, 0.25, -1.0], 8_000)?;
/// let file = wav_bytes(&wave, WavEncoding::Pcm16)?;
/// assert_eq!(decode_bytes(file, None)?, wave);
/// # Ok::<(), stimmung_audio::AudioError>(())
/// ```
///
/// # Errors
///
/// [`AudioError::Limit`] beyond the 4 GiB that a WAV file can hold.
pub fn wav_bytes(wave: &Waveform, encoding: WavEncoding) -> Result<Vec<u8>, AudioError> {
    let mut bytes = Cursor::new(Vec::new());
    write(&mut bytes, wave, encoding)?;
    Ok(bytes.into_inner())
}

fn write(out: impl Write + Seek, wave: &Waveform, encoding: WavEncoding) -> Result<(), AudioError> {
    let spec = encoding.spec(wave.sample_rate());
    let bytes = wave.len() as u64 * u64::from(spec.bits_per_sample / 8);
    let limit = u64::from(u32::MAX) - 1_024;
    if bytes > limit {
        return Err(AudioError::Limit {
            what: "a WAV file's size in bytes",
            limit: limit as f64,
            actual: bytes as f64,
        });
    }
    write_samples(out, wave.samples(), spec, encoding).map_err(|error| match error {
        hound::Error::IoError(error) => AudioError::io(error),
        other => AudioError::io(std::io::Error::other(other)),
    })
}

fn write_samples(
    out: impl Write + Seek,
    samples: &[f32],
    spec: WavSpec,
    encoding: WavEncoding,
) -> Result<(), hound::Error> {
    let mut writer = WavWriter::new(out, spec)?;
    let scale = match encoding {
        WavEncoding::Pcm16 => 32_768.0,
        WavEncoding::Pcm24 => 8_388_608.0,
        WavEncoding::Float32 => {
            samples.iter().try_for_each(|sample| writer.write_sample(*sample))?;
            return writer.finalize();
        }
    };
    for sample in samples {
        let integer = (f64::from(*sample) * scale).round_ties_even().clamp(-scale, scale - 1.0);
        writer.write_sample(integer as i32)?;
    }
    writer.finalize()
}
