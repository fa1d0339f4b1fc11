//! Measures an epoch of an LSTM of 256 units on random data: 480 samples of 32 steps of 128 channels in batches of 32, with
//! Adam.
//!
//! ```text
//! cargo run --release -p stimmung-nn --example lstm_epoch -- [THREADS] [EPOCHS]
//! ```
//!
//! Prints one line of JSON, like the script `bench_lstm_torch.py`, with the median of the epochs after the first.

#![allow(clippy::print_stdout)] // A program, not a library.

use std::ops::ControlFlow;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::ThreadPoolBuilder;
use stimmung_nn::{LayerSpec, Network, OptimizerSpec, Samples, TrainParams, train};

const SAMPLES: usize = 480;
const STEPS: usize = 32;
const CHANNELS: usize = 128;
const CLASSES: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (threads, epochs) = (argument(1)?, argument(5)?.max(2));

    let mut rng = ChaCha8Rng::seed_from_u64(0);
    // A sum of four uniform numbers is near enough to a normal one here.
    let mut value = || (0..4).map(|_| rng.next_u32() as f32 / u32::MAX as f32 - 0.5).sum::<f32>() * 3f32.sqrt();
    let inputs: Vec<f32> = (0..SAMPLES * STEPS * CHANNELS).map(|_| value()).collect();
    let labels: Vec<usize> = (0..SAMPLES).map(|sample| sample % CLASSES).collect();

    let mut network = Network::new(&[STEPS, CHANNELS], &[LayerSpec::lstm(256), LayerSpec::dense(CLASSES)], 0)?;
    let params = TrainParams { epochs, batch_size: 32, optimizer: OptimizerSpec::adam(1e-3), ..TrainParams::default() };

    let mut seconds = Vec::new();
    let mut start = Instant::now();
    ThreadPoolBuilder::new().num_threads(threads).build()?.install(|| {
        train(&mut network, Samples { inputs: &inputs, labels: &labels }, None, &params, &mut |_, _| {
            seconds.push(start.elapsed().as_secs_f64());
            start = Instant::now();
            ControlFlow::Continue(())
        })
    })?;
    // The first epoch also pays for the buffers.
    seconds.remove(0);
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    let median = f64::midpoint(seconds[middle], seconds[(seconds.len() - 1) / 2]);
    let version = env!("CARGO_PKG_VERSION");
    println!(
        r#"{{"peer": "stimmung", "version": "{version}", "threads": {threads}, "seconds_per_epoch": {median:.4}}}"#
    );
    Ok(())
}
