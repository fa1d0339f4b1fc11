//! The exponential linear unit (Clevert, Unterthiner and Hochreiter, ICLR 2016).
#![allow(clippy::inline_always)] // As in `simd`.

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, InPlace, Mode};
use crate::simd::{exp_m1_below_zero, vectorised};

/// `x` above 0, `α·(exp(x) - 1)` below.
#[derive(Debug)]
pub(crate) struct Elu {
    alpha: f32,
}

impl Elu {
    pub(crate) fn new(alpha: f64) -> Self {
        Self { alpha: alpha as f32 }
    }
}

impl InPlace for Elu {
    fn memory(&self, samples: usize, geometry: Geometry) -> Memory {
        Memory { outputs: vec![0.0; samples * geometry.len()], ..Memory::default() }
    }

    fn is_monotone(&self) -> bool {
        true
    }

    fn forward(&self, context: Context<'_>, data: &mut Tensor, memory: &mut Memory) {
        let (alpha, len) = (self.alpha, data.geometry().len());
        for sample in 0..context.samples {
            let values = data.sample_mut(sample);
            vectorised(
                #[inline(always)]
                || {
                    for x in &mut *values {
                        let below = alpha * exp_m1_below_zero(*x);
                        *x = if *x > 0.0 { *x } else { below };
                    }
                },
            );
            if matches!(context.mode, Mode::Training { .. }) {
                memory.outputs[sample * len..(sample + 1) * len].copy_from_slice(values);
            }
        }
    }

    /// Below 0 the slope is `α·exp(x)`, which is `y + α`.
    fn backward(&self, context: Context<'_>, _data: &Tensor, gradient: &mut Tensor, memory: &Memory) {
        let (alpha, len) = (self.alpha, gradient.geometry().len());
        for sample in 0..context.samples {
            let (outputs, gradients) = (&memory.outputs[sample * len..(sample + 1) * len], gradient.sample_mut(sample));
            vectorised(
                #[inline(always)]
                || {
                    for (g, y) in gradients.iter_mut().zip(outputs) {
                        *g = if *y > 0.0 { *g } else { *g * (*y + alpha) };
                    }
                },
            );
        }
    }
}
