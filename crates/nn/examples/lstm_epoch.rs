//! Measures an epoch of an LSTM of 256 units on random data: 480 samples of 32 steps of 128 channels in batches of 32, with
//! Adam.
//!
//! ```text
//! cargo run --release -p stimmung-nn --example lstm_epoch -- [THREADS] [EPOCHS]
//! ```
//!
//! Prints one line of JSON, like the script `bench_torch.py`, with the median of the epochs after the first.

#![allow(clippy::print_stdout)] // A program, not a library.

mod epoch;

use stimmung_nn::{LayerSpec, OptimizerSpec, TrainParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let params = TrainParams { batch_size: 32, optimizer: OptimizerSpec::adam(1e-3), ..TrainParams::default() };
    let layers = vec![LayerSpec::lstm(256), LayerSpec::dense(7)];
    epoch::run(epoch::Work { samples: 480, shape: vec![32, 128], layers, params })
}
