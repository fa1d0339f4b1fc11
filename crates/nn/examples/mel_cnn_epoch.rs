//! Measures an epoch of a convolutional network over mel spectrograms on random data: 900 spectrograms of 130 frames and
//! 128 bands in batches of 64.
//!
//! ```text
//! cargo run --release -p stimmung-nn --example mel_cnn_epoch -- [THREADS] [EPOCHS]
//! ```
//!
//! Prints one line of JSON, like the scripts `bench_torch.py` and `bench_keras.py`, with the median of the
//! epochs after the first.

#![allow(clippy::print_stdout)] // A program, not a library.

mod epoch;
#[path = "networks/mel_cnn.rs"]
mod mel_cnn;

use stimmung_nn::{LayerSpec, OptimizerSpec, TrainParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let params = TrainParams { batch_size: 64, optimizer: OptimizerSpec::adam(1e-3), ..TrainParams::default() };
    epoch::run(epoch::Work { samples: 900, shape: vec![130, 128, 1], layers: mel_cnn::layers(5), params })
}
