//! Spectra on an axis of octaves.

use crate::lanes::vectorized;

/// Resamples spectra to points that lie equally far apart in octaves, by a natural cubic spline over the logarithm of the
/// frequency. The bin at 0 Hz lies as far below the first as the second lies above it.
pub(crate) struct OctaveAxis {
    /// The right side of the spline's equations: what the steps to the value before and to the value after count.
    before: Vec<f64>,
    after: Vec<f64>,
    /// Elimination in these equations, from both ends to the middle at once: what a solution takes from its neighbour
    /// outside on the way in, and from its neighbour inside on the way out.
    inward: Vec<f64>,
    outward: Vec<f64>,
    /// What the solution in the middle takes from its neighbours.
    middle: [f64; 2],
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
    /// From `bins` bins, an odd number, `bin_width` hertz apart to the points at 2^`first`, 2^(`first` + `step`) … hertz, as many as bins.
    pub(crate) fn new(bins: usize, bin_width: f64, first: f64, step: f64) -> Self {
        let octave = |bin: usize| (bin as f64 * bin_width).log2();
        let mut octaves: Vec<f64> = (0..bins).map(octave).collect();
        octaves[0] = 2.0 * octaves[1] - octaves[2];
        let widths: Vec<f64> = octaves.windows(2).map(|pair| pair[1] - pair[0]).collect();

        let (last, half) = (bins - 1, (bins - 1) / 2);
        let (mut before, mut after) = (vec![0.0; bins], vec![0.0; bins]);
        let (mut inward, mut outward) = (vec![0.0; bins], vec![0.0; bins]);
        let row = |bin: usize| (widths[bin - 1], 2.0 * (widths[bin - 1] + widths[bin]), widths[bin]);
        let mut set = |bin: usize, pivot: f64| {
            before[bin] = 6.0 / (widths[bin - 1] * pivot);
            after[bin] = 6.0 / (widths[bin] * pivot);
        };
        for bin in 1..half {
            let (left, here, right) = row(bin);
            let pivot = here - left * outward[bin - 1];
            set(bin, pivot);
            (inward[bin], outward[bin]) = (left / pivot, right / pivot);
        }
        for bin in (half + 1..last).rev() {
            let (left, here, right) = row(bin);
            let pivot = here - right * outward[bin + 1];
            set(bin, pivot);
            (inward[bin], outward[bin]) = (right / pivot, left / pivot);
        }
        let (left, here, right) = row(half);
        let pivot = here - left * outward[half - 1] - right * outward[half + 1];
        set(half, pivot);
        let middle = [left / pivot, right / pivot];

        let point = |index: usize| {
            let octave = first + index as f64 * step;
            let left = octaves.partition_point(|bin| *bin <= octave).clamp(1, bins - 1) - 1;
            let b = (octave - octaves[left]) / widths[left];
            let a = 1.0 - b;
            let curvature = |part: f64| (part.powi(3) - part) * widths[left].powi(2) / 6.0;
            Point { left, values: [a, b], curvatures: [curvature(a), curvature(b)] }
        };
        let points = (0..bins).map(point).collect();
        Self { before, after, inward, outward, middle, points, curvatures: vec![0.0; bins] }
    }

    /// Fills `out` with the spline through `values` at the points.
    pub(crate) fn resample(&mut self, values: &[f64], out: &mut [f64]) {
        self.bend(values);
        let Self { points, curvatures, .. } = self;
        for (out, point) in out.iter_mut().zip(points) {
            let ends = point.left..point.left + 2;
            let (values, bends) = (&values[ends.clone()], &curvatures[ends]);
            *out = point.values[0] * values[0]
                + point.values[1] * values[1]
                + point.curvatures[0] * bends[0]
                + point.curvatures[1] * bends[1];
        }
    }

    /// Solves the equations for the curvatures of the spline at the bins. It has none at the ends.
    fn bend(&mut self, values: &[f64]) {
        let Self { before, after, inward, outward, middle, curvatures, .. } = self;
        let (last, half) = (values.len() - 1, (values.len() - 1) / 2);
        vectorized(
            #[inline(always)]
            || {
                let steps = before[1..last].iter().zip(&after[1..last]).zip(values.windows(3));
                for (curvature, ((before, after), around)) in curvatures[1..last].iter_mut().zip(steps) {
                    *curvature = before * (around[0] - around[1]) + after * (around[2] - around[1]);
                }
            },
        );
        // The two halves wait for their own last results only, so they take little longer than one.
        let (mut left, mut right) = (0.0, 0.0);
        for (low, high) in (0..half).zip((half + 1..=last).rev()) {
            left = curvatures[low] - inward[low] * left;
            right = curvatures[high] - inward[high] * right;
            (curvatures[low], curvatures[high]) = (left, right);
        }
        let centre = curvatures[half] - middle[0] * left - middle[1] * right;
        curvatures[half] = centre;
        (left, right) = (centre, centre);
        for (low, high) in (0..half).rev().zip(half + 1..=last) {
            left = curvatures[low] - outward[low] * left;
            right = curvatures[high] - outward[high] * right;
            (curvatures[low], curvatures[high]) = (left, right);
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
