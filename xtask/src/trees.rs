//! Random forests and gradient boosting against scikit-learn's, on the features of Emo-DB.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use crate::bench::{Contender, build, compare, contender, example};
use crate::peers::{call, output, python, target};

/// How far the mean accuracies may lie apart.
const TOLERANCE: f64 = 0.02;
const SCRIPT: &str = "compare_trees.py";
const KINDS: [&str; 3] = ["random-forest", "leaf-wise", "gradient-boosting"];

#[derive(Args)]
pub struct BenchTrees {
    /// Emo-DB's folder of WAV files
    recordings: PathBuf,

    /// How often everything is timed, in turn; the medians are compared
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,

    /// How many seeds the accuracies are the mean of
    #[arg(long, default_value_t = 5, value_name = "N")]
    seeds: u64,

    /// Leave the timings out
    #[arg(long)]
    accuracy_only: bool,
}

#[derive(Deserialize)]
struct Answer {
    accuracy: f64,
}

pub fn run(arguments: &BenchTrees, given: Option<&Path>) -> anyhow::Result<()> {
    let python = python(given, "trees")?;
    build("stimmung-models", "trees")?;
    let table = features(&arguments.recordings)?;
    if !arguments.accuracy_only {
        let mut contenders = Vec::new();
        for threads in ["1", "2"] {
            for kind in KINDS {
                contenders.extend(pair(&table, kind, "fit", threads, 1, &python));
            }
        }
        compare(&contenders, arguments.rounds)?;
    }
    println!("\naccuracy, leaving one speaker out");
    let mut apart = Vec::new();
    for kind in KINDS {
        // Nothing is left to chance in boosting by its defaults.
        let seeds = if kind == "gradient-boosting" { 1 } else { arguments.seeds.max(1) };
        let (mut ours, mut theirs) = (0.0, 0.0);
        for seed in 1..=seeds {
            let [own, other] = pair(&table, kind, "accuracy", "2", seed, &python);
            ours += accuracy(&own)? / seeds as f64;
            theirs += accuracy(&other)? / seeds as f64;
        }
        println!("  {kind:20} ours {ours:.4}, scikit-learn's {theirs:.4}, mean of {seeds}");
        // The defaults of boosting are XGBoost's here and others there: told, not judged.
        if kind != "gradient-boosting" && (ours - theirs).abs() > TOLERANCE {
            apart.push(kind);
        }
    }
    anyhow::ensure!(apart.is_empty(), "{} lie more than {TOLERANCE} apart", apart.join(" and "));
    Ok(())
}

/// The table that both sides learn from.
fn features(recordings: &Path) -> anyhow::Result<PathBuf> {
    call(Command::new("cargo").args(["build", "--release", "--quiet", "--package", "stimmung-cli"]))?;
    let folder = target().join("trees");
    fs::create_dir_all(&folder)?;
    let table = folder.join("emodb.csv");
    let mut command = Command::new(target().join("release/stimmung"));
    call(command.args(["features", "--set", "issa-40-12-128", "--out"]).arg(&table).arg(recordings))?;
    Ok(table)
}

/// Ours and theirs, for the same work.
fn pair(table: &Path, kind: &str, task: &str, threads: &str, seed: u64, python: &Path) -> [Contender; 2] {
    let arguments = || -> Vec<String> {
        vec![table.display().to_string(), kind.into(), task.into(), threads.into(), seed.to_string()]
    };
    let work = format!("{task} of {kind}, {threads} thread{}", if threads == "1" { "" } else { "s" });
    [contender(&work, &example("trees"), arguments(), None), contender(&work, python, arguments(), Some(SCRIPT))]
}

fn accuracy(contender: &Contender) -> anyhow::Result<f64> {
    let text = output(&mut contender.command())?;
    let line = text.lines().last().unwrap_or_default();
    let answer: Answer = serde_json::from_str(line).with_context(|| format!("not an accuracy: {line:?}"))?;
    Ok(answer.accuracy)
}
