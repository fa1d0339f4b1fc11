//! A folder of recipes at work: each one judged, the published experiments beside the honest ones.

mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use stimmung_evaluation::{Evaluation, Interval, MeanSd, Metric};

use crate::reference::{Figure, Reference};
use crate::run::write_whole;
use crate::select::Selection;
use crate::{AdaptationMode, Checkpoints, Error, Evaluated, Experiment, Progress, Recipe, save_run, save_selection};

/// By how much `quick` divides epochs.
const QUICK: i64 = 10;

/// Which of a recipe's two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// As it was published: [`Recipe::original`].
    Original,
    /// The recipe itself.
    Honest,
}

impl Variant {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Honest => "honest",
        }
    }
}

/// A recipe of the folder, ready to be judged.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The file.
    pub path: PathBuf,
    /// The recipe.
    pub recipe: Recipe,
    /// The recipe of each variant: the published one where there is one, then the honest one.
    variants: Vec<(Variant, Recipe)>,
}

impl Entry {
    /// What it can be asked for by, in small letters: its name and the row that it stands for.
    fn called(&self) -> [String; 2] {
        let row = self.recipe.reference.as_ref().map_or("", |reference| &reference.row);
        [self.recipe.name.to_lowercase(), row.to_lowercase()]
    }

    fn load(path: PathBuf, quick: bool) -> Result<Self, Error> {
        let recipe = Recipe::load(&path, &[])?;
        let mut variants: Vec<(Variant, Recipe)> =
            recipe.original()?.into_iter().map(|original| (Variant::Original, original)).collect();
        variants.push((Variant::Honest, recipe.clone()));
        if quick {
            for (_, recipe) in &mut variants {
                *recipe = quicker(recipe)?;
            }
        }
        Ok(Self { path, recipe, variants })
    }

    /// The variants with their recipes, in the order in which they are judged.
    pub fn variants(&self) -> impl Iterator<Item = (Variant, &Recipe)> {
        self.variants.iter().map(|(variant, recipe)| (*variant, recipe))
    }
}

/// The recipe with a tenth of every number of epochs, at least one, and of those in which the learning rate warms up; so are those
/// among which a selection chooses.
fn quicker(recipe: &Recipe) -> Result<Recipe, Error> {
    recipe.rewritten("a tenth of the epochs", |table| {
        for key in ["model", "select"] {
            if let Some(section) = table.get_mut(key) {
                shorten(key, section);
            }
        }
    })
}

/// Divides the numbers of epochs in the value of a key, which may be dotted.
fn shorten(key: &str, value: &mut toml::Value) {
    match (value, key.rsplit('.').next()) {
        (toml::Value::Integer(epochs), Some("epochs")) => *epochs = (*epochs / QUICK).max(1),
        (toml::Value::Integer(epochs), Some("warmup_epochs")) => *epochs /= QUICK,
        // A range to draw from.
        (toml::Value::Table(range), Some("epochs")) => {
            let mut least = 1;
            for key in ["low", "high"] {
                let Some(bound) = range.get_mut(key) else { continue };
                let epochs = bound.as_float().map(|epochs| epochs as i64).or(bound.as_integer()).unwrap_or_default();
                *bound = toml::Value::Integer((epochs / QUICK).max(least));
                least = (epochs / QUICK).max(least) + 1;
            }
        }
        (toml::Value::Table(table), _) => table.iter_mut().for_each(|(key, value)| shorten(key, value)),
        (toml::Value::Array(values), _) => values.iter_mut().for_each(|value| shorten(key, value)),
        _ => {}
    }
}

/// The recipes of a folder.
#[derive(Debug)]
pub struct Suite {
    /// Those that can be used, by their file names.
    pub entries: Vec<Entry>,
    /// The files that hold no recipe that can be used, with the reason. They do not stand in the way of the others.
    pub broken: Vec<(PathBuf, Error)>,
    /// What the folder's `NOTES.md` says, in Markdown: remarks that belong below the table.
    pub notes: Option<String>,
}

/// Opens the recipes of a folder. `only` keeps those whose name or row contains one of its words (of broken ones, whose
/// file name does), without regard to case; a word that is a whole name or row means just that, and any other may be several,
/// separated by commas. An empty list keeps all.
///
/// # Errors
/// [`Error::Io`] for a folder that cannot be read, [`Error::Recipe`] for one without recipes and for two of the same name,
/// and the first recipe's error where none can be used.
pub fn open_suite(folder: &Path, only: &[String], quick: bool) -> Result<Suite, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let refuse = |message: String| Error::Recipe { origin: folder.display().to_string(), message };
    if paths.is_empty() {
        return Err(refuse("the folder holds no recipe (*.toml)".into()));
    }
    let mut suite = Suite { entries: Vec::new(), broken: Vec::new(), notes: notes(folder)? };
    let mut names = BTreeSet::new();
    for path in paths {
        match Entry::load(path.clone(), quick) {
            Ok(entry) if !names.insert(entry.recipe.name.to_lowercase()) => {
                return Err(refuse(format!("two recipes are called {}", entry.recipe.name)));
            }
            Ok(entry) => suite.entries.push(entry),
            Err(error) => suite.broken.push((path, error)),
        }
    }
    let whole: BTreeSet<String> = suite.entries.iter().flat_map(Entry::called).collect();
    let words: Vec<String> = only.iter().flat_map(|given| words(&given.to_lowercase(), &whole)).collect();
    let wanted = |called: &[String]| {
        let meant = |word: &String| {
            called.iter().any(|name| name == word || !whole.contains(word) && name.contains(word.as_str()))
        };
        words.is_empty() || words.iter().any(meant)
    };
    suite.entries.retain(|entry| wanted(&entry.called()));
    suite
        .broken
        .retain(|(path, _)| path.file_stem().is_some_and(|stem| wanted(&[stem.to_string_lossy().to_lowercase()])));
    if !suite.entries.is_empty() {
        return Ok(suite);
    }
    Err(match suite.broken.into_iter().next() {
        Some((_, error)) => error,
        None => refuse(format!("no recipe's name or row contains {}", only.join(" or "))),
    })
}

/// The words of a list with commas. Rows have commas of their own, so a whole one is one word.
fn words(given: &str, whole: &BTreeSet<String>) -> Vec<String> {
    if whole.contains(given) {
        return vec![given.to_owned()];
    }
    given.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn notes(folder: &Path) -> Result<Option<String>, Error> {
    let path = folder.join("NOTES.md");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&path)(error)),
    }
}

/// A figure with its terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Over the predictions of all folds together.
    pub pooled: f64,
    /// Mean and standard deviation over folds; absent where the figure is not one of the three headline figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_folds: Option<MeanSd>,
    /// The 95 % interval of the pooled figure; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

impl Measured {
    /// A figure of an evaluation; `None` where nobody watched the epochs.
    fn of(figure: Figure, evaluated: &Evaluated) -> Option<Self> {
        let Evaluation { pooled, intervals, over_folds, .. } = &evaluated.evaluation;
        let metric = match figure {
            Figure::Accuracy => Metric::War,
            Figure::Recall => Metric::Uar,
            Figure::F1 => Metric::MacroF1,
            Figure::Precision => {
                return Some(Self { pooled: pooled.macro_precision, over_folds: None, interval: None });
            }
            Figure::BestEpochAccuracy => {
                let pooled = evaluated.best_epoch_accuracy()?;
                return Some(Self { pooled, over_folds: None, interval: None });
            }
        };
        Some(Self {
            pooled: pooled.get(metric),
            over_folds: Some(*over_folds.get(metric)),
            interval: Some(intervals.get(metric).clone()),
        })
    }
}

/// What one variant of one recipe came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The recipe's name.
    pub recipe: String,
    /// The corpus's name.
    pub corpus: String,
    /// The recipe's description.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What was known of the speakers.
    #[serde(default, skip_serializing_if = "is_none")]
    pub adaptation: AdaptationMode,
    /// The settings that were chosen inside the training parts, each with the number of folds for which it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<String>,
    /// Which protocol.
    pub variant: Variant,
    /// The published experiment beside it.
    pub reference: Option<Reference>,
    /// SHA-256 of everything in the recipe that the figures depend on.
    pub configuration: String,
    /// The terms on which the figures hold.
    pub terms: String,
    /// The accuracy, or whichever figures were published, in their order.
    pub figures: Vec<(Figure, Measured)>,
    /// The headline figure.
    pub uar: Measured,
    /// What the split shares between its two sides.
    pub leaks: Vec<String>,
    /// What else to know.
    pub warnings: Vec<String>,
    /// Recordings left out.
    pub dropped: usize,
    /// Seconds that it took; hearing the corpus included, unless that had been done for a recipe before.
    pub seconds: f64,
    /// Threads that it ran on.
    pub threads: usize,
    /// The program's version.
    pub stimmung: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_none(mode: &AdaptationMode) -> bool {
    *mode == AdaptationMode::None
}

impl Outcome {
    /// The figure asked for.
    pub fn figure(&self, figure: Figure) -> Option<&Measured> {
        self.figures.iter().find(|(known, _)| *known == figure).map(|(_, measured)| measured)
    }
}

/// All outcomes so far, as they are kept in a JSON file beside the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// By recipe and variant.
    outcomes: BTreeMap<String, BTreeMap<Variant, Outcome>>,
    /// Remarks of the recipes' folder, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
}

impl Results {
    /// Reads the file, or starts anew where there is none.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be read, [`Error::NotOurs`] for one that holds something else.
    pub fn load(path: &Path) -> Result<Self, Error> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| Error::NotOurs {
                path: path.to_path_buf(),
                message: format!("it is not a file of results ({error}); move it away or name another with --results"),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io(path)(error)),
        }
    }

    /// The outcome of a variant, if it was judged with exactly this recipe by this version of the program.
    pub fn find(&self, variant: Variant, recipe: &Recipe) -> Option<&Outcome> {
        let outcome = self.outcomes.get(&recipe.name)?.get(&variant)?;
        let same = outcome.configuration == recipe.configuration() && outcome.stimmung == env!("CARGO_PKG_VERSION");
        same.then_some(outcome)
    }

    /// Takes an outcome in, in place of an older one.
    pub fn insert(&mut self, outcome: Outcome) {
        self.outcomes.entry(outcome.recipe.clone()).or_default().insert(outcome.variant, outcome);
    }

    /// Takes over the published figures and notes of these recipes and of their folder as they are now, and drops what another recipe of the same
    /// name came to, so that no row pairs an old figure with a new one.
    pub fn update(&mut self, suite: &Suite) {
        self.notes.clone_from(&suite.notes);
        for entry in &suite.entries {
            let Some(outcomes) = self.outcomes.get_mut(&entry.recipe.name) else { continue };
            let configurations: BTreeMap<Variant, String> =
                entry.variants().map(|(variant, recipe)| (variant, recipe.configuration())).collect();
            outcomes.retain(|variant, outcome| configurations.get(variant) == Some(&outcome.configuration));
            for outcome in outcomes.values_mut() {
                outcome.reference.clone_from(&entry.recipe.reference);
            }
        }
    }

    /// Writes the JSON file and, beside it, the table in Markdown.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, table: &Path) -> Result<(), Error> {
        if let Some(folder) = table.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        write_whole(&table.with_extension("json"), &json)?;
        write_whole(table, self.to_markdown().as_bytes())
    }

    /// The table in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = render::markdown(self.outcomes.values());
        if let Some(notes) = &self.notes {
            text.push('\n');
            text.push_str(notes);
        }
        text
    }
}

/// Judges one variant of an entry, and saves its run below `out` as `NAME-VARIANT`. `heard` is the corpus as the variant
/// or recipe before heard it, which is used again where it can be. A recipe with `[select]` is judged with the settings that are chosen
/// inside each training part.
///
/// # Errors
/// As [`Experiment::prepare`] and [`Experiment::evaluate`], or as [`Selection::prepare`] and [`Selection::run`].
pub fn judge(
    entry: &Entry,
    variant: Variant,
    heard: &mut Option<Experiment>,
    corpora: &[PathBuf],
    out: &Path,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    let start = Instant::now();
    let recipe = entry
        .variants()
        .find_map(|(known, recipe)| (known == variant).then(|| recipe.clone()))
        .unwrap_or_else(|| entry.recipe.clone());
    if recipe.select.is_some() {
        return choose(entry, variant, recipe, corpora, out, progress);
    }
    let experiment = match heard.take().and_then(|heard| heard.under(recipe.clone())) {
        Some(experiment) => experiment,
        None => Experiment::prepare(recipe, corpora, progress)?,
    };
    let run = run_folder(out, &experiment.recipe, variant);
    let checkpoints = Checkpoints::beside(&run, &experiment.recipe)?;
    let before = checkpoints.seconds();
    let experiment = experiment.with_checkpoints(checkpoints.clone());
    let evaluated = experiment.evaluate(progress)?;
    save_run(&run, &experiment, &evaluated, None)?;
    checkpoints.discard();
    let outcome = describe(entry, variant, &experiment, &evaluated, before + start.elapsed().as_secs_f64());
    *heard = Some(experiment);
    Ok(outcome)
}

fn run_folder(out: &Path, recipe: &Recipe, variant: Variant) -> PathBuf {
    out.join(format!("{}-{}", recipe.name, variant.name()))
}

/// Judges a recipe with `[select]`.
fn choose(
    entry: &Entry,
    variant: Variant,
    recipe: Recipe,
    corpora: &[PathBuf],
    out: &Path,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    let start = Instant::now();
    let run = run_folder(out, &recipe, variant);
    // A name may have dots, so the ending is put behind it.
    let log = out.join(format!("{}-{}.log", recipe.name, variant.name()));
    let selection = Selection::prepare(recipe, corpora, progress)?;
    let selected = selection.run(&log, progress)?;
    save_selection(&run, &selection, &selected)?;
    // The folder holds all that the log does.
    let _ = fs::remove_file(&log);
    let mut experiment = selection.experiment(selected.best);
    experiment.recipe = selection.recipe().clone();
    let mut outcome = describe(entry, variant, &experiment, &selected.evaluated, start.elapsed().as_secs_f64());
    outcome.chosen = selection.choices(&selected);
    outcome.warnings.extend(selection.reasons(&selected));
    Ok(outcome)
}

fn describe(entry: &Entry, variant: Variant, experiment: &Experiment, evaluated: &Evaluated, seconds: f64) -> Outcome {
    let reference = entry.recipe.reference.clone();
    let mut figures: Vec<Figure> =
        reference.iter().flat_map(|reference| &reference.published).map(|published| published.figure).collect();
    if figures.is_empty() {
        figures.push(Figure::Accuracy);
    }
    let evaluation = &evaluated.evaluation;
    Outcome {
        recipe: experiment.recipe.name.clone(),
        corpus: experiment.corpus.clone(),
        description: experiment.recipe.description.clone(),
        adaptation: experiment.recipe.adaptation.mode,
        chosen: Vec::new(),
        variant,
        configuration: experiment.recipe.configuration(),
        terms: evaluation.terms(),
        figures: figures.into_iter().filter_map(|it| Some((it, Measured::of(it, evaluated)?))).collect(),
        uar: Measured {
            pooled: evaluation.pooled.uar,
            over_folds: Some(evaluation.over_folds.uar),
            interval: Some(evaluation.intervals.uar.clone()),
        },
        leaks: evaluation.leaks.iter().map(ToString::to_string).collect(),
        warnings: evaluation.warnings.iter().map(ToString::to_string).collect(),
        dropped: experiment.table.dropped.len(),
        reference,
        seconds: (seconds * 10.0).round() / 10.0,
        threads: rayon::current_num_threads(),
        stimmung: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

#[cfg(test)]
mod tests;
