//! One module a group of commands.

mod augment;
mod check;
mod corpus;
mod experiment;
mod features;
mod fetch;
mod model;
mod plot;
mod predict;
mod quickstart;
mod report;
mod select;
mod serve;
mod suite;
mod timeline;

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;
use stimmung::audio::decode_path;
use stimmung::corpus::Manifest;
use stimmung::{Recognizer, RecordingError, check_audible};

use crate::args::{Arguments, Command, Listener};
use crate::console::Console;

/// Some of the inputs failed; each failure was printed where it happened.
#[derive(Debug, thiserror::Error)]
#[error("some inputs failed")]
pub struct SomeFailed;

/// Flags that do not go together or a value that the flag does not take.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

/// Standard input is held in memory, so it has a limit.
const LARGEST_INPUT: u64 = 1 << 30;

/// All of standard input.
fn standard_input() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LARGEST_INPUT + 1).read_to_end(&mut bytes).context("standard input")?;
    anyhow::ensure!(bytes.len() as u64 <= LARGEST_INPUT, "more than 1 GiB on standard input; save it as a file first");
    Ok(bytes)
}

/// The recordings that files and folders name, in their order, and how many of the inputs name none; those are told of.
fn recordings(inputs: &[PathBuf], console: &Console) -> (Vec<PathBuf>, usize) {
    let mut failures = 0;
    let mut files = Vec::new();
    for input in inputs {
        match Manifest::unlabelled(std::slice::from_ref(input)) {
            Ok(found) => files.extend(found.recordings.iter().map(|recording| found.path(recording))),
            Err(error) => {
                failures += 1;
                console.failure(&error.to_string(), None);
            }
        }
    }
    (files, failures)
}

/// The model that answers, with the speaker introduced if there are recordings to do so.
fn recognizer(listener: &Listener, console: &Console) -> anyhow::Result<Recognizer> {
    let recognizer = match &listener.model {
        Some(path) => Recognizer::open(path)?,
        None => Recognizer::embedded()?,
    };
    if listener.enrol.is_empty() {
        return Ok(recognizer);
    }
    let (files, _) = recordings(&listener.enrol, console);
    let (mut introductions, mut reason) = (Vec::new(), "there are no recordings".to_owned());
    for file in files {
        match decode_path(&file).map_err(RecordingError::from).and_then(|it| check_audible(&it).map(|()| it)) {
            Ok(introduction) => introductions.push(introduction),
            Err(error) => {
                reason = format!("{}: {error}", file.display());
                console.warning(format!("{} does not introduce the speaker: {error}", file.display()));
            }
        }
    }
    anyhow::ensure!(
        !introductions.is_empty(),
        "nothing in --enrol can be heard, so the speaker stays unknown; {reason}"
    );
    Ok(recognizer.enrolled(&introductions)?)
}

pub fn run(arguments: &Arguments, console: &Console) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Quickstart(quickstart) => quickstart::run(quickstart, console),
        Command::Run(run) => match run.source.recipe.as_deref().filter(|path| path.is_dir()) {
            Some(folder) => suite::run(folder, run, console),
            None => experiment::run(run, console),
        },
        Command::Train(train) => experiment::train(train, console),
        Command::Evaluate(evaluate) => experiment::evaluate(evaluate, console),
        Command::Select(select) => select::run(select, console),
        Command::Predict(predict) => predict::run(predict, console),
        Command::Timeline(timeline) => timeline::run(timeline, console),
        Command::Features(features) => features::run(features, console),
        Command::Check(check) => check::run(check, console),
        Command::Augment(augment) => augment::run(augment, console),
        Command::Plot(plot) => plot::run(plot, console),
        Command::Report(report) => report::run(report, console),
        Command::Corpus(corpus) => corpus::run(corpus, console),
        Command::Model(model) => model::run(model, console),
        Command::Serve(serve) => serve::run(serve, console),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "stimmung", &mut script);
            let script = String::from_utf8_lossy(&script);
            if console.json() {
                return console.object(&serde_json::json!({ "shell": shell.to_string(), "script": script }));
            }
            Ok(console.print(script)?)
        }
    }
}
