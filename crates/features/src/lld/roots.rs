//! Roots of polynomials.

use realfft::num_complex::Complex;

/// Rounds after which roots stay as they are; simple roots take about ten.
const ROUNDS: usize = 60;

/// Where a root moves by less than this share of its magnitude, it is found: near a simple root the error of a step is about
/// the third power of the step.
const TOLERANCE: f64 = 1e-9;

/// All roots of z^N + Σ c(i) z^(N−1−i), by the method of O. Aberth ("Iteration methods for finding all zeros of a polynomial
/// simultaneously", Mathematics of Computation 27, 1973).
///
/// Newton steps from points on a circle, each corrected for the pull of the other roots. Deterministic; multiple roots
/// come out as close ones.
pub(crate) fn roots<const N: usize>(coefficients: &[f64; N]) -> [Complex<f64>; N] {
    let radius = coefficients[N - 1].abs().powf(1.0 / N as f64).clamp(1e-3, 1e3);
    let start = |index: usize| {
        // Off the real axis and not symmetric about it, or pairs of real roots would never part.
        Complex::from_polar(radius, (index as f64 + 0.25) * std::f64::consts::TAU / N as f64)
    };
    let mut roots: [Complex<f64>; N] = std::array::from_fn(start);
    let mut found = [false; N];
    for _ in 0..ROUNDS {
        for index in 0..N {
            if found[index] {
                continue;
            }
            let root = roots[index];
            let step = aberth_step(coefficients, &roots, index);
            if !step.re.is_finite() || !step.im.is_finite() {
                found[index] = true;
                continue;
            }
            roots[index] = root - step;
            found[index] = step.norm_sqr() <= TOLERANCE * TOLERANCE * root.norm_sqr();
        }
        if found == [true; N] {
            break;
        }
    }
    roots
}

fn aberth_step<const N: usize>(coefficients: &[f64; N], roots: &[Complex<f64>; N], index: usize) -> Complex<f64> {
    let root = roots[index];
    let (mut value, mut slope) = (Complex::new(1.0, 0.0), Complex::new(0.0, 0.0));
    for coefficient in coefficients {
        slope = slope * root + value;
        value = value * root + coefficient;
    }
    let mut pull = Complex::new(0.0, 0.0);
    for (other, far) in roots.iter().enumerate() {
        if other != index {
            pull += (root - far).inv();
        }
    }
    value / (slope - value * pull)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coefficients of Π (z − root), without the leading 1.
    fn expand<const N: usize>(roots: &[Complex<f64>; N]) -> [f64; N] {
        let mut polynomial = vec![Complex::new(1.0, 0.0)];
        for root in roots {
            polynomial.push(Complex::new(0.0, 0.0));
            for index in (1..polynomial.len()).rev() {
                let before = polynomial[index - 1];
                polynomial[index] -= root * before;
            }
        }
        std::array::from_fn(|index| polynomial[index + 1].re)
    }

    #[test]
    fn roots_come_back() {
        let pair = |radius: f64, angle: f64| [Complex::from_polar(radius, angle), Complex::from_polar(radius, -angle)];
        let mut expected = [Complex::new(-0.5, 0.0); 11];
        for (index, (radius, angle)) in
            [(0.98, 0.3), (0.95, 0.9), (0.99, 1.7), (0.7, 2.5), (1.02, 2.9)].into_iter().enumerate()
        {
            [expected[2 * index], expected[2 * index + 1]] = pair(radius, angle);
        }
        let found = roots(&expand(&expected));
        for root in expected {
            assert!(found.iter().any(|other| (other - root).norm() < 1e-9), "{root} {found:?}");
        }
    }

    #[test]
    fn real_double_and_vanishing_roots_do_not_disturb() {
        assert!(roots(&[0.0; 11]).iter().all(|root| root.re.is_finite() && root.im.is_finite()));
        let real = [1.0, 2.0, 3.0, -4.0].map(|root| Complex::new(root, 0.0));
        for root in roots(&expand(&real)) {
            assert!(real.iter().any(|other| (other - root).norm() < 1e-9), "{root}");
        }
        let double = [0.5, 0.5, -0.9].map(|root| Complex::new(root, 0.0));
        for root in roots(&expand(&double)) {
            assert!(double.iter().any(|other| (other - root).norm() < 1e-5), "{root}");
        }
    }
}
