//! The arguments of `serve`.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand, ValueHint};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Serve {
    #[command(subcommand)]
    pub command: Option<ServeCommand>,

    /// Configuration file (TOML) with the same keys as the flags; flags and the environment go before it
    #[arg(long, value_name = "FILE", env = "STIMMUNG_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Address and port to listen on [default: 127.0.0.1:5000]
    #[arg(long, value_name = "ADDRESS:PORT", env = "STIMMUNG_LISTEN")]
    pub listen: Option<std::net::SocketAddr>,

    /// Folder for models, jobs and the database [default: stimmung-data]
    #[arg(long, value_name = "DIR", env = "STIMMUNG_DATA", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,

    /// Folder with corpora, looked into before `STIMMUNG_CORPORA`, ./data and the cache folder (repeatable)
    #[arg(long = "corpora", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub corpora: Vec<PathBuf>,

    /// Model file that answers until another is promoted [default: the embedded model]
    #[arg(long, value_name = "FILE", env = "STIMMUNG_MODEL", value_hint = ValueHint::FilePath)]
    pub model: Option<PathBuf>,

    /// Let other machines use the server without keys
    #[arg(long, env = "STIMMUNG_OPEN", value_parser = BoolishValueParser::new())]
    pub open: bool,

    /// Keep people's corrections of answers
    #[arg(long, env = "STIMMUNG_FEEDBACK", value_parser = BoolishValueParser::new())]
    pub feedback: bool,

    /// Keep the audio behind corrections as well
    #[arg(long, env = "STIMMUNG_KEEP_AUDIO", value_parser = BoolishValueParser::new())]
    pub keep_audio: bool,

    /// Origin of a page elsewhere that may ask: scheme, host and port, or * (repeatable)
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,

    /// Largest body of a request, in MiB [default: 64]
    #[arg(long, value_name = "MIB", env = "STIMMUNG_MAX_BODY")]
    pub max_body: Option<usize>,

    /// Longest recording, in seconds [default: 3600]
    #[arg(long, value_name = "SECONDS", env = "STIMMUNG_MAX_SECONDS")]
    pub max_seconds: Option<f64>,

    /// Requests a second from one key, or one address [default: no limit]
    #[arg(long, value_name = "N", env = "STIMMUNG_RATE")]
    pub rate: Option<f64>,

    /// Say the configuration that would be used, and stop
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Subcommand)]
pub enum ServeCommand {
    /// Keys that clients need: as soon as there is one, everybody needs one
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Subcommand)]
pub enum Keys {
    /// Make a key and print it, this once
    Add {
        /// What it is called
        name: String,
        /// What it opens: read, predict, train, admin
        #[arg(long, value_name = "LIST", value_delimiter = ',', default_values = ["read", "predict"])]
        scopes: Vec<String>,
        /// The server's data folder
        #[arg(long, value_name = "DIR", env = "STIMMUNG_DATA", default_value = "stimmung-data")]
        data: PathBuf,
    },
    /// List the keys: names, what they open, when they were made
    List {
        /// The server's data folder
        #[arg(long, value_name = "DIR", env = "STIMMUNG_DATA", default_value = "stimmung-data")]
        data: PathBuf,
    },
    /// Remove a key
    Remove {
        /// What it is called
        name: String,
        /// The server's data folder
        #[arg(long, value_name = "DIR", env = "STIMMUNG_DATA", default_value = "stimmung-data")]
        data: PathBuf,
    },
}
