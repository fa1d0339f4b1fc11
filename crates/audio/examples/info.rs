//! Prints what a recording is, and what comes out of it: `cargo run --release --example info -- FILE…`
//!
//! The decoded length, peak and level come from a stream, so memory stays flat however long the file is.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this program is for")]

use std::process::ExitCode;
use std::time::Instant;

use stimmung_audio::{AudioError, Stream, probe_path};

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        match describe(&path) {
            Ok(line) => println!("{path}: {line}"),
            Err(error) => {
                eprintln!("{path}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn describe(path: &str) -> Result<String, AudioError> {
    let probe = probe_path(path)?;
    let start = Instant::now();
    let mut stream = Stream::open(path)?;
    let (mut samples, mut peak, mut energy) = (0_u64, 0.0_f32, 0.0_f64);
    while let Some(block) = stream.next_block()? {
        samples += block.len() as u64;
        peak = block.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
        energy += block.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    }
    let (seconds, took) = (samples as f64 / f64::from(probe.sample_rate), start.elapsed().as_secs_f64());
    let declared = probe.seconds.map_or("unknown".to_owned(), |seconds| format!("{seconds:.3} s"));
    Ok(format!(
        "{}, {}, {} Hz, {} channels, length {declared}; decoded {samples} samples = {seconds:.3} s in {:.1} ms, peak {peak:.4}, level {:.1} dB",
        probe.format,
        probe.codec,
        probe.sample_rate,
        probe.channels,
        took * 1e3,
        10.0 * (energy / samples.max(1) as f64).max(1e-20).log10(),
    ))
}
