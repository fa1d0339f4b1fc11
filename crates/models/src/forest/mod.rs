//! Random forests.

mod grow;

use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::numeric::class_weights;
use crate::params::{ClassWeight, MaxFeatures, out_of_range, positive_count};
use crate::random::stream;
use crate::tree::Trees;
use crate::{FitProgress, Matrix, ModelError};

use grow::{Ground, Limits};

/// Parameters of a random forest (Breiman 2001, doi:10.1023/A:1010933404324).
///
/// Every tree grows on its own bootstrap sample of the recordings, and chooses each split among a few features drawn for
/// it, as the one that lowers the Gini impurity most; thresholds lie in the middle between two values. The probability of
/// a class is the mean over the trees of its share in the leaf that a recording ends in. Scaling of the features does not
/// matter, and hardly anything needs tuning; more trees are never worse, only slower and larger.
///
/// Defaults, and the meaning of every parameter, are those of scikit-learn's `RandomForestClassifier`.
///
/// # Examples
/// ```
/// use stimmung_models::{ForestParams, MaxFeatures, ModelParams};
/// let section = "kind = \"random-forest\"\ntrees = 300\nmax_features = 0.3\nmin_samples_leaf = 2";
/// let expected = ForestParams {
///     trees: 300,
///     max_features: MaxFeatures::Share(0.3),
///     min_samples_leaf: 2,
///     ..ForestParams::default()
/// };
/// assert_eq!(toml::from_str::<ModelParams>(section)?, ModelParams::Forest(expected));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ForestParams {
    /// Number of trees, at least 1. Default 100. Time, memory and the file's size grow with it.
    pub trees: usize,
    /// Most splits between the root and a leaf, at least 1. Default none: trees grow until their leaves are pure. A limit of
    /// 5 to 15 makes smaller files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Fewest different recordings in a leaf, at least 1. Default 1; larger values smooth the probabilities.
    pub min_samples_leaf: usize,
    /// Fewest different recordings in a node that may be split, at least 2. Default 2.
    pub min_samples_split: usize,
    /// How many features are drawn for each split: `"sqrt"` (default), the square root of their number, or a share of them
    /// above 0 and up to 1. Fewer make trees more different from each other and faster. Where all that were drawn
    /// are constant, others are drawn until the recordings can be split.
    pub max_features: MaxFeatures,
    /// Whether each tree grows on as many recordings as there are, drawn with replacement (default), or on all of them.
    pub bootstrap: bool,
    /// Whether rare classes count for more. Default none.
    pub class_weight: ClassWeight,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 100,
            max_depth: None,
            min_samples_leaf: 1,
            min_samples_split: 2,
            max_features: MaxFeatures::Sqrt,
            bootstrap: true,
            class_weight: ClassWeight::None,
        }
    }
}

impl ForestParams {
    pub(crate) const KIND: &str = "random-forest";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        positive_count(Self::KIND, "trees", self.trees)?;
        positive_count(Self::KIND, "max_depth", self.max_depth.unwrap_or(1))?;
        positive_count(Self::KIND, "min_samples_leaf", self.min_samples_leaf)?;
        if self.min_samples_split < 2 {
            return Err(out_of_range(Self::KIND, "min_samples_split", self.min_samples_split, "at least 2"));
        }
        if let MaxFeatures::Share(share) = self.max_features
            && !(share > 0.0 && share <= 1.0)
        {
            return Err(out_of_range(Self::KIND, "max_features", share, "\"sqrt\" or a number above 0 and up to 1"));
        }
        Ok(())
    }

    fn limits(&self, columns: usize) -> Limits {
        let features = match self.max_features {
            MaxFeatures::Sqrt => columns.isqrt(),
            MaxFeatures::Share(share) => (share * columns as f64) as usize,
        };
        Limits {
            depth: self.max_depth.unwrap_or(usize::MAX),
            samples_leaf: self.min_samples_leaf,
            samples_split: self.min_samples_split,
            features: features.max(1),
            bootstrap: self.bootstrap,
        }
    }
}

/// A fitted forest: the leaves hold the shares of the classes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forest {
    pub(crate) trees: Trees,
    classes: usize,
}

/// Fits rows `x`; every class has at least one.
pub(crate) fn fit(
    params: &ForestParams,
    x: &Matrix,
    labels: &[usize],
    classes: usize,
    seed: u64,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Forest, String), ModelError> {
    let weights = class_weights(labels, classes, params.class_weight == ClassWeight::Balanced);
    let ground = Ground::new(x, labels, weights, params.limits(x.columns()));
    let mut trees = Trees::new(x.columns(), classes);
    let mut gains = vec![0.0; x.columns()];
    // A few trees at a time, so that progress can be told and a stop is heeded.
    let together = rayon::current_num_threads().max(1);
    while trees.len() < params.trees {
        let done = trees.len();
        let grown: Vec<_> = (done..params.trees.min(done.saturating_add(together)))
            .into_par_iter()
            .map(|number| ground.grow(&mut stream(seed, number as u64)))
            .collect();
        for (tree, own) in grown {
            trees.push(ForestParams::KIND, &tree)?;
            for (sum, gain) in gains.iter_mut().zip(own) {
                *sum += gain;
            }
            let step = FitProgress::new(trees.len(), params.trees);
            if progress(step).is_break() {
                return Err(ModelError::Stopped);
            }
        }
    }
    trees.set_importances(gains);
    let note = format!("{} trees with {} leaves, at most {} deep", trees.len(), trees.leaves(), trees.depth());
    Ok((Forest { trees, classes }, note))
}

impl Forest {
    /// Class probabilities of one row.
    pub(crate) fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let mut p = vec![0.0; self.classes];
        for shares in self.trees.values(row) {
            for (p, &share) in p.iter_mut().zip(shares) {
                *p += f64::from(share);
            }
        }
        p
    }

    /// Takes a forest out of an archive.
    pub(crate) fn read(
        params: &ForestParams,
        archive: &mut Archive<'_>,
        columns: usize,
        classes: usize,
    ) -> Result<Self, ModelError> {
        let trees = Trees::read(archive, params.trees, columns, classes)?;
        let shares = |leaf: &[f32]| {
            let sum: f64 = leaf.iter().map(|&v| f64::from(v)).sum();
            leaf.iter().all(|&v| v >= 0.0) && (sum - 1.0).abs() < 1e-5
        };
        if !trees.all_leaves(shares) {
            return Err(ModelError::Damaged("a leaf of its trees holds no shares of the classes".into()));
        }
        Ok(Self { trees, classes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::blob_matrix;

    fn go(params: &ForestParams, x: &Matrix, labels: &[usize], classes: usize, seed: u64) -> Forest {
        fit(params, x, labels, classes, seed, &mut |_| ControlFlow::Continue(())).expect("fitted").0
    }

    #[test]
    fn gain_and_shift_of_a_column_do_not_change_a_prediction() {
        let (x, labels) = blob_matrix(60, 4, 3, 0.8, 3);
        let moved = Matrix::new(60, 4, x.values().iter().map(|v| 8.0 * v - 16.0).collect()).expect("matrix");
        let params = ForestParams { trees: 10, ..ForestParams::default() };
        let (a, b) = (go(&params, &x, &labels, 3, 1), go(&params, &moved, &labels, 3, 1));
        for (row, other) in x.iter_rows().zip(moved.iter_rows()) {
            assert_eq!(a.probabilities(row), b.probabilities(other));
        }
    }

    #[test]
    fn a_full_tree_on_all_recordings_knows_them_by_heart() {
        let (x, labels) = blob_matrix(80, 4, 3, 1.5, 3);
        let params = ForestParams { trees: 3, bootstrap: false, ..ForestParams::default() };
        let forest = go(&params, &x, &labels, 3, 1);
        for (row, &label) in x.iter_rows().zip(&labels) {
            assert_eq!(forest.probabilities(row)[label], 3.0);
        }
    }

    #[test]
    fn seeds_make_different_forests_and_the_first_trees_do_not_depend_on_their_number() {
        let (x, labels) = blob_matrix(60, 6, 3, 1.0, 3);
        let few = ForestParams { trees: 2, ..ForestParams::default() };
        let more = ForestParams { trees: 5, ..few.clone() };
        let (a, b) = (go(&few, &x, &labels, 3, 1), go(&more, &x, &labels, 3, 1));
        assert_ne!(a, go(&few, &x, &labels, 3, 2));
        let row = x.row(0);
        let first: Vec<&[f32]> = b.trees.values(row).take(2).collect();
        assert_eq!(a.trees.values(row).collect::<Vec<_>>(), first);
    }

    #[test]
    fn the_feature_that_tells_is_the_important_one() {
        let (noise, _) = blob_matrix(90, 5, 2, 1.0, 3);
        let labels: Vec<usize> = (0..90).map(|row| row % 3).collect();
        let values = noise.iter_rows().zip(&labels).flat_map(|(row, &label)| {
            let mut row = row.to_vec();
            row[3] = label as f32 + 0.1 * row[3];
            row
        });
        let x = Matrix::new(90, 5, values.collect()).expect("matrix");
        let forest = go(&ForestParams::default(), &x, &labels, 3, 1);
        let importances = forest.trees.importances();
        assert!(importances[3] > 0.5, "{importances:?}");
        assert!((importances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn balanced_classes_speak_up_for_the_rare_one() {
        // Nothing tells the classes apart, so that the leaf holds the weights alone.
        let x = Matrix::new(10, 1, vec![1.0; 10]).expect("matrix");
        let labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        let params = ForestParams { trees: 1, bootstrap: false, ..ForestParams::default() };
        assert_eq!(go(&params, &x, &labels, 2, 1).probabilities(&[1.0]), [0.8f32, 0.2].map(f64::from));
        let balanced = ForestParams { class_weight: ClassWeight::Balanced, ..params };
        assert_eq!(go(&balanced, &x, &labels, 2, 1).probabilities(&[1.0]), [0.5, 0.5]);
    }
}
