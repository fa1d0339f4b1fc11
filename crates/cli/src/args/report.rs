//! The arguments of `report`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Args)]
pub struct Report {
    /// The run's folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: PathBuf,

    /// The report to write: one self-contained page (.html), Markdown with its figures in a folder beside it (.md), or the
    /// content alone (.json); by default RUN/report.html
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Overwrite a report that exists
    #[arg(long)]
    pub force: bool,
}
