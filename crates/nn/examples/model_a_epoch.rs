//! Measures an epoch of Model A of Issa, Demirci & Yazici 2020 on random data: 1,712 vectors of 193 values in batches of 16.
//!
//! ```text
//! cargo run --release -p stimmung-nn --example model_a_epoch -- [THREADS] [EPOCHS]
//! ```
//!
//! Prints one line of JSON, like the scripts `bench_model_a_torch.py` and `bench_model_a_keras.py`, with the median of the
//! epochs after the first.

#![allow(clippy::print_stdout)] // A program, not a library.

use std::ops::ControlFlow;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::ThreadPoolBuilder;
use stimmung_nn::{LayerSpec, Network, OptimizerSpec, Samples, TrainParams, train};

const SAMPLES: usize = 1712;
const FEATURES: usize = 193;
const CLASSES: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (threads, epochs) = (argument(1)?, argument(5)?.max(2));

    let mut rng = ChaCha8Rng::seed_from_u64(0);
    // A sum of four uniform numbers is near enough to a normal one here.
    let mut value = || (0..4).map(|_| rng.next_u32() as f32 / u32::MAX as f32 - 0.5).sum::<f32>() * 3f32.sqrt();
    let inputs: Vec<f32> = (0..SAMPLES * FEATURES).map(|_| value()).collect();
    let labels: Vec<usize> = (0..SAMPLES).map(|sample| sample % CLASSES).collect();

    let layers = [
        LayerSpec::conv1d(256, 5),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::conv1d(128, 5),
        LayerSpec::Relu,
        LayerSpec::dropout(0.1),
        LayerSpec::max_pool1d(8),
        LayerSpec::conv1d(128, 5),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::dropout(0.2),
        LayerSpec::Flatten,
        LayerSpec::dense(CLASSES),
    ];
    let mut network = Network::new(&[FEATURES, 1], &layers, 0)?;
    let params = TrainParams {
        epochs,
        batch_size: 16,
        optimizer: OptimizerSpec::rmsprop(1e-5).with_decay(1e-6),
        ..TrainParams::default()
    };

    let mut seconds = Vec::new();
    let mut start = Instant::now();
    ThreadPoolBuilder::new().num_threads(threads).build()?.install(|| {
        let samples = Samples { inputs: &inputs, labels: &labels };
        train(&mut network, samples, None, &params, &mut |_, _| {
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
