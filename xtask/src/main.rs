//! Chores of the project that are not part of the product: comparisons with its peers.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]

mod bench;
mod compare;
mod peers;
mod serve;
mod trees;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the Stimmung project")]
struct Arguments {
    /// A Python with the packages of scripts/requirements-*.txt; by default a virtual environment below target/ is made
    #[arg(long, global = true, env = "STIMMUNG_PEERS_PYTHON", value_name = "FILE")]
    python: Option<PathBuf>,

    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Compare our features with librosa's on a folder of recordings; fails outside the tolerances
    CompareLibrosa {
        /// The folder
        folder: PathBuf,
        /// Feature sets; all three by default
        #[arg(long = "set", value_name = "NAME")]
        sets: Vec<String>,
    },
    /// Time feature extraction against librosa, and Model A and the mel CNN against PyTorch and Keras; prints ratios
    BenchPeers(bench::BenchPeers),
    /// Compare random forests and gradient boosting with scikit-learn's: ratios of time, and accuracies; fails where they differ
    BenchTrees(trees::BenchTrees),
    /// Put the server under load (wrk) and into fifty conversations, beside a Flask server; fails where a target is missed
    BenchServe(serve::BenchServe),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.chore {
        Chore::CompareLibrosa { folder, sets } => {
            let python = peers::python(arguments.python.as_deref(), "librosa")?;
            compare::run(&python, folder, sets)
        }
        Chore::BenchPeers(bench) => bench::run(bench, arguments.python.as_deref()),
        Chore::BenchTrees(bench) => trees::run(bench, arguments.python.as_deref()),
        Chore::BenchServe(bench) => serve::run(bench, arguments.python.as_deref()),
    }
}
