//! Times trees, or finds how often they are right, on a table of features of Emo-DB: `trees TABLE KIND fit|accuracy THREADS SEED`.
//!
//! The table is what `stimmung features` writes: a header, then the file and its features; files keep the names they have in
//! Emo-DB, which tell speaker and emotion. KIND is `random-forest`, `gradient-boosting`, or `leaf-wise` for boosting in the
//! manner of scikit-learn's histogram trees. `fit` is timed on all rows; `accuracy` leaves out one speaker after another and
//! counts the right answers. Prints one line of JSON, like `scripts/compare_trees.py`.

use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use stimmung_models::{BoostingParams, Classifier, Matrix, ModelError, ModelParams, Shape, TrainingSet, fit};

#[allow(clippy::print_stdout)] // Printing is what this program is for.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [table, kind, task, threads, seed] = &arguments[..] else {
        return Err("usage: trees TABLE KIND fit|accuracy THREADS SEED".into());
    };
    let seed: u64 = seed.parse()?;
    let params = match kind.as_str() {
        "leaf-wise" => ModelParams::Boosting(leaf_wise(seed)?),
        kind => ModelParams::by_name(kind)?,
    };
    let table = Table::read(table)?;
    let threads: usize = threads.parse()?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let figure = match task.as_str() {
        "fit" => {
            let rows: Vec<usize> = (0..table.labels.len()).collect();
            let start = Instant::now();
            std::hint::black_box(table.fit(&params, &rows, seed)?);
            format!("\"seconds\": {:.5}", start.elapsed().as_secs_f64())
        }
        "accuracy" => format!("\"accuracy\": {:.5}", table.accuracy(&params, seed)?),
        _ => return Err("the task is fit or accuracy".into()),
    };
    println!(r#"{{"peer": "stimmung", "version": "{}", {figure}}}"#, env!("CARGO_PKG_VERSION"));
    Ok(())
}

/// What `HistGradientBoostingClassifier(learning_rate=0.15, l2_regularization=0.5, min_samples_leaf=1)` does: 31 leaves, no
/// limit of depth; half of everything that stands beside the second derivative, because ours is twice as large. Nothing is left to chance
/// there, so that the seed takes as many bins away: without some change, a single figure would have to speak for all.
fn leaf_wise(seed: u64) -> Result<BoostingParams, Box<dyn Error>> {
    let default = BoostingParams::default();
    let max_bins = default.max_bins.checked_sub(usize::try_from(seed)?).ok_or("the seed is a small number")?;
    Ok(BoostingParams {
        max_bins,
        learning_rate: 0.3,
        lambda: 1.0,
        min_child_weight: 2e-3,
        max_leaves: Some(31),
        max_depth: 1000,
        ..default
    })
}

/// Features with the speaker and the emotion of every row.
struct Table {
    features: Matrix,
    speakers: Vec<String>,
    labels: Vec<usize>,
    classes: Vec<String>,
}

impl Table {
    fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let (mut rows, mut speakers, mut emotions) = (Vec::new(), Vec::new(), Vec::new());
        for line in std::fs::read_to_string(path)?.lines().skip(1) {
            let mut cells = line.split(',');
            let file = cells.next().and_then(|file| file.rsplit('/').next()).unwrap_or_default();
            // Such as 03a01Fa.wav: speaker 03, sentence a01, emotion F, take a.
            let (Some(speaker), Some(emotion)) = (file.get(0..2), file.get(5..6)) else {
                return Err(format!("{file:?} is no file of Emo-DB").into());
            };
            speakers.push(speaker.to_owned());
            emotions.push(emotion.to_owned());
            rows.push(cells.map(str::parse).collect::<Result<Vec<f32>, _>>()?);
        }
        let mut classes = emotions.clone();
        classes.sort();
        classes.dedup();
        let labels = emotions.iter().filter_map(|emotion| classes.iter().position(|class| class == emotion)).collect();
        Ok(Self { features: Matrix::from_rows(&rows)?, speakers, labels, classes })
    }

    fn fit(&self, params: &ModelParams, rows: &[usize], seed: u64) -> Result<Classifier, ModelError> {
        let features = self.features.select_rows(rows)?;
        let labels: Vec<usize> = rows.iter().map(|&row| self.labels[row]).collect();
        let shape = Shape::Vector(features.columns());
        let data = TrainingSet::new(&features, shape, &labels, &self.classes);
        fit(params, &data, seed, &mut |_| ControlFlow::Continue(()))
    }

    fn accuracy(&self, params: &ModelParams, seed: u64) -> Result<f64, ModelError> {
        let mut speakers = self.speakers.clone();
        speakers.sort();
        speakers.dedup();
        let mut right = 0;
        for speaker in &speakers {
            let (test, training): (Vec<usize>, Vec<usize>) =
                (0..self.labels.len()).partition(|&row| self.speakers[row] == *speaker);
            let model = self.fit(params, &training, seed)?;
            let predicted = model.predict(&self.features.select_rows(&test)?)?;
            right += predicted.iter().zip(&test).filter(|(class, row)| **class == self.labels[**row]).count();
        }
        Ok(right as f64 / self.labels.len() as f64)
    }
}
