//! Limited-memory BFGS for smooth convex functions (Nocedal & Wright, *Numerical Optimization*, 2nd ed., algorithms 7.4,
//! 7.5, 3.5 and 3.6): two-loop recursion with a line search for the strong Wolfe conditions.
//!
//! Everything is summed in index order in `f64`, so equal input gives equal bits.

use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Correction pairs that are kept. Ten are usual; more cost memory and hardly save iterations.
const MEMORY: usize = 10;
/// Sufficient decrease and curvature constants of the strong Wolfe conditions, the usual ones for quasi-Newton steps.
const C1: f64 = 1e-4;
const C2: f64 = 0.9;
/// Function evaluations that one line search may take.
const LINE_SEARCH_LIMIT: usize = 30;

/// When to stop.
pub(crate) struct Options {
    pub(crate) max_iterations: usize,
    /// The largest absolute entry of the gradient that counts as converged.
    pub(crate) tolerance: f64,
}

/// Where the search ended.
pub(crate) struct Minimum {
    pub(crate) x: Vec<f64>,
    pub(crate) value: f64,
    pub(crate) gradient: f64,
    pub(crate) iterations: usize,
    pub(crate) converged: bool,
}

/// The point that a line search accepted.
struct Step {
    length: f64,
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Minimises `objective` from `x`. `objective(x, gradient)` writes the gradient and returns the value; `progress` is called
/// after every iteration with its number (from 1) and the value, and may stop the search, which gives `None`.
pub(crate) fn minimise(
    x: Vec<f64>,
    options: &Options,
    mut objective: impl FnMut(&[f64], &mut [f64]) -> f64,
    mut progress: impl FnMut(usize, f64) -> ControlFlow<()>,
) -> Option<Minimum> {
    let n = x.len();
    let mut gradient = vec![0.0; n];
    let value = objective(&x, &mut gradient);
    let mut at = Step { length: 0.0, x, value, gradient };
    let mut pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::with_capacity(MEMORY);
    let mut iterations = 0;
    let mut converged = largest(&at.gradient) <= options.tolerance;
    while !converged && iterations < options.max_iterations {
        let mut direction = two_loop(&at.gradient, &pairs);
        let mut slope = dot(&direction, &at.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            // Rounding has spoilt the curvature pairs: go on along the steepest descent.
            pairs.clear();
            direction = at.gradient.iter().map(|g| -g).collect();
            slope = dot(&direction, &at.gradient);
        }
        let first = if pairs.is_empty() { 1.0 / dot(&at.gradient, &at.gradient).sqrt().max(1.0) } else { 1.0 };
        let Some(next) = line_search(&at, &direction, slope, first, &mut objective) else {
            if pairs.is_empty() {
                // Not even the steepest descent finds a lower value: as good as it gets in f64.
                break;
            }
            pairs.clear();
            continue;
        };
        iterations += 1;
        let s: Vec<f64> = next.x.iter().zip(&at.x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next.gradient.iter().zip(&at.gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > f64::EPSILON * dot(&y, &y) {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back((s, y, 1.0 / curvature));
        }
        at = next;
        if progress(iterations, at.value).is_break() {
            return None;
        }
        converged = largest(&at.gradient) <= options.tolerance;
    }
    Some(Minimum { gradient: largest(&at.gradient), x: at.x, value: at.value, iterations, converged })
}

/// The quasi-Newton direction `−H·gradient` (algorithm 7.4).
fn two_loop(gradient: &[f64], pairs: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(pairs.len());
    for (s, y, rho) in pairs.iter().rev() {
        let alpha = rho * dot(s, &q);
        add(&mut q, -alpha, y);
        alphas.push(alpha);
    }
    if let Some((_, y, rho)) = pairs.back() {
        let scale = 1.0 / (rho * dot(y, y));
        for v in &mut q {
            *v *= scale;
        }
    }
    for ((s, y, rho), alpha) in pairs.iter().zip(alphas.iter().rev()) {
        let beta = rho * dot(y, &q);
        add(&mut q, alpha - beta, s);
    }
    q
}

/// A step along `direction` that satisfies the strong Wolfe conditions, or the best one with sufficient decrease that the
/// allowed number of evaluations found; `None` if there is not even that.
fn line_search(
    from: &Step,
    direction: &[f64],
    slope: f64,
    first: f64,
    objective: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Option<Step> {
    let mut evaluate = |length: f64| {
        let mut x = from.x.clone();
        add(&mut x, length, direction);
        let mut gradient = vec![0.0; x.len()];
        let value = objective(&x, &mut gradient);
        let step_slope = dot(&gradient, direction);
        (Step { length, x, value, gradient }, step_slope)
    };
    let decreases = |step: &Step| step.value <= from.value + C1 * step.length * slope;
    // `low` is the best step known to decrease enough; the wanted step lies between it and `high`.
    let mut low = (0.0, from.value, slope);
    let mut best: Option<Step> = None;
    let mut high: Option<(f64, f64, f64)> = None;
    let mut length = first;
    for _ in 0..LINE_SEARCH_LIMIT {
        let (step, step_slope) = evaluate(length);
        let point = (length, step.value, step_slope);
        if !step.value.is_finite() || !decreases(&step) || (best.is_some() && step.value >= low.1) {
            high = Some(point);
        } else if step_slope.abs() <= -C2 * slope {
            return Some(step);
        } else {
            let turned = match high {
                Some((h, _, _)) => step_slope * (h - low.0) >= 0.0,
                None => step_slope >= 0.0,
            };
            if turned {
                high = Some(low);
            }
            low = point;
            best = Some(step);
        }
        length = match high {
            None => 2.0 * length,
            Some(high) => between(low, high),
        };
        if length == low.0 {
            break;
        }
    }
    best.filter(|step| step.value < from.value)
}

/// The minimiser of the cubic through two points with slopes (Nocedal & Wright, eq. 3.59), kept away from both ends; the
/// middle where there is none.
fn between(a: (f64, f64, f64), b: (f64, f64, f64)) -> f64 {
    let (a0, fa, ga) = a;
    let (b0, fb, gb) = b;
    let d1 = ga + gb - 3.0 * (fa - fb) / (a0 - b0);
    let d2 = (b0 - a0).signum() * (d1 * d1 - ga * gb).sqrt();
    let cubic = b0 - (b0 - a0) * (gb + d2 - d1) / (gb - ga + 2.0 * d2);
    let (near, far) = (a0.min(b0), a0.max(b0));
    let margin = 0.1 * (far - near);
    if cubic.is_finite() { cubic.clamp(near + margin, far - margin) } else { 0.5 * (a0 + b0) }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    for (x, y) in a.iter_mut().zip(b) {
        *x += factor * y;
    }
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m, x| m.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: Vec<f64>, f: impl FnMut(&[f64], &mut [f64]) -> f64) -> Minimum {
        let options = Options { max_iterations: 500, tolerance: 1e-9 };
        minimise(start, &options, f, |_, _| ControlFlow::Continue(())).expect("not stopped")
    }

    #[test]
    fn a_badly_scaled_bowl_is_solved_exactly() {
        let minimum = run(vec![1.0; 40], |x, g| {
            let mut value = 0.0;
            for (i, (x, g)) in x.iter().zip(g).enumerate() {
                let weight = 10f64.powf(i as f64 / 20.0);
                let d = x - i as f64;
                value += 0.5 * weight * d * d;
                *g = weight * d;
            }
            value
        });
        assert!(minimum.converged && minimum.gradient <= 1e-9);
        for (i, x) in minimum.x.iter().enumerate() {
            assert!((x - i as f64).abs() < 1e-8, "{i}: {x}");
        }
    }

    #[test]
    fn the_rosenbrock_valley_is_followed_to_its_end() {
        let minimum = run(vec![-1.2, 1.0], |x, g| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g[0] = -2.0 * a - 400.0 * x[0] * b;
            g[1] = 200.0 * b;
            a * a + 100.0 * b * b
        });
        assert!(minimum.converged && minimum.iterations < 60, "{}", minimum.iterations);
        assert!((minimum.x[0] - 1.0).abs() < 1e-8 && (minimum.x[1] - 1.0).abs() < 1e-8);
    }

    #[test]
    fn every_iteration_lowers_the_value() {
        let mut last = f64::INFINITY;
        let f = |x: &[f64], g: &mut [f64]| {
            g[0] = x[0].tanh() + 0.01 * x[0];
            x[0].cosh().ln() + 0.005 * x[0] * x[0]
        };
        let options = Options { max_iterations: 50, tolerance: 1e-10 };
        minimise(vec![30.0], &options, f, |_, value| {
            assert!(value < last);
            last = value;
            ControlFlow::Continue(())
        })
        .expect("not stopped");
    }

    #[test]
    fn it_stops_when_told() {
        let options = Options { max_iterations: 50, tolerance: 0.0 };
        let f = |x: &[f64], g: &mut [f64]| {
            g[0] = 2.0 * x[0];
            x[0] * x[0]
        };
        assert!(minimise(vec![5.0], &options, f, |_, _| ControlFlow::Break(())).is_none());
    }
}
