//! The field's names of the descriptors and functionals.

/// Number of descriptors that are smoothed with their zeros; the others leave zeros out.
pub(super) const SPECTRAL: usize = 10;

/// The descriptors, in order.
pub(super) const DESCRIPTORS: [&str; 25] = [
    "Loudness_sma3",
    "alphaRatio_sma3",
    "hammarbergIndex_sma3",
    "slope0-500_sma3",
    "slope500-1500_sma3",
    "spectralFlux_sma3",
    "mfcc1_sma3",
    "mfcc2_sma3",
    "mfcc3_sma3",
    "mfcc4_sma3",
    "F0semitoneFrom27.5Hz_sma3nz",
    "jitterLocal_sma3nz",
    "shimmerLocaldB_sma3nz",
    "HNRdBACF_sma3nz",
    "logRelF0-H1-H2_sma3nz",
    "logRelF0-H1-A3_sma3nz",
    "F1frequency_sma3nz",
    "F1bandwidth_sma3nz",
    "F1amplitudeLogRelF0_sma3nz",
    "F2frequency_sma3nz",
    "F2bandwidth_sma3nz",
    "F2amplitudeLogRelF0_sma3nz",
    "F3frequency_sma3nz",
    "F3bandwidth_sma3nz",
    "F3amplitudeLogRelF0_sma3nz",
];

/// What is said of the fundamental and of the loudness.
const TEN: [&str; 10] = [
    "amean",
    "stddevNorm",
    "percentile20.0",
    "percentile50.0",
    "percentile80.0",
    "pctlrange0-2",
    "meanRisingSlope",
    "stddevRisingSlope",
    "meanFallingSlope",
    "stddevFallingSlope",
];

/// Descriptors that are taken over all frames, then those that are taken over the voiced ones alone.
const ALL: [&str; 5] = ["spectralFlux_sma3", "mfcc1_sma3", "mfcc2_sma3", "mfcc3_sma3", "mfcc4_sma3"];
const VOICED: [&str; 9] = [
    "alphaRatioV",
    "hammarbergIndexV",
    "slopeV0-500",
    "slopeV500-1500",
    "spectralFluxV",
    "mfcc1V",
    "mfcc2V",
    "mfcc3V",
    "mfcc4V",
];
const UNVOICED: [&str; 5] = ["alphaRatioUV", "hammarbergIndexUV", "slopeUV0-500", "slopeUV500-1500", "spectralFluxUV"];

/// What is said of time and level.
const TEMPORAL: [&str; 7] = [
    "loudnessPeaksPerSec",
    "VoicedSegmentsPerSec",
    "MeanVoicedSegmentLengthSec",
    "StddevVoicedSegmentLengthSec",
    "MeanUnvoicedSegmentLength",
    "StddevUnvoicedSegmentLength",
    "equivalentSoundLevel_dBp",
];

/// The 88 functionals, in order.
pub(super) fn functionals() -> Vec<String> {
    let mut names = Vec::with_capacity(super::FUNCTIONALS);
    let two = ["amean", "stddevNorm"];
    for contour in ["F0semitoneFrom27.5Hz_sma3nz", "loudness_sma3"] {
        names.extend(TEN.map(|functional| format!("{contour}_{functional}")));
    }
    for contour in ALL.iter().chain(&DESCRIPTORS[SPECTRAL + 1..]) {
        names.extend(two.map(|functional| format!("{contour}_{functional}")));
    }
    for contour in VOICED {
        names.extend(two.map(|functional| format!("{contour}_sma3nz_{functional}")));
    }
    names.extend(UNVOICED.map(|contour| format!("{contour}_sma3nz_amean")));
    names.extend(TEMPORAL.map(str::to_owned));
    names
}
