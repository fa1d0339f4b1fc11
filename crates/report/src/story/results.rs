//! What came out, and where it fails.

use stimmung::SavedRun;
use stimmung_evaluation::{
    BootstrapParams, ClassIntervals, Estimate, GroupAccuracy, GroupDifference, accuracy_by_group, accuracy_difference,
    class_intervals,
};

use super::words::{capital, count, interval, is_clear, list, percent, points};
use super::{Section, Table, method};
use crate::ReportError;
use crate::figures::run::{self as figures, Divided};
use crate::story::Block;

/// Emotions that are taken for another one more often than this are told.
const OFTEN: f64 = 0.15;

/// An interval over fewer speakers says little.
const FEW_SPEAKERS: usize = 20;

/// What is counted once for several sections.
pub(crate) struct Results<'r> {
    run: &'r SavedRun,
    classes: Vec<ClassIntervals>,
    speakers: Vec<GroupAccuracy>,
    /// How much better female voices are understood than male ones, if both are known.
    sexes: Option<GroupDifference>,
}

impl<'r> Results<'r> {
    pub(crate) fn of(run: &'r SavedRun) -> Result<Self, ReportError> {
        let (params, seed) = (BootstrapParams::default(), run.recipe.seed);
        let outcomes = run.outcomes();
        let speakers: Vec<Option<&str>> = run.predictions.iter().map(|answer| answer.speaker.as_deref()).collect();
        let sexes: Vec<Option<&str>> =
            run.predictions.iter().map(|answer| Some(run.recording(answer)?.sex?.as_str())).collect();
        let has = |sex| sexes.contains(&Some(sex));
        let both = has("female") && has("male");
        Ok(Self {
            run,
            classes: class_intervals(&run.classes, &outcomes, &params, seed)?,
            speakers: accuracy_by_group(&outcomes, &speakers, &params, seed)?,
            sexes: both.then(|| accuracy_difference(&outcomes, &sexes, "female", "male", &params, seed)).transpose()?,
        })
    }

    /// The result in a sentence, with chance beside it.
    pub(crate) fn summary(&self) -> String {
        let summary = &self.run.summary;
        let of = summary.interval.uar.method;
        format!(
            "UAR (macro recall) is {} ({}, {of}), where guessing among {} gives {}; WAR (accuracy) is {} ({}). {}, {}.",
            percent(summary.uar),
            interval(&summary.interval.uar),
            count(self.run.classes.len(), "emotion"),
            percent(1.0 / self.run.classes.len().max(1) as f64),
            percent(summary.war),
            interval(&summary.interval.war),
            capital(&summary.protocol),
            count(summary.recordings, "recording"),
        )
    }

    /// The figures of the result.
    pub(crate) fn figures(&self) -> Result<Section, ReportError> {
        let run = self.run;
        let summary = &run.summary;
        let mut section = Section::new("Results");
        section.text(self.summary());
        let mut table = Table::new(
            "All answers together, and over folds",
            ["figure", "value", "95 % interval", "mean over folds", "sd"],
        );
        let named = [
            (
                "UAR (= UA, macro recall, balanced accuracy)",
                summary.uar,
                &summary.interval.uar,
                &summary.over_folds.uar,
            ),
            ("WAR (= WA, accuracy)", summary.war, &summary.interval.war, &summary.over_folds.war),
            ("macro-F1", summary.macro_f1, &summary.interval.macro_f1, &summary.over_folds.macro_f1),
        ];
        for (name, value, it, folds) in named {
            let sd = folds.sd.map_or_else(String::new, percent);
            table.row([
                name.to_owned(),
                percent(value),
                format!("{} to {} %", points(it.low), points(it.high)),
                percent(folds.mean),
                sd,
            ]);
        }
        section.blocks.push(Block::Table(table));
        section.blocks.push(Block::Table(self.by_emotion()));
        section.figure(figures::classes(run))?;
        for divided in [Divided::Counts, Divided::ByRow, Divided::ByColumn] {
            section.blocks.push(Block::Figure(figures::confusion(run, divided)));
        }
        section.figure(figures::roc(run))?;
        section.text(self.calibration());
        for figure in [figures::reliability(run), figures::confidence(run), figures::confidence_accuracy(run)] {
            section.figure(figure)?;
        }
        Ok(section)
    }

    fn by_emotion(&self) -> Table {
        let mut table = Table::new("By emotion", ["emotion", "recordings", "answers", "recall", "precision", "F1"]);
        let cell = |estimate: &Estimate| match &estimate.interval {
            Some(it) => format!("{} ({} to {})", percent(estimate.value), points(it.low), points(it.high)),
            None => percent(estimate.value),
        };
        for class in &self.classes {
            let ClassIntervals { class: name, support, predicted, recall, precision, f1 } = class;
            table.row([
                name.clone(),
                support.to_string(),
                predicted.to_string(),
                cell(recall),
                cell(precision),
                cell(f1),
            ]);
        }
        table
    }

    pub(crate) fn calibration(&self) -> String {
        let Some(calibration) = &self.run.summary.calibration else {
            return String::new();
        };
        let (before, after) = (calibration.uncalibrated.ece, calibration.calibrated.ece);
        let effect = if after < before { "brings it to" } else { "does not help: it is then" };
        format!(
            "The probabilities miss the truth by {} on average (expected calibration error); a temperature fitted to the other folds {effect} {}.",
            percent(before),
            percent(after)
        )
    }

    /// Where it fails: emotions, speakers, sexes, sentences, durations.
    pub(crate) fn failures(&self) -> Result<Section, ReportError> {
        let run = self.run;
        let mut section = Section::new("Where it fails");
        section.text(self.confusions());
        section.text(self.of_speakers());
        section.text(self.of_sexes());
        for figure in [
            figures::by_speaker(run),
            figures::by_sex(run),
            figures::by_text(run),
            figures::text_length(run),
            figures::by_duration(run),
        ] {
            section.figure(figure)?;
        }
        section.text(self.most_certain_errors());
        Ok(section)
    }

    /// The emotions that are often taken for another.
    pub(crate) fn confusions(&self) -> String {
        let rows = self.run.summary.pooled.confusion.by_row();
        let mut found: Vec<(f64, &str, &str)> = Vec::new();
        for (truth, row) in rows.iter().enumerate() {
            for (answer, &share) in row.iter().enumerate() {
                if truth != answer && share >= OFTEN {
                    found.push((share, &self.run.classes[truth], &self.run.classes[answer]));
                }
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        if found.is_empty() {
            return format!("No emotion is taken for one other in more than {} of its recordings.", percent(OFTEN));
        }
        let told: Vec<String> = found
            .iter()
            .take(5)
            .map(|(share, truth, answer)| format!("{truth} for {answer} ({})", percent(*share)))
            .collect();
        format!("Most often taken for another: {}.", list(&told))
    }

    fn of_speakers(&self) -> String {
        let by = |a: &&GroupAccuracy, b: &&GroupAccuracy| a.accuracy.total_cmp(&b.accuracy);
        let (Some(worst), Some(best)) = (self.speakers.iter().min_by(by), self.speakers.iter().max_by(by)) else {
            return String::new();
        };
        if self.speakers.len() < 2 {
            return String::new();
        }
        format!(
            "Between speakers, accuracy runs from {} ({}, {}) to {} ({}, {}).",
            percent(worst.accuracy),
            worst.group,
            count(worst.answers, "recording"),
            percent(best.accuracy),
            best.group,
            count(best.answers, "recording")
        )
    }

    fn of_sexes(&self) -> String {
        let Some(GroupDifference { difference, .. }) = &self.sexes else {
            return String::new();
        };
        let (higher, lower) = if difference.value >= 0.0 { ("female", "male") } else { ("male", "female") };
        let size = points(difference.value.abs());
        match &difference.interval {
            Some(it) => {
                let (low, high) = if difference.value >= 0.0 { (it.low, it.high) } else { (-it.high, -it.low) };
                let verdict = if is_clear(it) { "" } else { "; the interval holds zero, so chance may explain it" };
                format!(
                    "Accuracy is {size} points higher for {higher} than for {lower} speakers, interval {} to {}{verdict}.",
                    points(low),
                    points(high)
                )
            }
            None => format!(
                "Accuracy is {size} points higher for {higher} than for {lower} speakers; too few speakers for an interval."
            ),
        }
    }

    /// The wrong answers that were given with most confidence, for people to listen to.
    fn most_certain_errors(&self) -> String {
        let mut wrong: Vec<_> = self.run.predictions.iter().filter(|it| it.truth != it.predicted).collect();
        wrong.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()).then_with(|| a.id.cmp(&b.id)));
        let told: Vec<String> = wrong
            .iter()
            .take(5)
            .map(|it| {
                let (truth, answer) = (&self.run.classes[it.truth], &self.run.classes[it.predicted]);
                format!("{} ({truth}, taken for {answer}, {} sure)", it.id, percent(f64::from(it.confidence())))
            })
            .collect();
        if told.is_empty() { String::new() } else { format!("The surest errors, worth listening to: {}.", list(&told)) }
    }

    /// The emotions that are recognised best and worst.
    pub(crate) fn extremes(&self) -> String {
        let occurring: Vec<&ClassIntervals> = self.classes.iter().filter(|class| class.support > 0).collect();
        let by = |a: &&&ClassIntervals, b: &&&ClassIntervals| a.recall.value.total_cmp(&b.recall.value);
        match (occurring.iter().max_by(by), occurring.iter().min_by(by)) {
            (Some(best), Some(worst)) if best.recall.value > worst.recall.value => format!(
                "Recall is highest for {} ({}) and lowest for {} ({}).",
                best.class,
                percent(best.recall.value),
                worst.class,
                percent(worst.recall.value)
            ),
            _ => String::new(),
        }
    }

    /// What the result does not show.
    pub(crate) fn limits(&self) -> Vec<String> {
        let summary = &self.run.summary;
        let mut limits: Vec<String> =
            summary.leaks.iter().map(|leak| format!("Better than for new voices: {leak}.")).collect();
        limits.extend(summary.warnings.iter().map(|warning| format!("{}.", capital(warning))));
        limits.extend([self.of_speakers(), self.of_sexes()].into_iter().filter(|text| !text.is_empty()));
        limits.push(format!(
            "All of it is {}: how other microphones, rooms, languages and feelings that are not played are understood, it does not tell.",
            summary.corpus
        ));
        limits.push("A model hears the expression in a voice, not what someone feels.".to_owned());
        limits
    }

    /// What the result suggests to do.
    pub(crate) fn next_steps(&self) -> Result<Vec<String>, ReportError> {
        let (run, summary) = (self.run, &self.run.summary);
        let mut steps = Vec::new();
        // A ready model is as it is.
        let made_here = summary.ready_model.is_none();
        if made_here && !summary.leaks.is_empty() {
            steps.push(
                "Judge it with speakers kept apart: stimmung evaluate recipe.toml --protocol speakers".to_owned(),
            );
        }
        let errors = self.most_certain_errors();
        if !errors.is_empty() {
            steps.push(errors);
        }
        if self.speakers.len() < FEW_SPEAKERS {
            let known = match self.speakers.len() {
                0 => "who speaks is not known".to_owned(),
                some => format!("the intervals rest on {}", count(some, "speaker")),
            };
            steps.push(format!("More speakers: {known}."));
        }
        if made_here && run.recipe.augmentation.copies.is_empty() {
            steps.push(
                "Learn from changed copies of the recordings: the section [augmentation] of the recipe.".to_owned(),
            );
        }
        if made_here && method::parts(run)?.iter().any(|part| part.network.is_some()) {
            steps.push(format!(
                "Repeat it with other seeds (--with seed=N): the figures of seed {} alone hold chance as well.",
                run.recipe.seed
            ));
        }
        if run.model()?.is_some() {
            steps.push(
                "Try the model on another corpus: stimmung evaluate --model model.stimmung --corpus FOLDER".to_owned(),
            );
        }
        Ok(steps)
    }
}
