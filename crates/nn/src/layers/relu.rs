//! The rectifier.

use crate::batch::{Geometry, Memory, Tensor};
use crate::layers::{Context, InPlace};
use crate::simd::vectorised;

/// `max(x, 0)`.
#[derive(Debug)]
pub(crate) struct Relu;

impl InPlace for Relu {
    fn memory(&self, _samples: usize, _geometry: Geometry) -> Memory {
        Memory::default()
    }

    fn backward_reads_data(&self) -> bool {
        true
    }

    fn is_monotone(&self) -> bool {
        true
    }

    fn forward(&self, context: Context<'_>, data: &mut Tensor, _memory: &mut Memory) {
        for sample in 0..context.samples {
            let values = data.sample_mut(sample);
            vectorised(|| {
                for x in values {
                    // Not `max`, which would hide a NaN.
                    *x = if *x < 0.0 { 0.0 } else { *x };
                }
            });
        }
    }

    fn backward(&self, context: Context<'_>, data: &Tensor, gradient: &mut Tensor, _memory: &Memory) {
        for sample in 0..context.samples {
            let (values, gradients) = (data.sample(sample), gradient.sample_mut(sample));
            vectorised(|| {
                for (g, y) in gradients.iter_mut().zip(values) {
                    *g = if *y > 0.0 { *g } else { 0.0 };
                }
            });
        }
    }
}
