//! `serve`: the server, and the keys to it.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use serde_json::json;
use stimmung_server::{Scope, Server, ServerParams, add_key, list_keys, remove_key};
use tracing_subscriber::EnvFilter;

use crate::args::{Keys, Serve, ServeCommand};
use crate::commands::WrongUsage;
use crate::console::Console;
use crate::progress::stopped;

pub fn run(arguments: &Serve, console: &Console) -> anyhow::Result<()> {
    if let Some(ServeCommand::Keys(keys)) = &arguments.command {
        return manage_keys(keys, console);
    }
    let params = params(arguments)?;
    params.check()?;
    if arguments.dry_run {
        return if console.json() {
            console.object(&params)
        } else {
            Ok(console.print(toml::to_string_pretty(&params)?)?)
        };
    }
    log(console);
    let server = Server::start(params)?;
    let address = server.address();
    if console.json() {
        console.object(&json!({ "listening": address.to_string() }))?;
    } else {
        console.note(format!("Listening on http://{address} (all calls: http://{address}/docs); Ctrl-C stops"));
    }
    server.run_until(stopped);
    Ok(())
}

/// The configuration file's parameters, with those of flags and environment in their place.
fn params(arguments: &Serve) -> anyhow::Result<ServerParams> {
    let mut params = match &arguments.config {
        None => ServerParams::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            toml::from_str(&text).map_err(|error| WrongUsage(format!("{}: {error}", path.display())))?
        }
    };
    let Serve {
        listen, data, corpora, model, open, feedback, keep_audio, origins, max_body, max_seconds, rate, ..
    } = arguments;
    if let Some(listen) = listen {
        params.listen = *listen;
    }
    if let Some(data) = data {
        params.data.clone_from(data);
    }
    if !corpora.is_empty() {
        params.corpora.clone_from(corpora);
    }
    if model.is_some() {
        params.model.clone_from(model);
    }
    params.open |= open;
    params.feedback |= feedback;
    params.keep_audio |= keep_audio;
    if !origins.is_empty() {
        params.origins.clone_from(origins);
    }
    if let Some(mebibytes) = max_body {
        params.limits.body_bytes = mebibytes.saturating_mul(1 << 20);
    }
    if let Some(seconds) = max_seconds {
        params.limits.seconds = *seconds;
    }
    if rate.is_some() {
        params.limits.per_second = *rate;
    }
    Ok(params)
}

/// What the server does goes to standard error: lines for people on a terminal, otherwise JSON. `STIMMUNG_LOG` says how much.
fn log(console: &Console) {
    let filter = EnvFilter::try_from_env("STIMMUNG_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if console.json() || !std::io::stderr().is_terminal() {
        builder.json().init();
    } else {
        builder.with_ansi(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())).init();
    }
}

fn manage_keys(keys: &Keys, console: &Console) -> anyhow::Result<()> {
    match keys {
        Keys::Add { name, scopes, data } => {
            let scopes = scopes.iter().map(|word| scope(word)).collect::<Result<Vec<_>, _>>()?;
            let key = add_key(data, name, &scopes)?;
            if console.json() {
                return console.object(&json!({ "name": name, "key": key }));
            }
            console.note("Keep it: only its hash is stored.");
            Ok(console.print(format!("{key}\n"))?)
        }
        Keys::List { data } => list(data, console),
        Keys::Remove { name, data } => {
            anyhow::ensure!(remove_key(data, name)?, "{}: there is no key called {name}", data.display());
            Ok(())
        }
    }
}

fn scope(word: &str) -> Result<Scope, WrongUsage> {
    let known = Scope::ALL.into_iter().find(|scope| scope.name() == word);
    known.ok_or_else(|| WrongUsage(format!("`{word}` is no scope; there are read, predict, train and admin")))
}

fn list(data: &Path, console: &Console) -> anyhow::Result<()> {
    for key in list_keys(data)? {
        if console.json() {
            console.object(&key)?;
            continue;
        }
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
        console.print(format!("{:30} {:28} {}\n", key.name, scopes.join(","), key.created))?;
    }
    Ok(())
}
