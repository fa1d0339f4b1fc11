//! The arguments of `plot`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::Corpora;

#[derive(Args)]
pub struct Plot {
    /// What to draw: a kind of figure, or `all` that the subject has; `--list` names them
    #[arg(value_name = "KIND", required_unless_present = "list")]
    pub kind: Option<String>,

    /// What to draw it from: a corpus (name, folder or manifest), an audio file, or one or more runs' folders
    #[arg(value_name = "SUBJECT", required_unless_present = "list", value_hint = ValueHint::AnyPath)]
    pub subjects: Vec<String>,

    /// List the kinds of figures
    #[arg(long, conflicts_with_all = ["kind", "subjects"])]
    pub list: bool,

    /// The figure to write (.svg or .png), by default KIND.svg; for `all` a folder, by default figures
    #[arg(long, short, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,

    /// For `all`: write PNG instead of SVG
    #[arg(long)]
    pub png: bool,

    /// Dots a pixel in PNG: 1 for screens, 3 for print
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0)]
    pub scale: f32,

    /// Overwrite figures that exist
    #[arg(long)]
    pub force: bool,

    /// Layout of the corpus's folder, by name or as a layout file; found out by default
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<String>,

    #[command(flatten)]
    pub corpora: Corpora,
}
