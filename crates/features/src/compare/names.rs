//! The field's names of the descriptors and functionals.

use super::FUNCTIONALS;
use super::functionals::{COURSE, DELTA_COURSE, DISTRIBUTION, VOICE, VOICING};
use crate::functionals::Part;

/// Descriptors of the voice, of energy, and of the spectrum that are one value a frame.
const VOICES: [&str; 6] = ["F0final", "voicingFinalUnclipped", "jitterLocal", "jitterDDP", "shimmerLocal", "logHNR"];
const ENERGIES: [&str; 4] = ["audspec_lengthL1norm", "audspecRasta_lengthL1norm", "pcm_RMSenergy", "pcm_zcr"];
const SPECTRA: [&str; 15] = [
    "pcm_fftMag_fband250-650",
    "pcm_fftMag_fband1000-4000",
    "pcm_fftMag_spectralRollOff25.0",
    "pcm_fftMag_spectralRollOff50.0",
    "pcm_fftMag_spectralRollOff75.0",
    "pcm_fftMag_spectralRollOff90.0",
    "pcm_fftMag_spectralFlux",
    "pcm_fftMag_spectralCentroid",
    "pcm_fftMag_spectralEntropy",
    "pcm_fftMag_spectralVariance",
    "pcm_fftMag_spectralSkewness",
    "pcm_fftMag_spectralKurtosis",
    "pcm_fftMag_spectralSlope",
    "pcm_fftMag_psySharpness",
    "pcm_fftMag_spectralHarmonicity",
];

/// Bands of the auditory spectrum, and the first and the last cepstral coefficient.
const BANDS: usize = 26;
const FIRST_CEPSTRAL: usize = 1;
const LAST_CEPSTRAL: usize = 14;

/// What is said of the smoothing, and after it of a delta.
const SMOOTHED: &str = "_sma";
const DELTA: &str = "_sma_de";

/// The 65 smoothed descriptors, in order: voice, energy, spectrum.
pub(super) fn descriptors() -> Vec<String> {
    [voice(SMOOTHED), energy(SMOOTHED), spectrum(SMOOTHED)].concat()
}

/// Their deltas, in the same order.
pub(super) fn deltas() -> Vec<String> {
    [voice(DELTA), energy(DELTA), spectrum(DELTA)].concat()
}

/// The 6373 functionals, in order.
pub(super) fn functionals() -> Vec<String> {
    let mut names = Vec::with_capacity(FUNCTIONALS);
    let mut add = |set: &[Part], contours: &[String]| {
        for contour in contours {
            let functionals = set.iter().flat_map(|part| part.names());
            names.extend(functionals.map(|functional| format!("{contour}_{functional}")));
        }
    };
    add(DISTRIBUTION, &[energy(SMOOTHED), energy(DELTA), spectrum(SMOOTHED), spectrum(DELTA)].concat());
    add(VOICE, &[voice(SMOOTHED), voice(DELTA)].concat());
    add(VOICING, &["F0final_sma_ff0".to_owned()]);
    add(COURSE, &[energy(SMOOTHED), spectrum(SMOOTHED)].concat());
    add(DELTA_COURSE, &[energy(DELTA), spectrum(DELTA)].concat());
    names
}

fn voice(suffix: &str) -> Vec<String> {
    VOICES.iter().map(|name| format!("{name}{suffix}")).collect()
}

fn energy(suffix: &str) -> Vec<String> {
    ENERGIES.iter().map(|name| format!("{name}{suffix}")).collect()
}

fn spectrum(suffix: &str) -> Vec<String> {
    let bands = (0..BANDS).map(|band| format!("audSpec_Rfilt{suffix}[{band}]"));
    let cepstrum = (FIRST_CEPSTRAL..=LAST_CEPSTRAL).map(|index| format!("mfcc{suffix}[{index}]"));
    bands.chain(SPECTRA.iter().map(|name| format!("{name}{suffix}"))).chain(cepstrum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_field_and_unlike() {
        assert_eq!((descriptors().len(), deltas().len()), (65, 65));
        assert_eq!((descriptors()[10].as_str(), deltas()[64].as_str()), ("audSpec_Rfilt_sma[0]", "mfcc_sma_de[14]"));
        let names = functionals();
        // First and last of every block.
        let expected = [
            (0, "audspec_lengthL1norm_sma_range"),
            (247, "pcm_zcr_sma_de_lpc4"),
            (248, "audSpec_Rfilt_sma[0]_range"),
            (3657, "mfcc_sma_de[14]_lpc4"),
            (3658, "F0final_sma_amean"),
            (4125, "logHNR_sma_de_lpc4"),
            (4126, "F0final_sma_ff0_nnz"),
            (4130, "F0final_sma_ff0_segLenStddev"),
            (4131, "audspec_lengthL1norm_sma_amean"),
            (5487, "mfcc_sma[14]_centroid"),
            (5488, "audspec_lengthL1norm_sma_de_flatness"),
            (6372, "mfcc_sma_de[14]_stddevFallingSlope"),
        ];
        assert_eq!(names.len(), FUNCTIONALS);
        assert!(expected.iter().all(|(place, name)| names[*place] == *name));
        let mut unlike = names.clone();
        unlike.sort_unstable();
        unlike.dedup();
        assert_eq!(unlike.len(), FUNCTIONALS);
    }
}
