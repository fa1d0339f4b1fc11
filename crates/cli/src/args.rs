//! The command line.

mod features;
mod fetch;
mod plot;
mod report;
mod serve;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use stimmung::models::ModelParams;
use stimmung::recipe::{Override, Recipe, When};
use stimmung::timeline::TimelineParams;
use stimmung::timeline::write::Format;
use stimmung::{Error, recipe::DEFAULT_RECIPE};

use crate::console::Console;

pub use features::{Check, Features, Shard};
pub use fetch::Fetch;
pub use plot::Plot;
pub use report::Report;
pub use serve::{Keys, Serve, ServeCommand};

/// Speech emotion recognition: from a corpus to a trained, honestly measured model and its predictions.
#[derive(Parser)]
#[command(name = "stimmung", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 all was done, 1 something failed, 2 wrong usage or recipe, 130 stopped with Ctrl-C.\n\
Colour is left out in pipes and where NO_COLOR is set; progress bars are shown on terminals only."
)]
pub struct Arguments {
    /// Threads to use; by default, as many as there are cores. Results do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<usize>,

    /// Print results as JSON, one object a line, and errors as objects with `error`
    #[arg(long, global = true)]
    pub json: bool,

    #[command(subcommand)]
    pub command: Command,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one thread is needed".into()),
        Ok(threads) if threads <= 1024 => Ok(threads),
        Ok(_) => Err("at most 1024 threads".into()),
        Err(error) => Err(format!("{error}")),
    }
}

#[derive(Subcommand)]
pub enum Command {
    /// The main job in one go: find or make a corpus, extract, train, evaluate by speaker, predict
    Quickstart(Quickstart),
    /// Run a recipe: evaluate it by its protocol, train on everything, save the run's folder; or a folder of recipes
    Run(RunRecipe),
    /// Train a model on a whole corpus and save its file
    Train(Train),
    /// Evaluate a recipe by its protocol, or a ready model on a corpus, and save the figures
    Evaluate(Evaluate),
    /// Choose a recipe's settings inside the training speakers, and judge the choice on the others
    Select(Select),
    /// Predict the emotion of recordings
    Predict(Predict),
    /// Follow the emotions over time in recordings of any length
    Timeline(Timeline),
    /// Compute features, of recordings or frame by frame, into a table: CSV, Parquet, NPY or ARFF
    Features(Features),
    /// Compare features with those of another program, column by column
    Check(Check),
    /// Write the changed copies that a recipe learns from as WAV files
    Augment(Augment),
    /// Draw a figure of a corpus, a recording, or finished runs, as SVG or PNG
    Plot(Plot),
    /// Tell of finished runs: a report, slides, a notebook, a model card
    Report(Report),
    /// Fetch corpora and look into them
    #[command(subcommand)]
    Corpus(Corpus),
    /// Look into model files
    #[command(subcommand)]
    Model(Model),
    /// Serve answers, trainings and the API over HTTP
    Serve(Box<Serve>),
    /// Print the completions for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub struct Corpora {
    /// Folder with corpora, looked into before `STIMMUNG_CORPORA`, ./data and the cache folder (repeatable)
    #[arg(long = "corpora", value_name = "DIR", value_hint = ValueHint::DirPath)]
    given: Vec<PathBuf>,
}

impl Corpora {
    pub fn folders(&self) -> Vec<PathBuf> {
        stimmung::corpora_folders(&self.given)
    }
}

/// A recipe, from a file or from flags, and changes to it.
#[derive(Args)]
pub struct RecipeSource {
    /// The recipe's file (TOML); without it, the recipe of the embedded model is the starting point
    #[arg(value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub recipe: Option<PathBuf>,

    /// Corpus: a folder, a manifest (CSV), or a name such as emodb
    #[arg(long, value_name = "CORPUS")]
    pub corpus: Option<String>,

    /// Layout of the corpus's folder, by name or as a layout file; found out by default
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<String>,

    /// Keep only these emotions, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub emotions: Vec<String>,

    /// Feature set, such as issa-50-80-50 or mfcc, or a TOML file with one
    #[arg(long = "set", value_name = "NAME")]
    pub set: Option<String>,

    #[arg(long = "kind", value_name = "KIND", help = kinds())]
    pub kind: Option<String>,

    /// Protocol: speakers, random or fixed
    #[arg(long, value_name = "KIND")]
    pub protocol: Option<String>,

    /// Seed of everything random
    #[arg(long, value_name = "N")]
    pub seed: Option<u32>,

    /// Set any key of the recipe, such as model.shrinkage=0.7 (repeatable)
    #[arg(long = "with", value_name = "KEY=VALUE")]
    pub with: Vec<Override>,

    #[command(flatten)]
    pub corpora: Corpora,
}

impl RecipeSource {
    /// The recipe after all changes, with a warning where it needs one.
    pub fn read(&self, console: &Console) -> Result<Recipe, Error> {
        let overrides = self.overrides()?;
        let recipe = match &self.recipe {
            Some(path) => Recipe::load(path, &overrides),
            None => Recipe::with_overrides(DEFAULT_RECIPE, "(command line)", &overrides),
        }?;
        warn(&recipe, console);
        Ok(recipe)
    }

    /// Whether any flag changes the recipe.
    pub fn is_changed(&self) -> bool {
        self.overrides().map_or(true, |overrides| !overrides.is_empty())
    }

    fn overrides(&self) -> Result<Vec<Override>, Error> {
        let mut overrides = Vec::new();
        if let Some(corpus) = &self.corpus {
            overrides.push(Override::section("corpus", if is_path(corpus) { "path" } else { "name" }, corpus));
            if self.recipe.is_none() {
                overrides.push(Override::new("name", name_for(corpus)));
                overrides.push(Override::new("description", String::new()));
            }
        }
        if let Some(layout) = &self.layout {
            overrides.push(Override::new("corpus.layout", layout.as_str()));
        }
        if !self.emotions.is_empty() {
            overrides.push(Override::new("corpus.emotions", self.emotions.clone()));
        }
        if let Some(set) = &self.set {
            overrides.push(Override::features(set)?);
        }
        for (section, value) in [("model", &self.kind), ("protocol", &self.protocol)] {
            if let Some(value) = value {
                overrides.push(Override::section(section, "kind", value));
            }
        }
        if let Some(seed) = self.seed {
            overrides.push(Override::new("seed", i64::from(seed)));
        }
        overrides.extend(self.with.iter().cloned());
        Ok(overrides)
    }
}

/// Whether a corpus is given by its path: what exists is a path, and so is what looks like one; all else is a name.
pub fn is_path(corpus: &str) -> bool {
    let path = Path::new(corpus);
    path.exists() || path.extension().is_some() || path.components().count() > 1
}

/// A recipe's name made from a corpus's: what may stand in a file name, in lower case.
fn name_for(corpus: &str) -> String {
    let stem = Path::new(corpus).file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    let name: String =
        stem.unwrap_or_default().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "corpus".to_owned() } else { name.to_owned() }
}

/// The help of `--kind`, from the list that recipes are read by.
fn kinds() -> String {
    format!("Kind of model: {}", ModelParams::KINDS.join(", "))
}

/// Says what is to be known of a recipe's figures before there are any.
pub fn warn(recipe: &Recipe, console: &Console) {
    if recipe.augmentation.when == When::BeforeSplit {
        console.warning(
            "[augmentation] when = \"before-split\": copies are judged like recordings, and unless speakers are kept apart \
             they lie on both sides of the split, where figures measure how well a recording is remembered",
        );
    }
}

#[derive(Args)]
pub struct Quickstart {
    #[command(flatten)]
    pub corpora: Corpora,

    /// Folder that the run's folder is put into
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

#[derive(Args)]
pub struct RunRecipe {
    #[command(flatten)]
    pub source: RecipeSource,

    /// Folder that the run's folder is put into
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,

    /// Say what would be done, check the recipe and its corpus (of a folder of recipes, only these), and stop
    #[arg(long)]
    pub dry_run: bool,

    /// Of a folder of recipes, run those whose name or row is, or else contains, one of these words, separated by commas
    #[arg(long, value_name = "LIST")]
    pub only: Vec<String>,

    /// Of a folder of recipes, train for a tenth of the epochs, to see that everything works
    #[arg(long)]
    pub quick: bool,

    /// The table that a folder of recipes fills, with a JSON file of the same name beside it, from which an interrupted
    /// run goes on; docs/FOLDER-results.md by default. What NOTES.md in the folder of recipes says stands below it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub results: Option<PathBuf>,
}

#[derive(Args)]
pub struct Select {
    #[command(flatten)]
    pub source: RecipeSource,

    /// Folder that the selection's folder is put into, and the log from which an interrupted selection goes on
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,

    /// List the settings that would be tried, and stop
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Augment {
    #[command(flatten)]
    pub source: RecipeSource,

    /// Folder for the copies; they are 32-bit float WAV files, which clip nothing, and no file is written over
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,

    /// Say which files would be written, and stop
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Train {
    #[command(flatten)]
    pub source: RecipeSource,

    /// The model file to write; by default the recipe's name with .stimmung
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Also evaluate by the recipe's protocol and write the figures onto the model's card
    #[arg(long)]
    pub evaluate: bool,
}

#[derive(Args)]
pub struct Evaluate {
    #[command(flatten)]
    pub source: RecipeSource,

    /// A ready model to evaluate on the corpus, instead of cross-validating a recipe
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["recipe", "set", "kind", "protocol"])]
    pub model: Option<PathBuf>,

    /// Folder that the run's folder is put into
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// Who answers, and what is known of the speaker.
#[derive(Args)]
pub struct Listener {
    /// The model file; by default the embedded model
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub model: Option<PathBuf>,

    /// Neutral recordings of the one who speaks in all inputs, best five: answers leave out what is the voice's own (repeatable)
    #[arg(long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub enrol: Vec<PathBuf>,
}

#[derive(Args)]
pub struct Predict {
    /// Recordings, folders of recordings, or - for standard input
    #[arg(required = true, value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub listener: Listener,
}

#[derive(Args)]
pub struct Timeline {
    /// Recordings, folders of recordings, or - for standard input
    #[arg(required = true, value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub listener: Listener,

    /// What is written; by default text, in a file what the ending of its name says, in a folder json
    #[arg(long, short, value_name = "FORMAT")]
    pub format: Option<TimelineFormat>,

    /// The file to write; or a folder for a file a recording, named after it. Standard output by default
    #[arg(long, short, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,

    /// Overwrite files that exist
    #[arg(long)]
    pub force: bool,

    /// Seconds that an answer is for, 0.5 to 60 [default: 3]
    #[arg(long, value_name = "S")]
    window: Option<f64>,

    /// Seconds from one answer to the next, 0.1 to the window [default: 0.5]
    #[arg(long, value_name = "S")]
    hop: Option<f64>,

    /// Share of a window that must be speech, 0.01 to 1 [default: 0.2]
    #[arg(long, value_name = "SHARE")]
    speech: Option<f64>,

    /// Seconds that an emotion is expected to last, 0 to 600; 0 takes every answer at its word [default: 5]
    #[arg(long, value_name = "S")]
    smoothing: Option<f64>,
}

impl Timeline {
    /// The parameters after all flags, not checked yet.
    pub fn params(&self) -> TimelineParams {
        let default = TimelineParams::default();
        TimelineParams {
            window: self.window.unwrap_or(default.window),
            hop: self.hop.unwrap_or(default.hop),
            speech: self.speech.unwrap_or(default.speech),
            smoothing: self.smoothing.unwrap_or(default.smoothing),
            voice: default.voice,
        }
    }
}

/// What `timeline` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimelineFormat {
    /// A table to read
    Text,
    /// Everything, as one object
    Json,
    /// A table of segments
    Csv,
    /// `WebVTT` captions
    Vtt,
    /// Praat's `TextGrid`
    Textgrid,
    /// ELAN's annotation document, EAF 3.0
    Elan,
    /// Rich Transcription Time Marked, the emotion in the speaker's field
    Rttm,
}

impl TimelineFormat {
    /// The library's word for it; none for text, which only people read.
    pub fn format(self) -> Option<Format> {
        match self {
            Self::Text => None,
            Self::Json => Some(Format::Json),
            Self::Csv => Some(Format::Csv),
            Self::Vtt => Some(Format::Vtt),
            Self::Textgrid => Some(Format::TextGrid),
            Self::Elan => Some(Format::Elan),
            Self::Rttm => Some(Format::Rttm),
        }
    }

    /// The ending of file names.
    pub fn extension(self) -> &'static str {
        self.format().map_or("txt", Format::extension)
    }

    /// The format that a file's name asks for.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        Self::value_variants().iter().copied().find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }
}

#[derive(Subcommand)]
pub enum Corpus {
    /// Count recordings, speakers, emotions and seconds; list broken files and copies
    Describe(Describe),
    /// Write the table of a corpus as a manifest (CSV)
    Manifest {
        /// The corpus: a folder, a manifest, or a name such as emodb
        corpus: String,
        /// Layout of the folder, by name or as a layout file; found out by default
        #[arg(long, value_name = "LAYOUT")]
        layout: Option<String>,
        /// The file to write; standard output by default
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
        #[command(flatten)]
        corpora: Corpora,
    },
    /// List the layouts that are known by name
    Layouts,
    /// Download a corpus from its official place, or check and unpack one that you bring; list them
    Fetch(Fetch),
    /// Synthesise a small corpus of artificial voices
    Synth {
        /// The folder to make; must not exist or be empty
        #[arg(value_hint = ValueHint::DirPath)]
        dir: PathBuf,
        /// Speakers, half of them with female voices
        #[arg(long, value_name = "N")]
        speakers: Option<usize>,
        /// Takes of each sentence, emotion and speaker
        #[arg(long, value_name = "N")]
        takes: Option<usize>,
        /// Seed of the voices
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
}

#[derive(Args)]
pub struct Describe {
    /// The corpus: a folder, a manifest, or a name such as emodb
    pub corpus: String,

    /// Layout of the folder, by name or as a layout file; found out by default
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<String>,

    #[command(flatten)]
    pub corpora: Corpora,
}

#[derive(Subcommand)]
pub enum Model {
    /// Show a model's card, front end and structure
    Info {
        /// The model file; by default the embedded model
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Draw a model's network as SVG, with the shapes and parameters of its layers
    Draw(Draw),
}

#[derive(Args)]
pub struct Draw {
    /// The model file; by default the embedded model
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Draw what this recipe (TOML) would train, instead of a model that is
    #[arg(long, value_name = "RECIPE", value_hint = ValueHint::FilePath, conflicts_with = "file")]
    pub recipe: Option<PathBuf>,

    /// Set any key of the recipe, such as model.architecture=mel-cnn-1 (repeatable)
    #[arg(long = "with", value_name = "KEY=VALUE", requires = "recipe")]
    pub with: Vec<Override>,

    #[command(flatten)]
    pub corpora: Corpora,

    /// The figure to write; by default, in the current folder, the name of the model file or of the recipe with .svg
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Overwrite the figure if it exists
    #[arg(long)]
    pub force: bool,
}
