//! `predict`: recordings in, emotions out, in the order in which they were named.

use std::path::Path;

use rayon::prelude::*;
use serde_json::json;
use stimmung::{Prediction, Progress, Recognizer};

use crate::args::Predict;
use crate::commands::{SomeFailed, recognizer, recordings, standard_input};
use crate::console::{Console, bold, chain, dim};
use crate::progress::{Bar, stopped};

/// Recordings predicted together before their answers are printed; enough to keep every core busy.
const BATCH: usize = 64;

pub fn run(arguments: &Predict, console: &Console) -> anyhow::Result<()> {
    let recognizer = recognizer(&arguments.listener, console)?;
    let (files, mut failures) = recordings(&arguments.inputs, console);
    let width = files.iter().map(|file| file.to_string_lossy().chars().count()).max().unwrap_or(0).min(60);
    let bar = Bar::default();
    let many = files.len() > BATCH;
    if many {
        bar.begin("predicting", files.len() as u64);
    }
    for batch in files.chunks(BATCH) {
        let answers: Vec<anyhow::Result<Prediction>> = batch.par_iter().map(|file| answer(&recognizer, file)).collect();
        if stopped() {
            bar.end();
            return Err(stimmung::Error::Cancelled.into());
        }
        for (file, answer) in batch.iter().zip(answers) {
            let file = file.to_string_lossy();
            match answer {
                Ok(prediction) => show(console, &file, &prediction, width)?,
                Err(error) => {
                    failures += 1;
                    console.failure(&chain(&error), Some(&file));
                }
            }
        }
        bar.advance(batch.len() as u64);
    }
    bar.end();
    if failures == 0 { Ok(()) } else { Err(SomeFailed.into()) }
}

fn answer(recognizer: &Recognizer, file: &Path) -> anyhow::Result<Prediction> {
    if stopped() {
        return Err(stimmung::Error::Cancelled.into());
    }
    if file.as_os_str() == "-" {
        return Ok(recognizer.recognize_bytes(standard_input()?)?);
    }
    Ok(recognizer.recognize_path(file)?)
}

/// `file  happiness  ████████  0.83  (anger 0.10, surprise 0.04)`, or the JSON object.
fn show(console: &Console, file: &str, prediction: &Prediction, width: usize) -> anyhow::Result<()> {
    if console.json() {
        return console.object(&json!({
            "file": file,
            "label": prediction.label,
            "probabilities": prediction.probabilities,
            "seconds": prediction.seconds,
            "segments": prediction.segments,
            "warnings": prediction.warnings,
        }));
    }
    let mut ranked: Vec<(&String, &f32)> = prediction.probabilities.iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(a.1));
    let others: Vec<String> = ranked.iter().skip(1).take(2).map(|(label, p)| format!("{label} {p:.2}")).collect();
    let best = prediction.probabilities.get(&prediction.label).copied().unwrap_or_default();
    let blocks = "█".repeat((best * 20.0).round() as usize);
    console.print(format!(
        "{file:width$}  {}  {best:.2} {blocks:20}  {}\n",
        bold(format!("{:10}", prediction.label)),
        others.join(", ")
    ))?;
    if !prediction.warnings.is_empty() {
        let reasons: Vec<&str> = prediction.warnings.iter().map(|warning| warning.message.as_str()).collect();
        console.print(dim(format!("  {}\n", reasons.join("; "))))?;
    }
    Ok(())
}
