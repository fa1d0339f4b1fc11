//! The arguments of `corpus fetch`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use stimmung::corpus::fetch::FetchParams;

#[derive(Args)]
pub struct Fetch {
    /// The corpus, such as emodb; without it, those that can be fetched are listed
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Accept the terms that the corpus's owner sets; they are shown with --dry-run
    #[arg(long, alias = "accept-license")]
    pub accept_licence: bool,

    /// Bring the corpus yourself, as a zip archive or a folder: it is checked and put into place
    #[arg(long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub from: Option<PathBuf>,

    /// Folder that the corpus's folder is put into; by default stimmung/corpora in the cache folder, where
    /// commands look for corpora by name
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub to: Option<PathBuf>,

    /// Fetch it anew although it is there, and replace it
    #[arg(long)]
    pub force: bool,

    /// Say what would be fetched, from where, how large it is and under which terms, and stop
    #[arg(long)]
    pub dry_run: bool,

    /// Ask a mirror instead, for URL/HOST/PATH in place of HOST/PATH
    #[arg(long, value_name = "URL", value_parser = web_address, value_hint = ValueHint::Url)]
    pub mirror: Option<String>,

    /// Seconds without a byte after which a connection is given up
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,

    /// How many more times a download is tried that brings nothing new
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
}

impl Fetch {
    /// The parameters after all flags, for this folder of corpora.
    pub fn params(&self, to: PathBuf) -> FetchParams {
        FetchParams {
            terms_accepted: self.accept_licence,
            from: self.from.clone(),
            force: self.force,
            mirror: self.mirror.clone(),
            stall: Duration::from_secs(self.timeout),
            retries: self.retries,
            ..FetchParams::into_folder(to)
        }
    }
}

fn web_address(text: &str) -> Result<String, String> {
    if text.starts_with("https://") || text.starts_with("http://") {
        Ok(text.to_owned())
    } else {
        Err("an address begins with https:// or http://".into())
    }
}
