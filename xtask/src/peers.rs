//! The Python side: an environment with the peers at fixed versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Runs a command, shows its output, and fails with it.
pub fn call(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Runs a command and returns what it printed to standard output.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The project's root: the parent of this crate's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where Cargo builds: `target`, unless the environment says otherwise.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A Python that has the packages of `scripts/requirements-NAME.txt`. Without one given, a virtual environment
/// `target/peers-NAME` is made once and used again.
pub fn python(given: Option<&Path>, name: &str) -> anyhow::Result<PathBuf> {
    if let Some(python) = given {
        return Ok(python.to_path_buf());
    }
    let environment = target().join(format!("peers-{name}"));
    let python = environment.join("bin").join("python");
    let ready = environment.join("ready");
    if !ready.exists() {
        let requirements = root().join("scripts").join(format!("requirements-{name}.txt"));
        call(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        call(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements))?;
        std::fs::write(&ready, "")?;
    }
    Ok(python)
}
