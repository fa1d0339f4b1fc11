//! Optimisers: how parameters follow their gradients.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::NnError;
use crate::simd::vectorised;

#[cfg(test)]
mod tests;

/// Parameters that one piece of work updates; fixed, and without effect on the result.
const BLOCK: usize = 1 << 14;

/// An optimiser and its parameters. In a recipe, a table with the key `kind`:
///
/// ```
/// # use stimmung_nn::OptimizerSpec;
/// let optimizer: OptimizerSpec = toml::from_str(r#"
/// kind = "rmsprop"
/// learning_rate = 1e-5
/// decay = 1e-6
/// "#)?;
/// assert_eq!(optimizer.learning_rate_at(0), 1e-5);
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// All of them know Keras' older form of decay: at step `t`, counted from 0, the rate is
/// `learning_rate / (1 + decay · t)`. Unknown keys are errors. Below, `g` is the gradient, `w` a parameter, `η` the rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent: `v ← momentum·v - η·g`, `w ← w + v`; with Nesterov's momentum,
    /// `w ← w + momentum·v - η·g`.
    Sgd {
        /// Step size, above 0. 0.01 by default.
        #[serde(default = "sgd_rate")]
        learning_rate: f64,
        /// How much of the last step stays, in `[0, 1)`. 0 by default: no momentum.
        #[serde(default)]
        momentum: f64,
        /// Whether the momentum is Nesterov's. Off by default.
        #[serde(default)]
        nesterov: bool,
        /// Decay of the rate, at least 0, which is the default.
        #[serde(default)]
        decay: f64,
    },
    /// Adam (Kingma and Ba, ICLR 2015, the form before section 2.1, as in Keras):
    /// `m ← β₁·m + (1-β₁)·g`, `v ← β₂·v + (1-β₂)·g²`,
    /// `w ← w - η·sqrt(1-β₂ᵗ)/(1-β₁ᵗ) · m/(sqrt(v) + ε)` with `t` from 1.
    Adam {
        /// Step size, above 0. 0.001 by default.
        #[serde(default = "adaptive_rate")]
        learning_rate: f64,
        /// How much of the mean gradient stays, in `[0, 1)`. 0.9 by default.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// How much of the mean squared gradient stays, in `[0, 1)`. 0.999 by default.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Keeps the divisor from zero, above 0. 1e-7 by default, as in Keras.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Decay of the rate, at least 0, which is the default.
        #[serde(default)]
        decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019, algorithm 2, as in PyTorch): with `m` and `v` as
    /// in Adam, `w ← w - η·λ·w`, then `w ← w - η · m̂/(sqrt(v̂) + ε)` with `m̂ = m/(1-β₁ᵗ)` and `v̂ = v/(1-β₂ᵗ)`. The rate `η` of
    /// the step stands before both terms, so a schedule lowers the decay with it.
    ///
    /// Only kernels decay, that is tensors of two or more axes. Biases, and the scale and shift of normalisations, are exempt:
    /// pulling them to zero moves the function's offset and scale and hardly limits what it can express
    /// (Goodfellow, Bengio and Courville 2016, section 7.1). PyTorch decays everything that it is not told to spare.
    #[serde(rename = "adamw")]
    AdamW {
        /// Step size, above 0. 0.001 by default.
        #[serde(default = "adaptive_rate")]
        learning_rate: f64,
        /// How much of the mean gradient stays, in `[0, 1)`. 0.9 by default.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// How much of the mean squared gradient stays, in `[0, 1)`. 0.999 by default.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Keeps the divisor from zero, above 0. 1e-8 by default, as in PyTorch, because it stands where it stands there.
        #[serde(default = "adamw_epsilon")]
        epsilon: f64,
        /// The decay λ of the weights, at least 0, its product with the learning rate below 1. 0.01 by default, as in PyTorch.
        #[serde(default = "weight_decay")]
        weight_decay: f64,
        /// Decay of the rate, at least 0, which is the default.
        #[serde(default)]
        decay: f64,
    },
    /// RMSprop (Hinton's lecture 6e): `v ← ρ·v + (1-ρ)·g²`, `w ← w - η·g/(sqrt(v) + ε)`. The ε stands outside the root, as in
    /// PyTorch and in Keras up to 2.2; Keras 3 has it inside.
    Rmsprop {
        /// Step size, above 0. 0.001 by default.
        #[serde(default = "adaptive_rate")]
        learning_rate: f64,
        /// How much of the mean squared gradient stays, in `[0, 1)`. 0.9 by default.
        #[serde(default = "rho")]
        rho: f64,
        /// Keeps the divisor from zero, above 0. 1e-7 by default, as in Keras.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Decay of the rate, at least 0, which is the default.
        #[serde(default)]
        decay: f64,
    },
}

fn sgd_rate() -> f64 {
    0.01
}

fn adaptive_rate() -> f64 {
    1e-3
}

fn beta_1() -> f64 {
    0.9
}

fn beta_2() -> f64 {
    0.999
}

fn rho() -> f64 {
    0.9
}

fn epsilon() -> f64 {
    1e-7
}

fn adamw_epsilon() -> f64 {
    1e-8
}

fn weight_decay() -> f64 {
    0.01
}

impl Default for OptimizerSpec {
    /// Adam at a rate of 0.001.
    fn default() -> Self {
        Self::adam(adaptive_rate())
    }
}

impl OptimizerSpec {
    /// Plain gradient descent at this rate.
    pub const fn sgd(learning_rate: f64) -> Self {
        Self::Sgd { learning_rate, momentum: 0.0, nesterov: false, decay: 0.0 }
    }

    /// Adam with its usual parameters at this rate.
    pub fn adam(learning_rate: f64) -> Self {
        Self::Adam { learning_rate, beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon(), decay: 0.0 }
    }

    /// `AdamW` with its usual parameters at this rate and decay of the weights.
    pub fn adamw(learning_rate: f64, weight_decay: f64) -> Self {
        let (beta_1, beta_2, epsilon) = (beta_1(), beta_2(), adamw_epsilon());
        Self::AdamW { learning_rate, beta_1, beta_2, epsilon, weight_decay, decay: 0.0 }
    }

    /// `RMSprop` with its usual parameters at this rate.
    pub fn rmsprop(learning_rate: f64) -> Self {
        Self::Rmsprop { learning_rate, rho: rho(), epsilon: epsilon(), decay: 0.0 }
    }

    /// The same with this decay of the rate.
    ///
    /// ```
    /// # use stimmung_nn::OptimizerSpec;
    /// let optimizer = OptimizerSpec::sgd(0.1).with_decay(0.5);
    /// assert_eq!(optimizer.learning_rate_at(2), 0.05);
    /// ```
    #[must_use]
    pub fn with_decay(mut self, new: f64) -> Self {
        let (Self::Sgd { decay, .. }
        | Self::Adam { decay, .. }
        | Self::AdamW { decay, .. }
        | Self::Rmsprop { decay, .. }) = &mut self;
        *decay = new;
        self
    }

    /// The learning rate that the optimiser starts with.
    pub fn learning_rate(&self) -> f64 {
        let (Self::Sgd { learning_rate, .. }
        | Self::Adam { learning_rate, .. }
        | Self::AdamW { learning_rate, .. }
        | Self::Rmsprop { learning_rate, .. }) = *self;
        learning_rate
    }

    /// The learning rate of step `step`, counted from 0: `learning_rate / (1 + decay · step)`.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        self.decayed(self.learning_rate(), step)
    }

    /// What the optimiser's own decay leaves of this rate at step `step`.
    pub(crate) fn decayed(&self, rate: f64, step: u64) -> f64 {
        let (Self::Sgd { decay, .. }
        | Self::Adam { decay, .. }
        | Self::AdamW { decay, .. }
        | Self::Rmsprop { decay, .. }) = *self;
        rate / (1.0 + decay * step as f64)
    }

    /// Checks the parameters.
    ///
    /// # Errors
    ///
    /// [`NnError::Parameter`] names the parameter, its value and its range.
    pub fn check(&self) -> Result<(), NnError> {
        let require = |holds, name, value: f64, expected| {
            if holds { Ok(()) } else { Err(NnError::parameter(name, value, expected)) }
        };
        let share = |name, value: f64| require((0.0..1.0).contains(&value), name, value, "at least 0 and below 1");
        let divisor = |value: f64| {
            let holds = value >= 1e-30 && value.is_finite();
            require(holds, "optimizer.epsilon", value, "at least 1e-30 and finite")
        };
        let decay = match *self {
            Self::Sgd { momentum, decay, .. } => {
                share("optimizer.momentum", momentum)?;
                decay
            }
            Self::Adam { beta_1, beta_2, epsilon, decay, .. } | Self::AdamW { beta_1, beta_2, epsilon, decay, .. } => {
                share("optimizer.beta_1", beta_1)?;
                share("optimizer.beta_2", beta_2)?;
                divisor(epsilon)?;
                decay
            }
            Self::Rmsprop { rho, epsilon, decay, .. } => {
                share("optimizer.rho", rho)?;
                divisor(epsilon)?;
                decay
            }
        };
        let rate = self.learning_rate();
        require(rate > 0.0 && rate.is_finite(), "optimizer.learning_rate", rate, "above 0 and finite")?;
        if let Self::AdamW { weight_decay, .. } = *self {
            let holds = weight_decay >= 0.0 && weight_decay * rate < 1.0;
            let expected = "at least 0, and below 1 times the learning rate";
            require(holds, "optimizer.weight_decay", weight_decay, expected)?;
        }
        require(decay >= 0.0 && decay.is_finite(), "optimizer.decay", decay, "at least 0 and finite")
    }
}

/// An optimiser at work: what it remembers of the gradients.
#[derive(Debug)]
pub(crate) struct Optimizer {
    spec: OptimizerSpec,
    /// The parameters that weight decay is for.
    kernels: Vec<Range<usize>>,
    /// Steps taken.
    step: u64,
    /// SGD's velocity, Adam's mean gradient; empty where it is not needed.
    first: Vec<f32>,
    /// The mean squared gradient of Adam and `RMSprop`; empty where it is not needed.
    second: Vec<f32>,
}

/// Zero in the place of a subnormal number: averages that decay towards zero would otherwise end there, where processors
/// are slow.
#[inline]
fn flushed(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

impl Optimizer {
    /// An optimiser for this many parameters, its spec checked. `kernels` are those that weight decay is for.
    pub(crate) fn new(spec: OptimizerSpec, parameters: usize, kernels: Vec<Range<usize>>) -> Self {
        let (first, second) = match spec {
            OptimizerSpec::Sgd { momentum, .. } => (momentum > 0.0, false),
            OptimizerSpec::Adam { .. } | OptimizerSpec::AdamW { .. } => (true, true),
            OptimizerSpec::Rmsprop { .. } => (false, true),
        };
        let memory = |needed| vec![0.0; if needed { parameters } else { 0 }];
        Self { spec, kernels, step: 0, first: memory(first), second: memory(second) }
    }

    /// Steps taken.
    pub(crate) fn steps(&self) -> u64 {
        self.step
    }

    /// What is remembered of the gradients: the first and the second moments, each empty where there are none.
    pub(crate) fn moments(&self) -> [&[f32]; 2] {
        [&self.first, &self.second]
    }

    /// Goes on after this many steps with these moments, each as long as those of [`moments`](Self::moments).
    pub(crate) fn restore(&mut self, step: u64, moments: [&[f32]; 2]) {
        self.step = step;
        self.first.copy_from_slice(moments[0]);
        self.second.copy_from_slice(moments[1]);
    }

    /// Moves the parameters by one step at this rate.
    pub(crate) fn update(&mut self, rate: f64, parameters: &mut [f32], gradients: &[f32]) {
        self.step += 1;
        if let OptimizerSpec::AdamW { weight_decay, .. } = self.spec {
            let keep = (1.0 - rate * weight_decay) as f32;
            for range in &self.kernels {
                parameters[range.clone()].par_chunks_mut(BLOCK).for_each(|weights| {
                    vectorised(|| weights.iter_mut().for_each(|w| *w *= keep));
                });
            }
        }
        let blocks = parameters.par_chunks_mut(BLOCK).zip(gradients.par_chunks(BLOCK));
        match self.spec {
            OptimizerSpec::Sgd { momentum: 0.0, .. } => {
                let rate = rate as f32;
                blocks.for_each(|(parameters, gradients)| {
                    vectorised(|| {
                        for (w, g) in parameters.iter_mut().zip(gradients) {
                            *w -= rate * g;
                        }
                    });
                });
            }
            OptimizerSpec::Sgd { momentum, nesterov, .. } => {
                let (rate, momentum) = (rate as f32, momentum as f32);
                blocks.zip(self.first.par_chunks_mut(BLOCK)).for_each(|((parameters, gradients), velocity)| {
                    vectorised(|| {
                        for ((w, g), v) in parameters.iter_mut().zip(gradients).zip(velocity) {
                            *v = flushed(momentum * *v - rate * g);
                            *w += if nesterov { momentum * *v - rate * g } else { *v };
                        }
                    });
                });
            }
            OptimizerSpec::Adam { beta_1, beta_2, epsilon, .. } => {
                let time = self.step as f64;
                let rate = (rate * (1.0 - beta_2.powf(time)).sqrt() / (1.0 - beta_1.powf(time))) as f32;
                let (keep_1, new_1) = (beta_1 as f32, (1.0 - beta_1) as f32);
                let (keep_2, new_2) = (beta_2 as f32, (1.0 - beta_2) as f32);
                let epsilon = epsilon as f32;
                let memories = self.first.par_chunks_mut(BLOCK).zip(self.second.par_chunks_mut(BLOCK));
                blocks.zip(memories).for_each(|((parameters, gradients), (first, second))| {
                    vectorised(|| {
                        for (((w, g), m), v) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
                            *m = flushed(keep_1 * *m + new_1 * g);
                            *v = flushed(keep_2 * *v + new_2 * (g * g));
                            *w -= rate * *m / (v.sqrt() + epsilon);
                        }
                    });
                });
            }
            OptimizerSpec::AdamW { beta_1, beta_2, epsilon, .. } => {
                let time = self.step as f64;
                let rate = (rate / (1.0 - beta_1.powf(time))) as f32;
                let root_scale = (1.0 / (1.0 - beta_2.powf(time)).sqrt()) as f32;
                let (keep_1, new_1) = (beta_1 as f32, (1.0 - beta_1) as f32);
                let (keep_2, new_2) = (beta_2 as f32, (1.0 - beta_2) as f32);
                let epsilon = epsilon as f32;
                let memories = self.first.par_chunks_mut(BLOCK).zip(self.second.par_chunks_mut(BLOCK));
                blocks.zip(memories).for_each(|((parameters, gradients), (first, second))| {
                    vectorised(|| {
                        for (((w, g), m), v) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
                            *m = flushed(keep_1 * *m + new_1 * g);
                            *v = flushed(keep_2 * *v + new_2 * (g * g));
                            *w -= rate * *m / (v.sqrt() * root_scale + epsilon);
                        }
                    });
                });
            }
            OptimizerSpec::Rmsprop { rho, epsilon, .. } => {
                let (rate, keep, new) = (rate as f32, rho as f32, (1.0 - rho) as f32);
                let epsilon = epsilon as f32;
                blocks.zip(self.second.par_chunks_mut(BLOCK)).for_each(|((parameters, gradients), second)| {
                    vectorised(|| {
                        for ((w, g), v) in parameters.iter_mut().zip(gradients).zip(second) {
                            *v = flushed(keep * *v + new * (g * g));
                            *w -= rate * g / (v.sqrt() + epsilon);
                        }
                    });
                });
            }
        }
    }
}
