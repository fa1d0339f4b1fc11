//! A run in eight slides: problem, data, preparation, features, model, protocol, results, limits and next steps.

mod page;
mod pdf;

use stimmung::SavedRun;
use stimmung_models::{NetworkSummary, Scaling};

use self::page::{Page, Room};
use crate::chart::Layout;
use crate::figures::corpus;
use crate::figures::run::{self as figures, Divided};
use crate::network::network;
use crate::story::results::Results;
use crate::story::words::{capital, count, list, percent, points};
use crate::story::{data, if_told, method};
use crate::svg::thousands;
use crate::{Figure, ReportError};

const COUNT: usize = 8;
/// Folds beyond these are told in words only.
const MOST_FOLDS: usize = 24;
/// Below this share of its size, the drawing of a network gives way to a list of its layers.
const LEAST_SCALE: f64 = 0.66;

/// A talk of eight slides about a run, 16:9. Each is a [`Figure`] of 1280 by 720 pixels; [`Slides::to_pdf`] puts them together.
#[derive(Debug, Clone, PartialEq)]
pub struct Slides {
    /// What it is about.
    pub title: String,
    /// The slides, in order.
    pub pages: Vec<Figure>,
}

impl Slides {
    /// Makes the talk; every sentence comes from the run's numbers.
    ///
    /// # Errors
    /// [`ReportError::Evaluation`] for a run whose answers cannot be counted, [`ReportError::Run`] for a model file in its folder that
    /// cannot be read.
    pub fn new(run: &SavedRun) -> Result<Self, ReportError> {
        let summary = &run.summary;
        let title = format!("{} on {}", summary.name, summary.corpus);
        let talk = Talk { run, foot: format!("{title} · {}", summary.protocol), results: Results::of(run)? };
        let pages = vec![
            talk.problem(),
            talk.data(),
            talk.preparation()?,
            talk.features(),
            talk.model()?,
            talk.protocol()?,
            talk.results(),
            talk.limits()?,
        ];
        Ok(Self { title, pages })
    }
}

/// Charts on slides are narrow, so that their letters can be read from afar.
const CHART: Layout = Layout { width: 560.0, notes: false };

struct Talk<'r> {
    run: &'r SavedRun,
    foot: String,
    results: Results<'r>,
}

impl Talk<'_> {
    fn page(&self, number: usize, part: &str, headline: &str) -> (Page, Room) {
        Page::new(part, headline, &self.foot, (number, COUNT))
    }

    fn problem(&self) -> Figure {
        let (run, summary) = (self.run, &self.run.summary);
        let heard = if summary.leaks.is_empty() { "a voice that the model does not know" } else { "a voice" };
        let (mut page, room) = self.page(1, "Problem", &format!("Which emotion does {heard} express?"));
        let (left, right) = room.columns(0.56);
        let mut texts = vec![
            format!("{} to tell apart: {}.", capital(&count(run.classes.len(), "emotion")), list(&run.classes)),
            format!("The corpus is {}, with {}.", summary.corpus, count(run.manifest.recordings.len(), "recording")),
            format!("The model: {}, on the features {}.", run.recipe.model.title(), run.recipe.features.name()),
        ];
        if !run.recipe.description.is_empty() {
            texts.push(run.recipe.description.clone());
        }
        page.paragraphs(left, &texts);
        let (above, below) = right.rows(right.height / 2.0 - 10.0);
        let it = &summary.interval.uar;
        let what = format!(
            "UAR (macro recall), 95 % interval {} to {}; guessing gives {}. {}.",
            points(it.low),
            points(it.high),
            percent(1.0 / run.classes.len().max(1) as f64),
            capital(&summary.protocol)
        );
        page.number(above, &percent(summary.uar), &what);
        let it = &summary.interval.war;
        let what = format!("WAR (accuracy), 95 % interval {} to {}", points(it.low), points(it.high));
        page.number(below, &percent(summary.war), &what);
        page.finish()
    }

    fn data(&self) -> Figure {
        let run = self.run;
        let speakers = data::speakers(run).len();
        let by = if speakers == 0 { String::new() } else { format!(" by {}", count(speakers, "speaker")) };
        let headline = format!("{}{by}", count(run.manifest.recordings.len(), "recording"));
        let (mut page, room) = self.page(2, "Data", &headline);
        let (left, right) = room.columns(0.36);
        let mut facts = data::facts(run);
        facts.push(match run.summary.dropped.len() {
            0 => "Every recording could be used.".to_owned(),
            some => format!("{} could not be used and took no part.", count(some, "recording")),
        });
        page.paragraphs(left, &facts);
        page.figure(right, &CHART.during(|| corpus::classes(&run.manifest)));
        page.finish()
    }

    fn preparation(&self) -> Result<Figure, ReportError> {
        let run = self.run;
        let copies = run.recipe.augmentation.copies.len();
        let headline = match copies {
            0 if run.summary.ready_model.is_some() => "What a model hears that was trained beforehand".to_owned(),
            0 => "No changed copies are learnt from".to_owned(),
            1 => "Learning from one changed copy of each recording as well".to_owned(),
            copies => format!("Learning from {copies} changed copies of each recording as well"),
        };
        let (mut page, room) = self.page(3, "Preparation and augmentation", &headline);
        let (left, right) = room.columns(0.5);
        let mut steps = method::steps(run);
        steps.push(method::values(run));
        page.chain(left, &steps);
        let mut texts = Vec::new();
        if copies > 0 {
            let (told, effects) = method::copies(run);
            texts.push(told);
            texts.extend(effects);
        }
        texts.extend(run.summary.dropped.first().map(|it| {
            let left_out = count(run.summary.dropped.len(), "recording");
            format!("{left_out} could not be used, such as {} ({}).", it.file.display(), it.reason)
        }));
        match if_told(CHART.during(|| corpus::durations(&run.manifest)))? {
            Some(durations) if copies == 0 => {
                let (above, _) = right.rows(right.height * 0.3);
                let used = page.paragraphs(above, &texts);
                page.figure(if texts.is_empty() { right } else { right.rows(used).1 }, &durations);
            }
            _ => {
                page.paragraphs(right, &texts);
            }
        }
        Ok(page.finish())
    }

    fn features(&self) -> Figure {
        let run = self.run;
        let (mut page, room) = self.page(4, "Features", method::values(run).trim_end_matches('.'));
        let (left, right) = room.columns(0.42);
        let settings = method::feature_settings("", &run.recipe.features).rows;
        let mut texts = vec![method::scaling(run).to_owned()];
        if run.recipe.scaling != Scaling::None && run.summary.ready_model.is_none() {
            texts.push("That is fitted to the training part of each fold, never to what is judged.".to_owned());
        }
        texts.extend(method::adaptation(run).map(str::to_owned));
        if let Some(counts) = method::descriptors(run) {
            let (above, _) = left.rows(left.height * 0.5);
            let used = page.paragraphs(above, &texts);
            page.rows(left.rows(used).1, &[1.2, 1.0], &settings);
            page.figure(right, &CHART.during(|| method::values_by_descriptor(&counts)));
        } else {
            page.paragraphs(left, &texts);
            page.rows(right, &[1.2, 1.0], &settings);
        }
        page.finish()
    }

    fn model(&self) -> Result<Figure, ReportError> {
        let run = self.run;
        let parts = method::parts(run)?;
        let title = capital(run.recipe.model.title());
        let parameters: Option<usize> = parts.iter().map(|part| part.parameters).sum();
        let headline = match parameters {
            Some(parameters) if parameters > 0 => format!("{title}: {} parameters", thousands(parameters)),
            _ => title,
        };
        let (mut page, room) = self.page(5, "Model", &headline);
        let settings = method::table_of("", &run.recipe.model).rows;
        let Some(layers) = parts.iter().find_map(|part| part.network.as_ref()) else {
            let (left, right) = room.columns(0.4);
            page.rows(left, &[1.2, 1.0], &settings);
            let figure = match if_told(CHART.during(|| figures::loss(run)))? {
                None => if_told(CHART.during(|| figures::pca_by_emotion(run)))?,
                course => course,
            };
            if let Some(figure) = figure {
                page.figure(right, &figure);
            }
            return Ok(page.finish());
        };
        // Layers are drawn; as settings they would be one long cell.
        let settings = short(settings.into_iter().filter(|row| !row[0].ends_with("layers")).collect());
        let figure = network("The network", "layer by layer", &parts);
        let (left, right) = room.columns(0.34);
        if (right.height / figure.height).min(right.width / figure.width) >= LEAST_SCALE {
            page.rows(left, &[1.6, 1.0], &settings);
            page.figure(right, &figure);
        } else {
            let (above, below) = room.rows(room.height * 0.24);
            let told: Vec<String> = settings.iter().map(|row| row.join(" ")).collect();
            page.paragraphs(above, &[format!("{}.", capital(&told.join(", ")))]);
            layer_lists(&mut page, below, layers);
        }
        Ok(page.finish())
    }

    fn protocol(&self) -> Result<Figure, ReportError> {
        let (run, summary) = (self.run, &self.run.summary);
        let (mut page, room) = self.page(6, "Protocol", &capital(&summary.protocol));
        let mut texts = vec![
            format!("{} over {}.", count(summary.recordings, "answer"), count(summary.folds.len(), "fold")),
            method::fitted(run),
            method::audit(run).to_owned(),
        ];
        texts.extend(summary.leaks.iter().chain(&summary.warnings).map(|it| format!("{}.", capital(it))));
        if summary.folds.len() > MOST_FOLDS {
            page.paragraphs(room, &texts);
        } else {
            let (left, right) = room.columns(0.42);
            page.paragraphs(left, &texts);
            page.figure(right, &CHART.during(|| figures::folds(run))?);
        }
        Ok(page.finish())
    }

    fn results(&self) -> Figure {
        let (run, summary) = (self.run, &self.run.summary);
        let it = &summary.interval.uar;
        let headline = format!("UAR {} ({} to {})", percent(summary.uar), points(it.low), points(it.high));
        let (mut page, room) = self.page(7, "Results", &headline);
        let (left, right) = room.columns(0.38);
        let it = &summary.interval.war;
        let accuracy = format!(
            "WAR (accuracy) is {} ({} to {}); guessing gives a UAR of {}.",
            percent(summary.war),
            points(it.low),
            points(it.high),
            percent(1.0 / run.classes.len().max(1) as f64)
        );
        let texts = [accuracy, self.results.extremes(), self.results.confusions(), self.results.calibration()];
        page.paragraphs(left, &texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>());
        page.figure(right, &CHART.during(|| figures::confusion(run, Divided::ByRow)));
        page.finish()
    }

    fn limits(&self) -> Result<Figure, ReportError> {
        let (mut page, room) = self.page(8, "Limits and next steps", "What this does not show, and what to do next");
        let (left, right) = room.columns(0.5);
        page.paragraphs(left, &self.results.limits());
        page.paragraphs(right, &self.results.next_steps()?);
        Ok(page.finish())
    }
}

/// Settings by the last part of their paths: `learning_rate` for `training.optimizer.learning_rate`, and with what it belongs to where there
/// are several: `member learning_rate`.
fn short(mut settings: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let paths: Vec<String> = settings.iter().map(|row| row[0].clone()).collect();
    for (row, path) in settings.iter_mut().zip(&paths) {
        let Some((parent, last)) = path.rsplit_once('.') else { continue };
        let of = parent.rsplit('.').next().unwrap_or(parent);
        let alike = paths.iter().filter(|it| it.rsplit('.').next() == Some(last)).count();
        row[0] = match (last, alike) {
            ("kind", _) => of.to_owned(),
            (_, 1) => last.to_owned(),
            _ => format!("{of} {last}"),
        };
    }
    settings
}

/// The layers as two lists side by side.
fn layer_lists(page: &mut Page, room: Room, network: &NetworkSummary) {
    let shape = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    let rows: Vec<Vec<String>> = network
        .layers
        .iter()
        .map(|it| vec![it.name.clone(), it.does.clone(), shape(&it.output_shape), thousands(it.parameters)])
        .collect();
    let (left, right) = room.columns(0.5);
    let (first, second) = rows.split_at(rows.len().div_ceil(2));
    for (room, rows) in [(left, first), (right, second)] {
        page.rows(room, &[1.1, 1.3, 1.1, 0.75], rows);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::figure::tests::collisions;
    use crate::figures::run::tests::{RUN, with_classes, with_one_voice};

    fn as_recipe(recipe: &Path) -> SavedRun {
        let mut run = RUN.clone();
        run.recipe = stimmung::Recipe::load(recipe, &[]).unwrap();
        run.summary.name.clone_from(&run.recipe.name);
        // The model in the folder is another one.
        run.folder = "none".into();
        run
    }

    #[test]
    fn every_run_has_eight_slides_in_which_nothing_meets() {
        for run in [RUN.clone(), with_classes(1), with_classes(2), with_classes(7), with_classes(40), with_one_voice()]
        {
            let slides = Slides::new(&run).unwrap();
            assert_eq!(slides.pages.len(), COUNT);
            for page in &slides.pages {
                assert_eq!(collisions(page), Vec::<String>::new(), "{}", page.svg);
            }
        }
    }

    #[test]
    fn nothing_meets_for_any_reference_recipe() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/reference");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let recipe = entry.unwrap().path();
            if recipe.extension().is_none_or(|it| it != "toml") {
                continue;
            }
            for page in &Slides::new(&as_recipe(&recipe)).unwrap().pages {
                assert_eq!(collisions(page), Vec::<String>::new(), "{}: {}", recipe.display(), page.svg);
            }
            seen += 1;
        }
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn they_tell_the_numbers_of_the_run() {
        let slides = Slides::new(&RUN).unwrap();
        let says = |page: usize, words: &str| {
            let svg = &slides.pages[page].svg;
            assert!(svg.contains(words), "{words}: {svg}");
        };
        says(0, &percent(RUN.summary.uar));
        says(1, &count(RUN.manifest.recordings.len(), "recording"));
        says(6, &percent(RUN.summary.uar));
        let mut leaky = RUN.clone();
        leaky.summary.leaks = vec!["a speaker is on both sides".into()];
        let told = &Slides::new(&leaky).unwrap().pages;
        assert!(told[5].svg.contains("A speaker is on both sides") && told[7].svg.contains("--protocol speakers"));
        assert!(!slides.pages[7].svg.contains("--protocol speakers"));
    }

    #[test]
    fn settings_of_the_same_name_say_whose_they_are() {
        let row = |path: &str| vec![path.to_owned(), "1".to_owned()];
        let paths =
            ["kind", "member.kind", "member.epochs", "arbiter.epochs", "arbiter.training.optimizer.learning_rate"];
        let told: Vec<String> = short(paths.map(row).into()).into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(told, ["kind", "member", "member epochs", "arbiter epochs", "learning_rate"]);
    }
}
