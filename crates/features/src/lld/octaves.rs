//! Spectra on an axis of octaves.

use crate::lanes::vectorized;

/// Resamples spectra to points that lie equally far apart in octaves, by a natural cubic spline over the logarithm of the
/// frequency. The bin at 0 Hz lies as far below the first as the second lies above it.
pub(crate) struct OctaveAxis {
    /// The right side of the spline's equations is a weighted sum of three neighbouring values.
    rights: Vec<[f64; 3]>,
    /// Elimination in these equations: what the solution takes from the one before, and from the one after.
    downs: Vec<f64>,
    ups: Vec<f64>,
    points: Vec<Point>,
    curvatures: Vec<f64>,
}

/// A point between two bins.
struct Point {
    left: usize,
    /// What the values of the two count, and what their curvatures.
    values: [f64; 2],
    curvatures: [f64; 2],
}

impl OctaveAxis {
    /// From `bins` bins `bin_width` hertz apart to the points at 2^`first`, 2^(`first` + `step`) … hertz, as many as bins.
    pub(crate) fn new(bins: usize, bin_width: f64, first: f64, step: f64) -> Self {
        let octave = |bin: usize| (bin as f64 * bin_width).log2();
        let mut octaves: Vec<f64> = (0..bins).map(octave).collect();
        octaves[0] = 2.0 * octaves[1] - octaves[2];
        let widths: Vec<f64> = octaves.windows(2).map(|pair| pair[1] - pair[0]).collect();

        let (mut rights, mut downs, mut ups) = (vec![[0.0; 3]; bins], vec![0.0; bins], vec![0.0; bins]);
        for bin in 1..bins - 1 {
            let (before, after) = (widths[bin - 1], widths[bin]);
            let inverse = 1.0 / (2.0 * (before + after) - before * ups[bin - 1]);
            let (left, right) = (6.0 * inverse / before, 6.0 * inverse / after);
            rights[bin] = [left, -left - right, right];
            downs[bin] = before * inverse;
            ups[bin] = after * inverse;
        }

        let point = |index: usize| {
            let octave = first + index as f64 * step;
            let left = octaves.partition_point(|bin| *bin <= octave).clamp(1, bins - 1) - 1;
            let b = (octave - octaves[left]) / widths[left];
            let a = 1.0 - b;
            let curvature = |part: f64| (part.powi(3) - part) * widths[left].powi(2) / 6.0;
            Point { left, values: [a, b], curvatures: [curvature(a), curvature(b)] }
        };
        Self { rights, downs, ups, points: (0..bins).map(point).collect(), curvatures: vec![0.0; bins] }
    }

    /// Fills `out` with the spline through `values` at the points.
    pub(crate) fn resample(&mut self, values: &[f64], out: &mut [f64]) {
        let Self { rights, downs, ups, points, curvatures } = self;
        let last = values.len() - 1;
        vectorized(
            #[inline(always)]
            || {
                // Natural: no curvature at the ends.
                for bin in 1..last {
                    let [left, here, right] = rights[bin];
                    curvatures[bin] = left * values[bin - 1] + here * values[bin] + right * values[bin + 1];
                }
            },
        );
        for bin in 1..last {
            curvatures[bin] -= downs[bin] * curvatures[bin - 1];
        }
        for bin in (1..last).rev() {
            curvatures[bin] -= ups[bin] * curvatures[bin + 1];
        }
        for (out, point) in out.iter_mut().zip(points) {
            let ends = point.left..point.left + 2;
            let (values, bends) = (&values[ends.clone()], &curvatures[ends]);
            *out = point.values[0] * values[0]
                + point.values[1] * values[1]
                + point.curvatures[0] * bends[0]
                + point.curvatures[1] * bends[1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_functions_of_the_octave_are_followed() {
        let (bins, width) = (513, 15.625);
        let first = 25.0_f64.log2();
        let step = (8000.0_f64.log2() - first) / 512.0;
        let mut axis = OctaveAxis::new(bins, width, first, step);
        let wave = |octave: f64| (octave * 0.9).sin();
        let mut values: Vec<f64> = (0..bins).map(|bin| wave((bin as f64 * width).log2())).collect();
        values[0] = wave(width.log2() - 1.0);
        let mut out = vec![0.0; bins];
        axis.resample(&values, &mut out);
        for (index, value) in out.iter().enumerate().skip(80) {
            let octave = first + index as f64 * step;
            assert!((value - wave(octave)).abs() < 2e-3, "{index}: {value} {}", wave(octave));
        }
        assert!((out[512] - values[512]).abs() < 1e-9);
        // A line in octaves has no curvature anywhere.
        values.iter_mut().enumerate().for_each(|(bin, value)| *value = (bin as f64 * width).log2());
        values[0] = width.log2() - 1.0;
        axis.resample(&values, &mut out);
        assert!(out.iter().enumerate().all(|(index, value)| (value - first - index as f64 * step).abs() < 1e-9));
    }
}
