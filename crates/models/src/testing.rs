//! Data for tests, from formulas that `tests/golden/make.py` repeats.

use stimmung_nn::LayerSpec;

use crate::{
    BoostingParams, DenseParams, ForestParams, Kernel, LdaParams, Matrix, ModelAParams, ModelParams, NetworkParams,
    OneVsRestParams, SvmParams, TrainingParams,
};

/// The linear congruential generator of Knuth's MMIX; its top 31 bits make a number.
pub(crate) struct Lcg(u64);

impl Lcg {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 31)
    }

    /// Uniform in [−1, 1).
    pub(crate) fn centred(&mut self) -> f64 {
        2.0 * self.uniform() - 1.0
    }
}

/// Overlapping clouds of unequal size: the first rows show every class once, later ones favour the lower classes.
pub(crate) fn blobs(rows: usize, columns: usize, classes: usize, spread: f64, seed: u64) -> (Vec<f32>, Vec<usize>) {
    let mut random = Lcg::new(seed);
    let mut x = Vec::with_capacity(rows * columns);
    let mut labels = Vec::with_capacity(rows);
    for row in 0..rows {
        let u = random.uniform();
        let label = if row < classes { row } else { (classes as f64 * u * u) as usize };
        for column in 0..columns {
            let centre = ((7 * label + 3 * column) % 5) as f64 * 0.5 - 1.0;
            let noise = random.centred() + random.centred();
            x.push((centre + spread * noise) as f32);
        }
        labels.push(label);
    }
    (x, labels)
}

/// [`blobs`] as a matrix.
pub(crate) fn blob_matrix(rows: usize, columns: usize, classes: usize, spread: f64, seed: u64) -> (Matrix, Vec<usize>) {
    let (x, labels) = blobs(rows, columns, classes, spread, seed);
    (Matrix::new(rows, columns, x).expect("matrix"), labels)
}

/// `a`, `b`, `c` …
pub(crate) fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|k| char::from(b'a' + k as u8).to_string()).collect()
}

/// Every kind, with little work for the networks.
pub(crate) fn few_steps() -> Vec<ModelParams> {
    vec![
        ModelParams::by_name("logistic").expect("known"),
        ModelParams::by_name("lda").expect("known"),
        ModelParams::Svm(SvmParams { kernel: Kernel::Linear, ..SvmParams::default() }),
        ModelParams::Svm(SvmParams::default()),
        ModelParams::Forest(ForestParams { trees: 30, ..ForestParams::default() }),
        ModelParams::Boosting(BoostingParams {
            rounds: 10,
            subsample: 0.8,
            colsample: 0.8,
            ..BoostingParams::default()
        }),
        ModelParams::Dense(DenseParams {
            hidden: vec![6],
            batch_norm: true,
            dropout: 0.1,
            epochs: 3,
            ..DenseParams::default()
        }),
        ModelParams::ModelA(ModelAParams { epochs: 1, ..ModelAParams::default() }),
        ModelParams::Network(NetworkParams {
            layers: Some(vec![LayerSpec::Flatten, LayerSpec::dense(16), LayerSpec::Relu]),
            training: TrainingParams { epochs: 40, batch_size: 8, ..TrainingParams::default() },
            ..NetworkParams::default()
        }),
        ModelParams::OneVsRest(OneVsRestParams {
            member: Box::new(ModelParams::Dense(DenseParams {
                hidden: vec![8],
                epochs: 30,
                batch_size: 8,
                ..DenseParams::default()
            })),
            arbiter: Box::new(ModelParams::Lda(LdaParams::default())),
        }),
    ]
}
