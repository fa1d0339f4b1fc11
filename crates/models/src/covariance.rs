//! Covariances of few recordings with many features.

/// The lower triangle of zᵀz / n, of shape `(d, d)`; `z` holds rows of `d` centred values.
pub(crate) fn covariance(z: &[f64], d: usize) -> Vec<f64> {
    let n = (z.len() / d) as f64;
    let mut covariance = vec![0.0; d * d];
    for row in z.chunks_exact(d) {
        for i in 0..d {
            let zi = row[i] / n;
            for (c, zj) in covariance[i * d..=i * d + i].iter_mut().zip(row) {
                *c += zi * zj;
            }
        }
    }
    covariance
}

/// The share of shrinkage that minimises the expected squared error of the covariance (Ledoit & Wolf 2004, section 3): the
/// variance of the sample covariance over its distance from `mu · I`.
pub(crate) fn ledoit_wolf(z: &[f64], covariance: &[f64], d: usize, mu: f64) -> f64 {
    if d == 1 {
        return 0.0;
    }
    let n = (z.len() / d) as f64;
    let mut square = 0.0;
    let mut trace = 0.0;
    for i in 0..d {
        let row = &covariance[i * d..=i * d + i];
        square += 2.0 * row[..i].iter().map(|c| c * c).sum::<f64>() + row[i] * row[i];
        trace += row[i];
    }
    let fourth: f64 = z.chunks_exact(d).map(|row| row.iter().map(|v| v * v).sum::<f64>().powi(2)).sum();
    let dims = d as f64;
    let variance = (fourth / n - square) / (dims * n);
    let distance = (square - 2.0 * mu * trace + dims * mu * mu) / dims;
    if variance <= 0.0 { 0.0 } else { variance.min(distance) / distance }
}
