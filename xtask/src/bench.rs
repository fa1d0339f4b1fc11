//! Timings against the peers, in one run, as ratios.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use crate::peers::{call, output, python, root, target};

const TORCH: &str = "bench_torch.py";
const KERAS: &str = "bench_keras.py";

#[derive(Args)]
pub struct BenchPeers {
    /// Folder of WAV files for the features, such as Emo-DB's wav; without one, only the networks are timed
    #[arg(long, value_name = "DIR")]
    recordings: Option<PathBuf>,

    /// How often everything is run, in turn; the medians are compared
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,

    /// Leave the networks out
    #[arg(long)]
    features_only: bool,

    /// Epochs in each timing of the networks
    #[arg(long, default_value_t = 4, value_name = "N")]
    epochs: usize,
}

/// A line that a timed program prints: what ran, and how many seconds the same work took.
#[derive(Deserialize)]
struct Timing {
    peer: String,
    #[serde(default)]
    version: String,
    #[serde(alias = "seconds_per_epoch")]
    seconds: f64,
}

/// Something to be timed: what it is called beside the others, and how it is run.
pub struct Contender {
    work: String,
    make: Box<dyn Fn() -> Command>,
}

impl Contender {
    pub fn command(&self) -> Command {
        (self.make)()
    }
}

pub fn run(arguments: &BenchPeers, given: Option<&Path>) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.recordings {
        let python = python(given, "librosa")?;
        build("stimmung-features", "bench")?;
        compare(&features(&folder.canonicalize()?, &python), arguments.rounds)?;
    }
    if !arguments.features_only {
        let python = python(given, "networks")?;
        for network in ["model_a_epoch", "mel_cnn_epoch", "lstm_epoch"] {
            build("stimmung-nn", network)?;
        }
        compare(&networks(&python, arguments.epochs), arguments.rounds)?;
    }
    Ok(())
}

pub fn build(package: &str, example: &str) -> anyhow::Result<()> {
    call(Command::new("cargo").args(["build", "--release", "--quiet", "--package", package, "--example", example]))
}

pub fn example(name: &str) -> PathBuf {
    target().join("release").join("examples").join(name)
}

pub fn contender(work: &str, program: &Path, arguments: Vec<String>, script: Option<&str>) -> Contender {
    let program = program.to_path_buf();
    let script = script.map(|script| root().join("scripts").join(script));
    let command = move || {
        let mut command = Command::new(&program);
        // One thread means one thread, in whatever library.
        for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"] {
            command.env(variable, "1");
        }
        command.args(&script).args(&arguments);
        command
    };
    Contender { work: work.to_owned(), make: Box::new(command) }
}

/// The work, our way of it, and librosa's.
fn features(folder: &Path, python: &Path) -> Vec<Contender> {
    let folder = folder.display().to_string();
    let ours = |set: &str, threads: &str| vec![folder.clone(), set.to_owned(), threads.to_owned()];
    let theirs = |recipe: &str| vec![folder.clone(), recipe.to_owned()];
    let script = Some("bench_librosa.py");
    vec![
        contender("issa-50-80-50 as published", &example("bench"), ours("issa-50-80-50", "1"), None),
        contender("issa-50-80-50 as published", python, theirs("issa-50-80-50-as-published"), script),
        contender("issa-50-80-50 without the dead part", &example("bench"), ours("issa-50-80-50", "1"), None),
        contender("issa-50-80-50 without the dead part", python, theirs("issa-50-80-50"), script),
        contender("issa-40-12-128", &example("bench"), ours("issa-40-12-128", "1"), None),
        contender("issa-40-12-128", python, theirs("issa-40-12-128"), script),
        contender("mean of 40 MFCC", &example("bench"), ours("mfcc", "1"), None),
        contender("mean of 40 MFCC", python, theirs("mfcc"), script),
        contender("issa-50-80-50, two threads and one", &example("bench"), ours("issa-50-80-50", "2"), None),
        contender("issa-50-80-50, two threads and one", &example("bench"), ours("issa-50-80-50", "1"), None),
    ]
}

fn networks(python: &Path, epochs: usize) -> Vec<Contender> {
    let mut contenders = Vec::new();
    for threads in ["1", "2"] {
        let counts = [threads.to_owned(), epochs.to_string()];
        let mut add = |network: &str, ours: &str, peers: &[(&str, Option<&str>)]| {
            let work = format!("epoch of {network}, {threads} thread{}", if threads == "1" { "" } else { "s" });
            contenders.push(contender(&work, &example(ours), counts.to_vec(), None));
            for &(script, layout) in peers {
                let mut arguments = vec![network.to_owned()];
                arguments.extend(counts.clone());
                arguments.extend(layout.map(str::to_owned));
                contenders.push(contender(&work, python, arguments, Some(script)));
            }
        };
        add("model-a", "model_a_epoch", &[(TORCH, None), (KERAS, None)]);
        // PyTorch's speed depends on the order in memory.
        let layouts = [(TORCH, Some("contiguous")), (TORCH, Some("channels-last")), (KERAS, None)];
        add("mel-cnn", "mel_cnn_epoch", &layouts);
        add("lstm", "lstm_epoch", &[(TORCH, None)]);
    }
    contenders
}

/// Runs all contenders in turn, again and again, and prints the median seconds of each with its ratio to the first of
/// the same work, which is ours.
pub fn compare(contenders: &[Contender], rounds: usize) -> anyhow::Result<()> {
    let mut seconds: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    for round in 1..=rounds.max(1) {
        for (number, contender) in contenders.iter().enumerate() {
            let text = output(&mut contender.command())?;
            let line = text.lines().last().unwrap_or_default();
            let timing: Timing =
                serde_json::from_str(line).with_context(|| format!("{}: not a timing: {line:?}", contender.work))?;
            seconds.entry(number).or_default().push(timing.seconds);
            names.insert(number, format!("{} {}", timing.peer, timing.version));
        }
        eprintln!("round {round} of {} done", rounds.max(1));
    }
    let mut work = "";
    let mut ours = 0.0;
    for (number, contender) in contenders.iter().enumerate() {
        let median = median(seconds.remove(&number).unwrap_or_default());
        if contender.work != work {
            work = &contender.work;
            ours = median;
            println!("\n{work}");
        }
        println!("  {:34} {median:9.4} s  {:7.2} × ours", names[&number].trim(), median / ours);
    }
    Ok(())
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
