//! The program `stimmung`: arguments in, text or JSON out, and an exit code.

mod args;
mod commands;
mod console;
mod progress;
mod tables;

use std::process::ExitCode;

use clap::Parser;
use stimmung::corpus::CorpusError;

use crate::args::Arguments;
use crate::console::Console;

/// Everything that was asked for was done.
const OK: u8 = 0;
/// Something failed; standard error says what.
const FAILED: u8 = 1;
/// The command line or a recipe cannot be understood. `clap` ends with the same code.
const WRONG_USAGE: u8 = 2;
/// Stopped from the keyboard, as shells count it: 128 + SIGINT.
const STOPPED: u8 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let console = Console::new(arguments.json);
    if let Some(threads) = arguments.threads {
        // Fails only if the pool exists already, and nothing before this line makes one.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    progress::stop_on_ctrl_c();
    keep_decoders_quiet();
    let code = match commands::run(&arguments, &console) {
        Ok(()) => OK,
        Err(error) => report(&console, &error),
    };
    ExitCode::from(code)
}

/// Some damaged files make a decoder panic. The audio crate catches that and says what is wrong with the file, so the
/// decoder's own words are left out; any other panic is a defect and speaks up.
fn keep_decoders_quiet() {
    let speak = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", |location| location.file());
        if !["symphonia", "opus-rs"].iter().any(|decoder| place.contains(decoder)) {
            speak(panic);
        }
    }));
}

/// Prints an error with its causes and chooses the exit code.
fn report(console: &Console, error: &anyhow::Error) -> u8 {
    if is_broken_pipe(error) {
        // The reader has seen enough, as in `stimmung predict DIR | head`.
        return OK;
    }
    if error.is::<commands::SomeFailed>() {
        // Each failure was printed where it happened.
        return FAILED;
    }
    console.error(error);
    match error.downcast_ref::<stimmung::Error>() {
        Some(stimmung::Error::Recipe { .. }) => WRONG_USAGE,
        Some(stimmung::Error::Cancelled) => STOPPED,
        _ if error.is::<commands::WrongUsage>() => WRONG_USAGE,
        _ if matches!(error.downcast_ref(), Some(CorpusError::Cancelled)) => STOPPED,
        _ => FAILED,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
