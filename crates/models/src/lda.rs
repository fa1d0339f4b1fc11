//! Linear discriminant analysis with a shrunken covariance.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stimmung_features::Shape;
use stimmung_nn::matmul::{View, multiply};

use crate::calibration::best_temperature;
use crate::covariance::{Spread, add_scatter, gram, ledoit_wolf};
use crate::linalg::{PANEL, cholesky_solve};
use crate::linear::Linear;
use crate::numeric::counts;
use crate::params::{Priors, Shrinkage, out_of_range};
use crate::scaler::Affine;
use crate::training_set::dealt;
use crate::{FitProgress, Matrix, ModelError};

/// The temperatures that are looked through: from discriminants that say nothing to such as differ by thousands.
const TEMPERATURES: [f64; 2] = [0.05, 1e4];

/// Of voices, or recordings, to judge one by what the others teach.
const PARTS: usize = 5;

/// Parameters of linear discriminant analysis: Gaussian classes with one covariance, the mean of the classes' own, each
/// shrunk towards a multiple of the identity. It trains in milliseconds, and as it comes there is nothing to tune.
///
/// Agrees with scikit-learn's `LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LdaParams {
    /// How far each class's covariance is moved towards `(trace / columns) · I`: `"auto"` (default), the share that Ledoit
    /// & Wolf 2004 (doi:10.1016/S0047-259X(03)00096-4) estimate per class, or a number from 0 (the raw covariance, which
    /// needs many more recordings than features) to 1 (a diagonal one).
    pub shrinkage: Shrinkage,
    /// How probable each class is beforehand. Default: as its share of the recordings.
    #[serde(skip_serializing_if = "Priors::is_default")]
    pub priors: Priors,
    /// Whether discriminants are divided by the temperature that suits them. A shrunken covariance is too narrow where features go together, so that with
    /// thousands of them every answer looks certain, beyond what probabilities can tell. A fifth of the training voices after the other (of the
    /// recordings, where voices are not known) is judged by what the rest teaches, and the temperature is that under which these answers have the
    /// smallest log loss. Which class is the likeliest never changes. Default no, as in scikit-learn.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tempered: bool,
    /// How much more columns count that tell the classes apart: each is multiplied by this power, from 0 to 4, of its correlation ratio η² (the share of its
    /// variance that lies between the classes, 0 to 1; R. A. Fisher, Statistical Methods for Research Workers, 1925) before covariances are
    /// shrunk. Shrinkage holds all columns for equally wide, so a narrowed one has less to say. Default 0, all alike, as in scikit-learn;
    /// 0.25 to 0.4 where there are thousands of columns of which most say little.
    #[serde(skip_serializing_if = "is_zero")]
    pub relevance: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(power: &f64) -> bool {
    *power == 0.0
}

impl LdaParams {
    pub(crate) const KIND: &str = "lda";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        if let Shrinkage::Share(share) = self.shrinkage
            && !(0.0..=1.0).contains(&share)
        {
            return Err(out_of_range(Self::KIND, "shrinkage", share, "\"auto\" or a number from 0 to 1"));
        }
        if !(0.0..=4.0).contains(&self.relevance) {
            return Err(out_of_range(Self::KIND, "relevance", self.relevance, "a number from 0 to 4"));
        }
        if let Priors::Given(priors) = &self.priors {
            let sum: f64 = priors.iter().sum();
            if priors.iter().any(|p| !(p.is_finite() && *p > 0.0)) || (sum - 1.0).abs() > 1e-6 {
                let value = format!("{priors:?}");
                return Err(out_of_range(Self::KIND, "priors", value, "positive numbers that add up to 1"));
            }
        }
        Ok(())
    }
}

/// Fits standardised rows `x`, of speakers `groups` if those are known; every class has at least one.
pub(crate) fn fit(
    params: &LdaParams,
    x: &Matrix,
    labels: &[usize],
    groups: Option<&[usize]>,
    classes: usize,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Linear, String), ModelError> {
    let (mut model, mut note) = fit_weighted(params, x, labels, classes, progress)?;
    if params.tempered {
        let temperature = temperature(params, x, labels, groups, classes)?;
        model.weights.iter_mut().chain(&mut model.intercepts).for_each(|value| *value /= temperature);
        let _ = write!(note, ", tempered by {temperature:.3}");
    }
    Ok((model, note))
}

/// Discriminants as they come: columns count as `relevance` says.
fn fit_weighted(
    params: &LdaParams,
    x: &Matrix,
    labels: &[usize],
    classes: usize,
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Linear, String), ModelError> {
    let priors = priors(params, labels, classes)?;
    if params.relevance == 0.0 {
        return fit_alike(params, x, labels, &priors, progress);
    }
    let factors = relevance(x, labels, &priors, params.relevance);
    let (mut model, note) = fit_alike(params, &narrowed(x, &factors)?, labels, &priors, progress)?;
    // The model takes columns as they come.
    for weights in model.weights.chunks_exact_mut(x.columns()) {
        weights.iter_mut().zip(&factors).for_each(|(weight, factor)| *weight *= f64::from(*factor));
    }
    Ok((model, note))
}

/// The temperature under which the discriminants for each part, of a model that learned from the others, have the smallest log loss; 1 where there is too little
/// to tell.
fn temperature(
    params: &LdaParams,
    x: &Matrix,
    labels: &[usize],
    groups: Option<&[usize]>,
    classes: usize,
) -> Result<f64, ModelError> {
    let Some(parts) = parts(labels, groups, classes) else { return Ok(1.0) };
    let (mut discriminants, mut truth) = (Vec::with_capacity(labels.len() * classes), Vec::with_capacity(labels.len()));
    for part in 0..PARTS {
        let (judged, heard): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|&row| parts[row] == part);
        if judged.is_empty() {
            continue;
        }
        let known: Vec<usize> = heard.iter().map(|&row| labels[row]).collect();
        let (model, _) =
            fit_weighted(params, &x.select_rows(&heard)?, &known, classes, &mut |_| ControlFlow::Continue(()))?;
        discriminants.extend(judged.iter().flat_map(|&row| model.scores(x.row(row))));
        truth.extend(judged.iter().map(|&row| labels[row]));
    }
    Ok(best_temperature(&discriminants, &truth, classes, TEMPERATURES))
}

/// Deals out voices, or recordings where without one part of the voices a class would be missing. `None` where a class has a single recording.
fn parts(labels: &[usize], groups: Option<&[usize]>, classes: usize) -> Option<Vec<usize>> {
    let others_are_whole = |parts: &Vec<usize>| {
        (0..PARTS).all(|part| {
            let others = labels.iter().zip(parts).filter(|(_, of)| **of != part);
            others.map(|(label, _)| label).collect::<BTreeSet<_>>().len() == classes
        })
    };
    let by_voice = groups.map(|groups| dealt(groups, PARTS));
    by_voice.filter(&others_are_whole).or_else(|| {
        let mut seen = vec![0; classes];
        let by_row = labels.iter().map(|&label| {
            seen[label] += 1;
            seen[label] % PARTS
        });
        Some(by_row.collect()).filter(&others_are_whole)
    })
}

/// How probable each class is beforehand.
fn priors(params: &LdaParams, labels: &[usize], classes: usize) -> Result<Vec<f64>, ModelError> {
    let share = |count: usize| count as f64 / labels.len() as f64;
    match &params.priors {
        Priors::Equal => Ok(vec![1.0 / classes as f64; classes]),
        Priors::Shares => Ok(counts(labels, classes).into_iter().map(share).collect()),
        Priors::Given(priors) if priors.len() == classes => Ok(priors.clone()),
        Priors::Given(priors) => Err(ModelError::Unsuitable {
            kind: LdaParams::KIND,
            reason: format!("`priors` has {} entries for {classes} classes with recordings", priors.len()),
        }),
    }
}

/// By what each column is multiplied, so that it counts as much as it tells the classes apart: a power of its correlation ratio. Constant ones count nothing.
fn relevance(x: &Matrix, labels: &[usize], priors: &[f64], power: f64) -> Vec<f32> {
    let d = x.columns();
    let counts = counts(labels, priors.len());
    let mut means = vec![vec![0.0; d]; priors.len()];
    for (row, &label) in x.iter_rows().zip(labels) {
        let share = 1.0 / counts[label] as f64;
        means[label].iter_mut().zip(row).for_each(|(mean, &v)| *mean += share * f64::from(v));
    }
    let mut within = vec![0.0; d];
    for (row, &label) in x.iter_rows().zip(labels) {
        let share = priors[label] / counts[label] as f64;
        for ((sum, &v), mean) in within.iter_mut().zip(row).zip(&means[label]) {
            *sum += share * (f64::from(v) - mean).powi(2);
        }
    }
    let factor = |(column, within): (usize, f64)| {
        let of_classes = || means.iter().zip(priors).map(|(mean, prior)| (mean[column], prior));
        let overall: f64 = of_classes().map(|(mean, prior)| prior * mean).sum();
        let between: f64 = of_classes().map(|(mean, prior)| prior * (mean - overall).powi(2)).sum();
        if between > 0.0 { (between / (between + within)).powf(power) as f32 } else { 0.0 }
    };
    within.into_iter().enumerate().map(factor).collect()
}

/// The rows, column by column times a factor.
fn narrowed(x: &Matrix, factors: &[f32]) -> Result<Matrix, ModelError> {
    let values = x.iter_rows().flat_map(|row| row.iter().zip(factors).map(|(v, factor)| v * factor)).collect();
    Matrix::new(x.rows(), x.columns(), values)
}

/// [`fit`] for columns that count alike.
fn fit_alike(
    params: &LdaParams,
    x: &Matrix,
    labels: &[usize],
    priors: &[f64],
    progress: &mut dyn FnMut(FitProgress) -> ControlFlow<()>,
) -> Result<(Linear, String), ModelError> {
    let (d, classes) = (x.columns(), priors.len());
    let mut pooled = Pooled::new(labels.len(), d);
    let mut means = Vec::with_capacity(classes);
    let mut shares = Vec::with_capacity(classes);
    for (class, prior) in priors.iter().enumerate() {
        let rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == class).collect();
        let scaler = Affine::standard(x, &rows, Shape::Vector(d));
        shares.push(pooled.add(*prior, x, &rows, &scaler, params.shrinkage));
        means.push(scaler.mean);
        let step = FitProgress::new(class + 1, classes);
        if progress(step).is_break() {
            return Err(ModelError::Stopped);
        }
    }
    let weights = pooled.solve(&means).ok_or_else(|| ModelError::Unsuitable {
        kind: LdaParams::KIND,
        reason: format!(
            "the covariance of {d} features over {} recordings is singular; set `shrinkage` to \"auto\" or above 0, \
             leave out constant features, or use more than one recording per class",
            labels.len()
        ),
    })?;
    let listed: Vec<String> = shares.iter().map(|share| format!("{share:.3}")).collect();
    let note = format!("shrinkage per class {}", listed.join(" "));
    let intercepts =
        means.iter().zip(&weights).zip(priors).map(|((mean, w), prior)| -0.5 * dot(mean, w) + prior.ln()).collect();
    Ok((Linear { columns: d, weights: weights.concat(), intercepts }, note))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The covariance that the classes share: the sum of their shrunken ones, each times the class's prior.
///
/// It is `A + ZᵀZ`, with what shrinkage puts on the diagonal in `A` and the centred, weighted recordings in the rows of `Z`. With more features than
/// recordings it is never written out, because it has the inverse `A⁻¹ − A⁻¹Zᵀ(I + ZA⁻¹Zᵀ)⁻¹ZA⁻¹` (Woodbury 1950), for which a matrix
/// of recordings by recordings is enough. The smaller of the two matrices also takes less time, to fill and to decompose.
struct Pooled {
    /// `A`.
    diagonal: Vec<f64>,
    scatter: Scatter,
}

/// What is kept of `Z`.
enum Scatter {
    /// The lower triangle of `ZᵀZ`, of shape `(d, d)`.
    Whole(Vec<f64>),
    /// Its rows.
    Parts(Vec<f64>),
}

impl Pooled {
    /// Nothing yet, of so many recordings with `d` features.
    fn new(recordings: usize, d: usize) -> Self {
        let scatter = if d > recordings {
            Scatter::Parts(Vec::with_capacity(recordings * d))
        } else {
            Scatter::Whole(vec![0.0; d * d])
        };
        Self { diagonal: vec![0.0; d], scatter }
    }

    /// Adds a class, these rows of `x`, and returns by how much its covariance was shrunk.
    fn add(&mut self, prior: f64, x: &Matrix, members: &[usize], scaler: &Affine, shrinkage: Shrinkage) -> f64 {
        let d = x.columns();
        // Ledoit and Wolf's estimate depends on the units of the features, so it is made on the class's own z-scores and the
        // result scaled back. A given share mixes the covariances as they are.
        let unit = vec![1.0; d];
        let scale = if shrinkage == Shrinkage::Auto { &scaler.scale } else { &unit };
        let mut z: Vec<f64> = members
            .iter()
            .flat_map(|&row| x.row(row).iter().zip(&scaler.mean).zip(scale).map(|((&v, m), s)| (f64::from(v) - m) / s))
            .collect();
        let spread = Spread::of_rows(&z, d);
        let share = match shrinkage {
            Shrinkage::Share(share) => share,
            Shrinkage::Auto => ledoit_wolf(&z, &spread, d),
        };
        let target = prior * share * spread.trace / d as f64;
        for (sum, scale) in self.diagonal.iter_mut().zip(scale) {
            *sum += target * scale * scale;
        }
        let weight = (prior * (1.0 - share) / members.len() as f64).sqrt();
        for row in z.chunks_exact_mut(d) {
            row.iter_mut().zip(scale).for_each(|(z, scale)| *z = weight * *z * scale);
        }
        match &mut self.scatter {
            Scatter::Whole(sums) => add_scatter(sums, &z, d),
            Scatter::Parts(rows) => rows.append(&mut z),
        }
        share
    }

    /// The inverse times each of some vectors; `None` if there is none.
    fn solve(self, vectors: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
        match self.scatter {
            Scatter::Whole(mut covariance) => {
                let d = self.diagonal.len();
                for (i, value) in self.diagonal.iter().enumerate() {
                    covariance[i * (d + 1)] += value;
                }
                let mut solved = vectors.to_vec();
                cholesky_solve(&mut covariance, d, &mut solved)?;
                Some(solved)
            }
            Scatter::Parts(rows) => solve_parts(&self.diagonal, rows, vectors),
        }
    }
}

/// [`Pooled::solve`] by parts.
fn solve_parts(diagonal: &[f64], mut rows: Vec<f64>, vectors: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    if diagonal.iter().any(|value| *value <= 0.0) {
        return None;
    }
    let d = diagonal.len();
    // With A^½ taken out of both sides, the matrix to invert is the identity and a Gram matrix.
    let roots: Vec<f64> = diagonal.iter().map(|value| value.sqrt()).collect();
    let divide = |values: &mut [f64]| {
        for row in values.chunks_exact_mut(d) {
            row.iter_mut().zip(&roots).for_each(|(value, root)| *value /= root);
        }
    };
    divide(&mut rows);
    let n = rows.len() / d;
    let mut inner = gram(&rows, d);
    for i in 0..n {
        inner[i * (n + 1)] += 1.0;
    }
    let mut solved = vectors.concat();
    divide(&mut solved);
    let mut along = products(&rows, &solved, d);
    cholesky_solve(&mut inner, n, &mut along)?;
    // Taken away from, so with the other sign.
    let shares: Vec<f64> = along.iter().flatten().map(|share| -share).collect();
    multiply(&mut solved, d, true, View::new(&shares, along.len(), n, n), View::new(&rows, n, d, d));
    divide(&mut solved);
    Some(solved.chunks_exact(d).map(<[f64]>::to_vec).collect())
}

/// The products of some rows of `d` values with each of some vectors, vector by vector.
fn products(rows: &[f64], vectors: &[f64], d: usize) -> Vec<Vec<f64>> {
    let (n, count) = (rows.len() / d, vectors.len() / d);
    let mut products = vec![0.0; n * count];
    products.par_chunks_mut(PANEL * count).zip(rows.par_chunks(PANEL * d)).for_each(|(products, rows)| {
        let vectors = View::new(vectors, count, d, d).transposed();
        multiply(products, count, false, View::new(rows, rows.len() / d, d, d), vectors);
    });
    (0..count).map(|vector| products.iter().skip(vector).step_by(count).copied().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Lcg, blob_matrix};

    fn go(params: &LdaParams, x: &Matrix, labels: &[usize], classes: usize) -> Result<(Linear, String), ModelError> {
        fit(params, x, labels, None, classes, &mut |_| ControlFlow::Continue(()))
    }

    #[test]
    fn full_shrinkage_is_the_nearest_mean() {
        let (x, labels) = blob_matrix(90, 4, 3, 0.4, 3);
        let params = LdaParams { shrinkage: Shrinkage::Share(1.0), priors: Priors::Equal, ..LdaParams::default() };
        let (model, _) = go(&params, &x, &labels, 3).expect("fitted");
        let means: Vec<Vec<f64>> = (0..3)
            .map(|k| {
                let rows: Vec<usize> = (0..90).filter(|&r| labels[r] == k).collect();
                Affine::standard(&x, &rows, Shape::Vector(x.columns())).mean
            })
            .collect();
        for row in x.iter_rows() {
            let p = model.probabilities(row);
            let distance =
                |k: usize| -> f64 { means[k].iter().zip(row).map(|(m, &v)| (f64::from(v) - m).powi(2)).sum() };
            let nearest = (0..3).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).expect("class");
            let likeliest = (0..3).max_by(|&a, &b| p[a].total_cmp(&p[b])).expect("class");
            assert_eq!(nearest, likeliest);
        }
    }

    /// Three classes of rows whose features come in 30 groups of 60 that are the same: in truth one in 60 says something new.
    fn repeated(n: usize, seed: u64) -> (Matrix, Vec<usize>) {
        let (x, labels) = blob_matrix(n, 30, 3, 2.5, seed);
        let rows: Vec<Vec<f32>> = x.iter_rows().map(|row| row.iter().flat_map(|&v| [v; 60]).collect()).collect();
        (Matrix::from_rows(&rows).expect("rows"), labels)
    }

    #[test]
    fn tempered_probabilities_are_as_sure_as_they_are_right() {
        let (all, classes) = repeated(1900, 4);
        let part = |rows: std::ops::Range<usize>| all.select_rows(&rows.collect::<Vec<_>>()).expect("rows");
        let ((x, unseen), (labels, truth)) = ((part(0..900), part(900..1900)), classes.split_at(900));
        let params =
            |tempered| LdaParams { shrinkage: Shrinkage::Share(0.9), priors: Priors::Equal, tempered, relevance: 0.0 };
        let judged = |tempered| {
            let (model, note) = go(&params(tempered), &x, labels, 3).expect("fitted");
            let answers: Vec<Vec<f64>> = unseen.iter_rows().map(|row| model.probabilities(row)).collect();
            let best = |p: &[f64]| (0..3).max_by(|&a, &b| p[a].total_cmp(&p[b])).expect("a class");
            let sure = answers.iter().map(|p| p[best(p)] / p.iter().sum::<f64>()).sum::<f64>() / 1000.0;
            let labels: Vec<usize> = answers.iter().map(|p| best(p)).collect();
            let right = labels.iter().zip(truth).filter(|(a, b)| a == b).count() as f64 / 1000.0;
            (sure, right, labels, note)
        };
        let (plain, tempered) = (judged(false), judged(true));
        assert!(plain.0 - plain.1 > 0.1, "sure {}, right {}", plain.0, plain.1);
        assert!((tempered.0 - tempered.1).abs() < 0.04, "sure {}, right {}", tempered.0, tempered.1);
        assert_eq!(plain.2, tempered.2, "equal priors leave every label");
        assert!(tempered.3.contains("tempered by"), "{}", tempered.3);
    }

    #[test]
    fn the_right_covariance_needs_little_tempering() {
        let (x, labels) = blob_matrix(4000, 4, 3, 1.5, 3);
        let params = LdaParams { shrinkage: Shrinkage::Share(0.0), tempered: true, ..LdaParams::default() };
        let (_, note) = go(&params, &x, &labels, 3).expect("fitted");
        let temperature: f64 = note.rsplit(' ').next().expect("a word").parse().expect("a number");
        assert!((0.5..2.0).contains(&temperature), "{note}");
    }

    #[test]
    fn parts_are_of_voices_where_the_others_have_all_classes() {
        let labels = [0, 1, 0, 1, 0, 1, 0, 1];
        assert_eq!(parts(&labels, Some(&[4, 4, 4, 4, 9, 9, 9, 9]), 2), Some(vec![0, 0, 0, 0, 1, 1, 1, 1]));
        let by_row = Some(vec![1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(parts(&labels, None, 2), by_row);
        assert_eq!(parts(&labels, Some(&[5; 8]), 2), by_row, "one voice");
        assert_eq!(parts(&labels, Some(&[5, 6, 5, 6, 5, 6, 5, 6]), 2), by_row, "each voice has one class");
        assert_eq!(parts(&[0, 0, 1], None, 2), None);
        let (x, mut labels) = blob_matrix(40, 3, 2, 0.3, 6);
        labels[7] = 2;
        let params = LdaParams { tempered: true, ..LdaParams::default() };
        assert!(go(&params, &x, &labels, 3).expect("fitted").1.ends_with("tempered by 1.000"));
    }

    #[test]
    fn columns_that_tell_classes_apart_count_more() {
        let (blobs, labels) = blob_matrix(560, 4, 3, 1.0, 5);
        let mut random = Lcg::new(9);
        let rows: Vec<Vec<f32>> = blobs
            .iter_rows()
            .map(|row| row.iter().copied().chain((0..600).map(|_| random.centred() as f32)).collect())
            .collect();
        let (seen, unseen) = rows.split_at(60);
        let (x, unseen) = (Matrix::from_rows(seen).expect("rows"), Matrix::from_rows(unseen).expect("rows"));
        let right = |relevance| {
            let params = LdaParams { shrinkage: Shrinkage::Share(0.9), relevance, ..LdaParams::default() };
            let (model, _) = go(&params, &x, &labels[..60], 3).expect("fitted");
            let best = |row: &[f32]| {
                let p = model.probabilities(row);
                (0..3).max_by(|&a, &b| p[a].total_cmp(&p[b])).expect("a class")
            };
            unseen.iter_rows().zip(&labels[60..]).filter(|(row, label)| best(row) == **label).count()
        };
        let (alike, weighted) = (right(0.0), right(0.5));
        assert!(weighted > alike + 50, "{weighted} of 500, without {alike}");
        let factors = relevance(&x, &labels[..60], &[1.0 / 3.0; 3], 1.0);
        assert!(factors.iter().all(|factor| (0.0..=1.0).contains(factor)));
        let flat = Matrix::from_rows(&[[1.0f32, 0.0], [1.0, 1.0]]).expect("rows");
        assert_eq!(relevance(&flat, &[0, 1], &[0.5; 2], 0.5), [0.0, 1.0]);
        let params = LdaParams { relevance: f64::NAN, ..LdaParams::default() };
        assert!(matches!(params.check(), Err(ModelError::Parameter { key: "relevance", .. })));
    }

    #[test]
    fn more_features_than_recordings_need_shrinkage() {
        let (x, labels) = blob_matrix(12, 30, 3, 0.5, 8);
        assert!(go(&LdaParams::default(), &x, &labels, 3).is_ok());
        let raw = LdaParams { shrinkage: Shrinkage::Share(0.0), ..LdaParams::default() };
        let error = go(&raw, &x, &labels, 3).expect_err("singular").to_string();
        assert!(error.contains("singular") && error.contains("shrinkage"), "{error}");
    }

    #[test]
    fn by_recordings_or_by_features_the_weights_are_the_same() {
        let (x, labels) = blob_matrix(30, 31, 3, 0.5, 8);
        for shrinkage in [Shrinkage::Share(0.4), Shrinkage::Share(1.0), Shrinkage::Auto] {
            let (mut by_features, mut by_recordings) = (Pooled::new(31, 31), Pooled::new(30, 31));
            assert!(
                matches!(by_features.scatter, Scatter::Whole(_)) && matches!(by_recordings.scatter, Scatter::Parts(_))
            );
            let mut means = Vec::new();
            for (class, prior) in [0.2, 0.3, 0.5].into_iter().enumerate() {
                let rows: Vec<usize> = (0..30).filter(|&row| labels[row] == class).collect();
                let scaler = Affine::standard(&x, &rows, Shape::Vector(31));
                let share = by_features.add(prior, &x, &rows, &scaler, shrinkage);
                assert!((by_recordings.add(prior, &x, &rows, &scaler, shrinkage) - share).abs() < 1e-12);
                means.push(scaler.mean);
            }
            let (a, b) = (by_features.solve(&means).expect("solved"), by_recordings.solve(&means).expect("solved"));
            for (a, b) in a.concat().iter().zip(b.concat()) {
                assert!((a - b).abs() < 1e-9 * a.abs().max(1.0), "{shrinkage:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn a_class_with_one_recording_borrows_the_others_covariance() {
        let (x, mut labels) = blob_matrix(40, 3, 2, 0.3, 6);
        labels[7] = 2;
        let (model, _) = go(&LdaParams::default(), &x, &labels, 3).expect("fitted");
        assert!(model.weights.iter().all(|w| w.is_finite()));
        // With nothing but single recordings there is no covariance at all.
        let single = x.select_rows(&[0, 1, 7]).expect("rows");
        assert!(go(&LdaParams::default(), &single, &[0, 1, 2], 3).is_err());
    }

    #[test]
    fn priors_must_fit_the_classes() {
        let (x, labels) = blob_matrix(40, 3, 2, 0.3, 6);
        let params = LdaParams { priors: Priors::Given(vec![0.2, 0.3, 0.5]), ..LdaParams::default() };
        assert!(matches!(go(&params, &x, &labels, 2), Err(ModelError::Unsuitable { .. })));
        let params = LdaParams { priors: Priors::Given(vec![0.2, 0.3]), ..LdaParams::default() };
        assert!(matches!(params.check(), Err(ModelError::Parameter { key: "priors", .. })));
    }
}
