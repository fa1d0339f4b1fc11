//! Features against librosa's, on real files.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::peers::{call, root, target};

const SETS: [&str; 3] = ["issa-50-80-50", "issa-40-12-128", "issa-60-60-60"];

pub fn run(python: &Path, folder: &Path, sets: &[String]) -> anyhow::Result<()> {
    let root = root();
    let tables = target().join("librosa-tables");
    fs::create_dir_all(&tables)?;
    call(Command::new("cargo").args(["build", "--release", "--quiet", "--package", "stimmung-cli"]))?;
    let all: Vec<&str> = if sets.is_empty() { SETS.to_vec() } else { sets.iter().map(String::as_str).collect() };
    let mut failures = 0;
    for set in all {
        let ours = tables.join(format!("{set}-stimmung.csv"));
        let theirs = tables.join(format!("{set}-librosa.csv"));
        call(
            Command::new(target().join("release/stimmung"))
                .args(["features", "--set", set, "--out"])
                .arg(&ours)
                .arg(folder),
        )?;
        call(
            Command::new(python)
                .arg(root.join("scripts/librosa_features.py"))
                .arg(folder)
                .args(["--set", set, "--out"])
                .arg(&theirs),
        )?;
        println!("\n{set}");
        let mut comparison = Command::new(python);
        comparison.arg(root.join("scripts/compare_features.py")).arg(&ours).arg(&theirs);
        // The other sets are compared all the same; the failure is told at the end.
        failures += usize::from(call(&mut comparison).is_err());
    }
    anyhow::ensure!(failures == 0, "{failures} feature sets lie outside the tolerances");
    Ok(())
}
