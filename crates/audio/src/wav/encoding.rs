//! How a WAV file stores one sample, and the way from there to ±1.

/// A sample's encoding. Integers are divided by their full scale (2^15 for 16 bits), so that conversion is exact up to
/// 24 bits; integers of odd width are left-justified in their bytes and scale with those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

impl Encoding {
    /// The names that the demultiplexer of the other formats uses as well.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unsigned8 => "pcm_u8",
            Self::Signed16 => "pcm_s16le",
            Self::Signed24 => "pcm_s24le",
            Self::Signed32 => "pcm_s32le",
            Self::Float32 => "pcm_f32le",
            Self::Float64 => "pcm_f64le",
            Self::ALaw => "pcm_alaw",
            Self::MuLaw => "pcm_mulaw",
        }
    }

    /// Decodes whole frames of `channels` interleaved samples and appends their mean.
    pub(crate) fn decode(self, bytes: &[u8], channels: usize, mono: &mut Vec<f32>) {
        match self {
            Self::Unsigned8 => mix::<1>(bytes, channels, mono, |[b]| (f32::from(b) - 128.0) / 128.0),
            Self::Signed16 => mix::<2>(bytes, channels, mono, |b| f32::from(i16::from_le_bytes(b)) / 32_768.0),
            Self::Signed24 => mix::<3>(bytes, channels, mono, |[a, b, c]| {
                (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0
            }),
            Self::Signed32 => mix::<4>(bytes, channels, mono, |b| i32::from_le_bytes(b) as f32 / 2_147_483_648.0),
            Self::Float32 => mix::<4>(bytes, channels, mono, f32::from_le_bytes),
            Self::Float64 => mix::<8>(bytes, channels, mono, |b| f64::from_le_bytes(b) as f32),
            Self::ALaw => mix::<1>(bytes, channels, mono, |[b]| f32::from(a_law(b)) / 32_768.0),
            Self::MuLaw => mix::<1>(bytes, channels, mono, |[b]| f32::from(mu_law(b)) / 32_768.0),
        }
    }
}

/// Converts samples of `N` bytes and averages each frame, adding up its channels in their order.
fn mix<const N: usize>(bytes: &[u8], channels: usize, mono: &mut Vec<f32>, value: impl Fn([u8; N]) -> f32) {
    let (samples, _) = bytes.as_chunks::<N>();
    match channels {
        1 => mono.extend(samples.iter().map(|sample| value(*sample))),
        _ => mono.extend(samples.chunks_exact(channels).map(|frame| {
            let sum: f32 = frame.iter().map(|sample| value(*sample)).sum();
            sum / channels as f32
        })),
    }
}

/// ITU-T G.711, A-law, scaled from 13 to 16 bits: sign, three bits of exponent, four of mantissa, even bits inverted.
fn a_law(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let mantissa = i16::from(code & 0x0F) << 4;
    let magnitude = match (code >> 4) & 7 {
        0 => mantissa + 8,
        exponent => (mantissa + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// ITU-T G.711, µ-law, scaled from 14 to 16 bits: as A-law, with a bias of 33 and all bits inverted.
fn mu_law(byte: u8) -> i16 {
    let code = !byte;
    let magnitude = (((i16::from(code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: Encoding, channels: usize, bytes: &[u8]) -> Vec<f32> {
        let mut mono = Vec::new();
        encoding.decode(bytes, channels, &mut mono);
        mono
    }

    #[test]
    fn full_scale_is_one_and_middle_is_zero() {
        assert_eq!(decode(Encoding::Unsigned8, 1, &[0, 128, 255]), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(decode(Encoding::Signed16, 1, &[0, 0x80, 0, 0, 1, 0]), [-1.0, 0.0, 1.0 / 32_768.0]);
        assert_eq!(decode(Encoding::Signed24, 1, &[0, 0, 0x80, 255, 255, 255]), [-1.0, -1.0 / 8_388_608.0]);
        assert_eq!(decode(Encoding::Signed32, 1, &[0, 0, 0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.5]);
        assert_eq!(decode(Encoding::Float32, 1, &1.5_f32.to_le_bytes()), [1.5]);
        assert_eq!(decode(Encoding::Float64, 1, &(-0.1_f64).to_le_bytes()), [-0.1]);
    }

    /// Corner values of the decoder tables 1a and 2a of ITU-T G.711 (in 16-bit units).
    #[test]
    fn companded_samples_follow_g711() {
        let a: Vec<i16> = [0xD5, 0x55, 0xAA, 0x2A, 0x80].map(a_law).to_vec();
        assert_eq!(a, [8, -8, 32_256, -32_256, 5_504]);
        let mu: Vec<i16> = [0xFF, 0x7F, 0x80, 0x00, 0xF0].map(mu_law).to_vec();
        assert_eq!(mu, [0, 0, 32_124, -32_124, 120]);
    }

    #[test]
    fn companding_is_odd_and_monotonic() {
        for (law, flip) in [(a_law as fn(u8) -> i16, 0xD5), (mu_law, 0xFF)] {
            let positive: Vec<i16> = (0..128).map(|code: u8| law(code ^ flip)).collect();
            assert!(positive.windows(2).all(|pair| pair[0] < pair[1]));
            assert!((0..=255).all(|byte: u8| law(byte) == -law(byte ^ 0x80)));
        }
    }

    #[test]
    fn channels_are_averaged_frame_by_frame() {
        let bytes: Vec<u8> = [1.0_f32, 0.5, 0.0, -1.0, -2.0, 0.0].iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(decode(Encoding::Float32, 2, &bytes), [0.75, -0.5, -1.0]);
        assert_eq!(decode(Encoding::Float32, 3, &bytes), [0.5, -1.0]);
        assert_eq!(decode(Encoding::Float32, 6, &bytes), [-0.25]);
    }
}
