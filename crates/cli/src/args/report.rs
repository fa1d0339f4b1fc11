//! The arguments of `report`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Args)]
pub struct Report {
    /// The run's folder; several are compared
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::DirPath)]
    pub runs: Vec<PathBuf>,

    /// The report to write: one self-contained page (.html), Markdown with its figures in a folder beside it (.md), or the
    /// content alone (.json); by default RUN/report.html, or comparison.html for several runs
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Write a talk of eight slides as PDF
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub slides: Option<PathBuf>,

    /// Write a Jupyter notebook that draws the analyses anew with pandas and matplotlib
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub notebook: Option<PathBuf>,

    /// Write a model card in the form of the Hugging Face hub
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub card: Option<PathBuf>,

    /// Overwrite files that exist
    #[arg(long)]
    pub force: bool,
}
