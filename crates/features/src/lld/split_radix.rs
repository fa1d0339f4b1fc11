//! The Fourier transform of a real signal in single precision, rounded as the standard sets round it.

use std::f64::consts::FRAC_PI_4;

use realfft::num_complex::Complex;

type Point = Complex<f32>;

/// The split-radix transform of T. Ooura ("General Purpose FFT Package", 2001), with the convention
/// X(k) = Σ x(n) exp(+2πi kn / N) and without any scaling.
///
/// Other transforms are faster and more exact. This one is for what has to agree to the last bit with programs that use
/// Ooura's in single precision: the order of its additions, and how each of its factors is rounded, are part of the result.
///
/// A signal of N real numbers is read as N / 2 complex ones. A stage takes a block of them apart into four: the
/// frequencies that 4 divides, the other even ones, and the two kinds of odd ones. The second of these is a block whose
/// frequencies lie half-way between whole ones, and is taken apart by a *twisted* stage. The others are plain again, except
/// for the last of a twisted stage, which is twisted too.
pub(crate) struct SplitRadix {
    /// From the whole signal down to blocks of two points or one, which have no factors.
    stages: Vec<Stage>,
    /// What tells the halves of a spectrum apart, bin by bin.
    halves: Vec<Point>,
    /// cos π/4.
    diagonal: f32,
}

/// The factors of a block, for each point of its first quarter.
struct Stage {
    plain: Vec<Factors>,
    twisted: Vec<Factors>,
}

/// exp(iφ) and exp(3iφ).
#[derive(Debug, Clone, Copy, Default)]
struct Factors {
    first: Point,
    third: Point,
}

impl SplitRadix {
    /// For signals of `size` numbers, a power of two from 64 on.
    pub(crate) fn new(size: usize) -> Self {
        debug_assert!(size.is_power_of_two() && size >= 64, "{size}");
        let angles = Angles::new(size);
        let mut stages = vec![Stage { plain: angles.whole(), twisted: Vec::new() }];
        let mut quarter = size / 32;
        while quarter > 0 {
            stages.push(Stage { plain: angles.plain(quarter), twisted: angles.twisted(quarter) });
            quarter /= 4;
        }
        Self { stages, halves: angles.halves(), diagonal: angles.diagonal }
    }

    /// Writes X(1) to X(N / 2 − 1) to these places of `spectrum`, which has N / 2. The first gets X(0) and X(N / 2), which are real.
    pub(crate) fn transform(&self, signal: &[f32], spectrum: &mut [Point]) {
        let points = spectrum.len();
        for (point, pair) in spectrum.iter_mut().zip(signal.as_chunks::<2>().0) {
            *point = Point::new(pair[0], pair[1]);
        }
        self.take_apart(spectrum, &self.stages, false);
        for index in 0..points {
            let reversed = index.reverse_bits() >> (usize::BITS - points.ilog2());
            if index < reversed {
                spectrum.swap(index, reversed);
            }
        }
        self.join_halves(spectrum);
    }

    /// The transform of a block, frequencies in the order of their reversed bits.
    fn take_apart(&self, block: &mut [Point], stages: &[Stage], twisted: bool) {
        if let [a, b] = block {
            let other = if twisted { turned(*b) } else { *b };
            (*a, *b) = (*a + other, *a - other);
        }
        let quarter = block.len() / 4;
        let Some((stage, smaller)) = stages.split_first().filter(|_| quarter > 0) else { return };
        if twisted {
            self.twisted_stage(block, &stage.twisted);
        } else {
            self.plain_stage(block, &stage.plain);
        }
        for (index, part) in block.chunks_exact_mut(quarter).enumerate() {
            self.take_apart(part, smaller, index == 1 || index == 3 && twisted);
        }
    }

    fn plain_stage(&self, block: &mut [Point], factors: &[Factors]) {
        let quarter = factors.len();
        for (index, factors) in factors.iter().enumerate() {
            let [a, b, c, d] = [0, 1, 2, 3].map(|part| block[index + part * quarter]);
            let (even, odd) = (a + c, b + d);
            let (across, up) = (a - c, turned(b - d));
            let (third, fourth) = (across + up, across - up);
            let (third, fourth) = match index {
                0 => (third, fourth),
                _ if 2 * index == quarter => (self.eighth(third), turned(self.eighth(fourth))),
                _ => (third * factors.first, fourth * factors.third),
            };
            for (part, value) in [even + odd, even - odd, third, fourth].into_iter().enumerate() {
                block[index + part * quarter] = value;
            }
        }
    }

    fn twisted_stage(&self, block: &mut [Point], factors: &[Factors]) {
        let quarter = factors.len();
        for index in 0..quarter {
            let [a, b, c, d] = [0, 1, 2, 3].map(|part| block[index + part * quarter]);
            let (c, d) = (turned(c), turned(d));
            let (first, second, third, fourth) = if index == 0 {
                (a + c, self.eighth(b + d), a - c, turned(self.eighth(b - d)))
            } else {
                let (near, far) = (factors[index], factors[quarter - index].mirrored());
                ((a + c) * near.first, (b + d) * far.first, (a - c) * near.third, (b - d) * far.third)
            };
            for (part, value) in
                [first + second, first - second, third + fourth, third - fourth].into_iter().enumerate()
            {
                block[index + part * quarter] = value;
            }
        }
    }

    /// From the transform of pairs read as complex numbers to that of the numbers.
    fn join_halves(&self, spectrum: &mut [Point]) {
        let points = spectrum.len();
        for (bin, factor) in self.halves.iter().enumerate().skip(1) {
            let (low, high) = (spectrum[bin], spectrum[points - bin]);
            let part = factor * Point::new(low.re - high.re, low.im + high.im);
            spectrum[bin] = low - part;
            spectrum[points - bin] = Point::new(high.re + part.re, high.im - part.im);
        }
        let Point { re, im } = spectrum[0];
        spectrum[0] = Point::new(re + im, re - im);
    }

    /// exp(iπ / 4) times a number.
    fn eighth(&self, Point { re, im }: Point) -> Point {
        Point::new(self.diagonal * (re - im), self.diagonal * (im + re))
    }
}

impl Factors {
    /// Those of the angle π / 2 − φ.
    fn mirrored(self) -> Self {
        Self { first: swapped(self.first), third: -swapped(self.third) }
    }
}

/// i times a number.
fn turned(Point { re, im }: Point) -> Point {
    Point::new(-im, re)
}

fn swapped(Point { re, im }: Point) -> Point {
    Point::new(im, re)
}

/// Factors as Ooura's tables have them: angles are multiples of a step, and step and multiple are rounded to single precision.
struct Angles {
    size: usize,
    /// 2π / size.
    step: f32,
    diagonal: f32,
}

impl Angles {
    fn new(size: usize) -> Self {
        let step = (FRAC_PI_4 / (size / 8) as f64) as f32;
        Self { size, step, diagonal: unit(step * (size / 8) as f32).re }
    }

    /// The factors of the angle 2π · 4 · `index` / size, below π / 4.
    fn factors(&self, index: usize) -> Factors {
        let multiple = (4 * index) as f32;
        Factors { first: unit(self.step * multiple), third: unit(3.0 * self.step * multiple) }
    }

    /// The factors of a plain block of 4 · `quarter` points: of the angles 2π · index / (4 · quarter).
    fn plain(&self, quarter: usize) -> Vec<Factors> {
        let mut factors = vec![Factors::default(); quarter];
        for index in 1..quarter.div_ceil(2) {
            factors[index] = self.factors(index * self.size / 16 / quarter);
            if quarter == 4 {
                factors[index].third = swapped(factors[index].first);
            }
            factors[quarter - index] = factors[index].mirrored();
        }
        factors
    }

    /// The factors of a twisted block of 4 · `quarter` points: of the angles π · index / (4 · quarter).
    fn twisted(&self, quarter: usize) -> Vec<Factors> {
        let mut factors: Vec<Factors> =
            (0..quarter).map(|index| self.factors(index * self.size / 32 / quarter)).collect();
        if quarter > 1 {
            factors[quarter / 2].third = swapped(factors[quarter / 2].first);
        }
        if quarter == 4 {
            let Factors { first, third } = factors[1];
            factors[3] = Factors { first: third, third: turned(first) };
        }
        factors
    }

    /// The factors of the whole, of which the table has every other one; those between come from their neighbours.
    fn whole(&self) -> Vec<Factors> {
        let quarter = self.size / 8;
        let (diagonal, middle) = (self.diagonal, quarter / 2);
        let mut factors = vec![Factors::default(); quarter];
        for index in (0..middle).step_by(2) {
            factors[index] = self.factors(index / 2);
        }
        factors[middle] = Factors { first: Point::new(diagonal, diagonal), third: Point::new(-diagonal, diagonal) };
        let stretch = |multiple: f32| (0.5 / f64::from(self.step * multiple).cos()) as f32;
        let (first, third) = (stretch(2.0), stretch(6.0));
        for index in (1..middle).step_by(2) {
            let (before, after) = (factors[index - 1], factors[index + 1]);
            factors[index].first = (before.first + after.first) * first;
            factors[index].third = (before.third + after.third) * third;
        }
        for index in 1..middle {
            factors[quarter - index] = factors[index].mirrored();
        }
        factors
    }

    /// (1 + i exp(2πi · bin / size)) / 2 for the bins up to a quarter of the size.
    fn halves(&self) -> Vec<Point> {
        let eighth = self.size / 8;
        let half = |bin: usize| match bin {
            _ if bin < eighth => unit(self.step * bin as f32),
            _ if bin == eighth => Point::new(self.diagonal, self.diagonal),
            _ => swapped(unit(self.step * (2 * eighth - bin) as f32)),
        };
        (0..2 * eighth).map(half).map(|angle| Point::new(0.5 - 0.5 * angle.im, 0.5 * angle.re)).collect()
    }
}

/// exp(i · angle).
fn unit(angle: f32) -> Point {
    let (sin, cos) = f64::from(angle).sin_cos();
    Point::new(cos as f32, sin as f32)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn it_is_the_fourier_transform_at_every_size() {
        for size in [64, 128, 256, 512, 1024, 2048, 4096] {
            let signal: Vec<f32> = (0..size).map(|n| ((n * n * 31 + n) % 1009) as f32 / 504.0 - 1.0).collect();
            let mut spectrum = vec![Point::default(); size / 2];
            SplitRadix::new(size).transform(&signal, &mut spectrum);
            let exact = |bin: usize| -> Complex<f64> {
                let turn = |(n, x): (usize, &f32)| {
                    Complex::from_polar(f64::from(*x), TAU * ((bin * n) % size) as f64 / size as f64)
                };
                signal.iter().enumerate().map(turn).sum()
            };
            let bound = 2e-7 * (size as f64).sqrt() * (size as f64).log2();
            assert!((exact(0).re - f64::from(spectrum[0].re)).abs() < bound, "{size}");
            assert!((exact(size / 2).re - f64::from(spectrum[0].im)).abs() < bound, "{size}");
            for bin in 1..size / 2 {
                let found = Complex::new(f64::from(spectrum[bin].re), f64::from(spectrum[bin].im));
                assert!((exact(bin) - found).norm() < bound, "{size} {bin}: {} {found}", exact(bin));
            }
        }
    }
}
