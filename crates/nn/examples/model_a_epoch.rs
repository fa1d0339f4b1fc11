//! Measures an epoch of Model A of Issa, Demirci & Yazici 2020 on random data: 1,712 vectors of 193 values in batches of 16.
//!
//! ```text
//! cargo run --release -p stimmung-nn --example model_a_epoch -- [THREADS] [EPOCHS]
//! ```
//!
//! Prints one line of JSON, like the scripts `bench_torch.py` and `bench_keras.py`, with the median of the
//! epochs after the first.

#![allow(clippy::print_stdout)] // A program, not a library.

mod epoch;
#[path = "networks/model_a.rs"]
mod model_a;

use stimmung_nn::{LayerSpec, OptimizerSpec, TrainParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let params = TrainParams {
        batch_size: 16,
        optimizer: OptimizerSpec::rmsprop(1e-5).with_decay(1e-6),
        ..TrainParams::default()
    };
    epoch::run(epoch::Work { samples: 1712, shape: vec![193, 1], layers: model_a::layers(7), params })
}
