//! Times the epochs of a training on random data.

use std::ops::ControlFlow;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::ThreadPoolBuilder;
use stimmung_nn::{LayerSpec, Network, Samples, TrainParams, train};

/// What is trained.
pub struct Work {
    pub samples: usize,
    pub shape: Vec<usize>,
    pub layers: Vec<LayerSpec>,
    pub params: TrainParams,
}

/// Trains with the threads and epochs of the command line, and prints one line of JSON with the median seconds of the
/// epochs after the first.
pub fn run(mut work: Work) -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let threads = argument(1)?;
    work.params.epochs = argument(5)?.max(2);

    let mut network = Network::new(&work.shape, &work.layers, 0)?;
    let (features, classes) = (network.input_len(), network.output_len());
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    // A sum of four uniform numbers is near enough to a normal one here.
    let mut value = || (0..4).map(|_| rng.next_u32() as f32 / u32::MAX as f32 - 0.5).sum::<f32>() * 3f32.sqrt();
    let inputs: Vec<f32> = (0..work.samples * features).map(|_| value()).collect();
    let labels: Vec<usize> = (0..work.samples).map(|sample| sample % classes).collect();

    let mut seconds = Vec::new();
    let mut start = Instant::now();
    ThreadPoolBuilder::new().num_threads(threads).build()?.install(|| {
        train(&mut network, Samples::new(&inputs, &labels), None, &work.params, &mut |_, _| {
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
