//! Features against librosa's, on real files.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::peers::{call, root, target};

const SETS: [&str; 3] = ["issa-50-80-50", "issa-40-12-128", "issa-60-60-60"];

/// The largest and the median difference that are tolerated, in standard deviations of a column.
const TOLERANCES: [&str; 4] = ["--largest", "1e-3", "--median", "1e-5"];

pub fn run(python: &Path, folder: &Path, sets: &[String]) -> anyhow::Result<()> {
    let root = root();
    let tables = target().join("librosa-tables");
    fs::create_dir_all(&tables)?;
    call(Command::new("cargo").args(["build", "--release", "--quiet", "--package", "stimmung-cli"]))?;
    let all: Vec<&str> = if sets.is_empty() { SETS.to_vec() } else { sets.iter().map(String::as_str).collect() };
    let mut failures = 0;
    for set in all {
        let oracle = tables.join(format!("{set}-librosa.csv"));
        call(
            Command::new(python)
                .arg(root.join("scripts/librosa_features.py"))
                .arg(folder)
                .args(["--set", set, "--out"])
                .arg(&oracle),
        )?;
        println!("\n{set}");
        let mut check = Command::new(target().join("release/stimmung"));
        check.args(["check", "librosa"]).arg(folder).args(["--set", set, "--worst", "10", "--no-cache", "--oracle"]);
        // The other sets are compared all the same; the failure is told at the end.
        failures += usize::from(call(check.arg(&oracle).args(TOLERANCES)).is_err());
    }
    anyhow::ensure!(failures == 0, "{failures} feature sets lie outside the tolerances");
    Ok(())
}
