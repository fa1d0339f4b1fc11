//! Times the features of a folder: `bench DIR SET [THREADS]`.
//!
//! Every WAV file of the folder is decoded before the clock starts; `mfcc` stands for 40 means. Prints one line of JSON, like
//! `scripts/bench_librosa.py`, with the seconds that all recordings took together and how many times faster than real time that is.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use stimmung_audio::Waveform;
use stimmung_features::{FeatureError, FeatureSet};

#[allow(clippy::print_stdout)] // Printing is what this program is for.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench DIR SET [THREADS]".into());
    };
    let threads: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let set = FeatureSet::by_name(&name)?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav")));
    files.sort();
    let recordings = files.iter().map(stimmung_audio::decode_path).collect::<Result<Vec<_>, _>>()?;
    let sound: f64 = recordings.iter().map(Waveform::seconds).sum();

    let start = Instant::now();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(|| extract(&set, &recordings, &next))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Ok(())))
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let (version, times) = (env!("CARGO_PKG_VERSION"), sound / seconds);
    println!(
        r#"{{"peer": "stimmung", "version": "{version}", "threads": {threads}, "seconds": {seconds:.5}, "times_real_time": {times:.0}}}"#
    );
    Ok(())
}

/// Takes recordings one by one until none is left. The extractor is built within the timed part: a corpus pays for it once a thread.
fn extract(set: &FeatureSet, recordings: &[Waveform], next: &AtomicUsize) -> Result<(), FeatureError> {
    let Some(first) = recordings.first() else { return Ok(()) };
    let mut extractor = set.extractor(first.sample_rate())?;
    while let Some(recording) = recordings.get(next.fetch_add(1, Ordering::Relaxed)) {
        std::hint::black_box(extractor.extract(recording)?);
    }
    Ok(())
}
