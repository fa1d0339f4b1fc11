//! Prints how many times faster than real time a set is computed, on one thread: `bench DIR SET [REPEATS]`.
//!
//! All WAV files of the folder are decoded before the clock starts. The best of the repeats counts.

use std::path::PathBuf;
use std::time::Instant;

use stimmung_features::FeatureSet;

#[allow(clippy::print_stdout)] // Printing is what this program is for.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench DIR SET [REPEATS]".into());
    };
    let repeats: usize = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let set = match name.strip_prefix("mfcc-") {
        Some(n) => FeatureSet::Mfcc(stimmung_features::MfccSet { n: n.parse()?, sd: false }),
        None => FeatureSet::by_name(&name)?,
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav")));
    files.sort();
    let recordings = files.iter().map(stimmung_audio::decode_path).collect::<Result<Vec<_>, _>>()?;
    let Some(rate) = recordings.first().map(stimmung_audio::Waveform::sample_rate) else {
        return Err("no WAV file in the folder".into());
    };
    let seconds: f64 = recordings.iter().map(stimmung_audio::Waveform::seconds).sum();

    let mut best = f64::INFINITY;
    for _ in 0..repeats.max(1) {
        let start = Instant::now();
        // Built within the timed part: a corpus pays for it once.
        let mut extractor = set.extractor(rate)?;
        for recording in &recordings {
            std::hint::black_box(extractor.extract(recording)?);
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "{name}: {} files, {seconds:.1} s of sound in {best:.4} s, {:.0} times real time",
        recordings.len(),
        seconds / best
    );
    Ok(())
}
