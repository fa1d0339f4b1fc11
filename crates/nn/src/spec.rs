//! The layers a network is made of, as a recipe writes them.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Extent, NnError};

/// What a convolution does at the ends of a sample, in each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// Zeros around the sample, so that the output has `ceil(length / stride)` positions. With an odd number of
    /// zeros, the odd one goes to the end, as in Keras.
    #[default]
    Same,
    /// No zeros: the kernel stays inside the sample, and the output has `(length - kernel) / stride + 1` positions.
    Valid,
}

/// One layer. In a recipe, a table with the key `layer`:
///
/// ```
/// # use stimmung_nn::{LayerSpec, Padding};
/// # #[derive(serde::Deserialize)] struct Model { layers: Vec<LayerSpec> }
/// # let model: Model = toml::from_str(r#"
/// layers = [
///   { layer = "conv1d", filters = 256, kernel = 5 },
///   { layer = "batch-norm" },
///   { layer = "relu" },
///   { layer = "dropout", rate = 0.1 },
///   { layer = "max-pool1d", size = 8 },
///   { layer = "flatten" },
///   { layer = "dense", units = 7 },
/// ]
/// # "#)?;
/// assert_eq!(model.layers[0], LayerSpec::conv1d(256, 5));
/// assert_eq!(model.layers[1], LayerSpec::batch_norm());
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// Unknown keys are errors. Weights start from Glorot and Bengio's uniform distribution (AISTATS 2010, eq. 16):
/// `U[-l, l]` with `l = sqrt(6 / (fan_in + fan_out))`, biases from zero, as in Keras.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LayerSpec {
    /// A fully connected layer, `y = x·W + b`: `(features,)` → `(units,)`. Needs a [`Flatten`](Self::Flatten) or
    /// a [`GlobalAveragePool`](Self::GlobalAveragePool) before it when samples have a length.
    Dense {
        /// Outputs, at least 1.
        units: usize,
    },
    /// A convolution over the length: `(length, channels)` → `(length', filters)`, where
    /// `y[p, f] = b[f] + Σ_{t, c} x[p·stride + t, c] · W[t, c, f]` (a cross-correlation, as everywhere in this field).
    Conv1d {
        /// Output channels, at least 1.
        filters: usize,
        /// Positions under the kernel, at least 1.
        kernel: usize,
        /// What happens at the ends; [`Padding::Same`] by default.
        #[serde(default)]
        padding: Padding,
        /// Positions from one output to the next, at least 1, which is the default.
        #[serde(default = "one")]
        stride: usize,
    },
    /// A convolution over pictures: `(frames, bands, channels)` → `(frames', bands', filters)`, where
    /// `y[r, s, f] = b[f] + Σ_{t, u, c} x[r·stride + t, s·stride + u, c] · W[t, u, c, f]`. Fastest where channels and
    /// filters are multiples of 32.
    Conv2d {
        /// Output channels, at least 1.
        filters: usize,
        /// Frames and bands under the kernel, at least 1; 3 × 3 by default.
        #[serde(default = "three")]
        kernel: Extent,
        /// What happens at the edges, frames and bands each for themselves; [`Padding::Same`] by default.
        #[serde(default)]
        padding: Padding,
        /// Frames and bands from one output to the next, at least 1, which is the default.
        #[serde(default = "one_by_one")]
        stride: Extent,
    },
    /// Batch normalisation (Ioffe and Szegedy, ICML 2015): in training, each channel is brought to mean 0 and variance 1
    /// over the batch and all positions, then scaled by γ (from 1) and shifted by β (from 0). In evaluation, running
    /// averages take the place of the batch's. The variance is the population's, `1/N`, in both.
    BatchNorm {
        /// How much of the running averages stays at each step, in `[0, 1)`. 0.99 by default, as in Keras; PyTorch's
        /// default, 0.1 in its opposite convention, is 0.9 here.
        #[serde(default = "batch_norm_momentum")]
        momentum: f64,
        /// Added to the variance before the root, above 0. 0.001 by default, as in Keras.
        #[serde(default = "batch_norm_epsilon")]
        epsilon: f64,
    },
    /// The rectifier, `max(x, 0)`. Its slope at 0 is taken as 0.
    #[serde(deserialize_with = "no_keys")]
    Relu,
    /// The exponential linear unit (Clevert, Unterthiner and Hochreiter, ICLR 2016): `x` above 0, `α·(exp(x) - 1)` below.
    Elu {
        /// Minus the limit for small `x`, at least 0 and at most 1000; 1 by default, as in Keras.
        #[serde(default = "elu_alpha")]
        alpha: f64,
    },
    /// Dropout (Srivastava et al., JMLR 2014), inverted: in training, each value becomes zero with probability `rate` and
    /// the others grow by `1 / (1 - rate)`; nothing happens in evaluation. Probabilities are multiples of 1/65536.
    Dropout {
        /// The share to drop, in `[0, 1)`.
        rate: f64,
    },
    /// The largest of every `size` positions, channel by channel: `(length, channels)` → `(length / size, channels)`.
    /// Positions that do not fill a window are left out. Of equal values, the first receives the gradient.
    MaxPool1d {
        /// Positions in a window, and from one window to the next; at least 1 and at most the length.
        size: usize,
    },
    /// Long short-term memory (Hochreiter and Schmidhuber 1997) with forget gates (Gers, Schmidhuber and Cummins 2000):
    /// `(length, channels)` → `(units,)`, or `(length, units)` with `return_sequences`. A picture of
    /// `(frames, bands, channels)` is read as a sequence of `(frames, bands · channels)`.
    ///
    /// With `σ` the logistic function, and `h` and `c` zero before the first step,
    /// `[i f g o] = x[t]·W + h[t-1]·R + b`, `c[t] = σ(f)·c[t-1] + σ(i)·tanh(g)`, `h[t] = σ(o)·tanh(c[t])`. As in Keras, the gates
    /// stand in this order, `R` starts as an orthogonal matrix (Saxe et al., ICLR 2014) and the biases of the
    /// forget gates from 1 (Jozefowicz, Zaremba and Sutskever, ICML 2015). It has `4·((channels + units)·units + units)`
    /// parameters, twice as many if bidirectional; the first weights take a time that grows with the cube of the units.
    Lstm {
        /// Cells, at least 1.
        units: usize,
        /// Whether a second such layer reads the sample from its end (Schuster and Paliwal 1997). The outputs of both stand
        /// side by side, so that there are `2·units`: at each step the two that have read that step, or without
        /// `return_sequences` the last one of either. Off by default.
        #[serde(default)]
        bidirectional: bool,
        /// Whether every step gives an output; otherwise the last step alone. Off by default.
        #[serde(default)]
        return_sequences: bool,
    },
    /// An average over the length, with weights that the layer learns to choose: `(length, channels)` → `(channels,)`. This
    /// is the weighted pooling with local attention of Mirsamadi, Barsoum and Zhang (ICASSP 2017): `y = Σ_t α[t]·h[t]` with
    /// `α = softmax(h·u)` over the length and one vector `u` of as many values as there are channels. Pictures are read as
    /// by [`Lstm`](Self::Lstm).
    #[serde(deserialize_with = "no_keys")]
    AttentionPool,
    /// The largest value of every window, channel by channel: `(frames, bands, channels)` →
    /// `(frames / size, bands / size, channels)`. Frames and bands that do not fill a window are left out. Of equal
    /// values, the first receives the gradient.
    MaxPool2d {
        /// The window, and the way from one to the next; at least 1 and at most the picture, 2 × 2 by default.
        #[serde(default = "two_by_two")]
        size: Extent,
    },
    /// The mean over all positions (Lin, Chen and Yan, ICLR 2014, section 3.2): `(length, channels)` or
    /// `(frames, bands, channels)` → `(channels,)`. What follows sees flat samples.
    #[serde(deserialize_with = "no_keys")]
    GlobalAveragePool,
    /// All values in one row, position by position: `(length, channels)` → `(length · channels,)`, and
    /// `(frames, bands, channels)` → `(frames · bands · channels,)`.
    #[serde(deserialize_with = "no_keys")]
    Flatten,
}

fn one() -> usize {
    1
}

fn one_by_one() -> Extent {
    Extent::square(1)
}

fn two_by_two() -> Extent {
    Extent::square(2)
}

fn three() -> Extent {
    Extent::square(3)
}

fn elu_alpha() -> f64 {
    1.0
}

fn batch_norm_momentum() -> f64 {
    0.99
}

fn batch_norm_epsilon() -> f64 {
    1e-3
}

/// Reads a layer that has no keys of its own. Without this, serde passes over unknown keys of such variants in silence.
pub(crate) fn no_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoKeys {}
    NoKeys::deserialize(deserializer).map(|NoKeys {}| ())
}

impl LayerSpec {
    /// A fully connected layer.
    pub const fn dense(units: usize) -> Self {
        Self::Dense { units }
    }

    /// A convolution that keeps the length.
    pub const fn conv1d(filters: usize, kernel: usize) -> Self {
        Self::Conv1d { filters, kernel, padding: Padding::Same, stride: 1 }
    }

    /// A convolution over pictures with a square kernel, which keeps frames and bands.
    pub const fn conv2d(filters: usize, kernel: usize) -> Self {
        Self::Conv2d { filters, kernel: Extent::square(kernel), padding: Padding::Same, stride: Extent::square(1) }
    }

    /// Batch normalisation with Keras' defaults: momentum 0.99, epsilon 0.001.
    pub fn batch_norm() -> Self {
        Self::BatchNorm { momentum: batch_norm_momentum(), epsilon: batch_norm_epsilon() }
    }

    /// Dropout of this share of the values.
    pub const fn dropout(rate: f64) -> Self {
        Self::Dropout { rate }
    }

    /// The largest of every `size` positions.
    pub const fn max_pool1d(size: usize) -> Self {
        Self::MaxPool1d { size }
    }

    /// Long short-term memory that reads forward and gives its last output.
    pub const fn lstm(units: usize) -> Self {
        Self::Lstm { units, bidirectional: false, return_sequences: false }
    }

    /// The largest value of every square window.
    pub const fn max_pool2d(size: usize) -> Self {
        Self::MaxPool2d { size: Extent::square(size) }
    }

    /// The exponential linear unit with `α` = 1.
    pub fn elu() -> Self {
        Self::Elu { alpha: elu_alpha() }
    }

    /// The layer's kind, as a recipe writes it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv1d { .. } => "conv1d",
            Self::Conv2d { .. } => "conv2d",
            Self::BatchNorm { .. } => "batch-norm",
            Self::Relu => "relu",
            Self::Elu { .. } => "elu",
            Self::Dropout { .. } => "dropout",
            Self::MaxPool1d { .. } => "max-pool1d",
            Self::Lstm { .. } => "lstm",
            Self::AttentionPool => "attention-pool",
            Self::MaxPool2d { .. } => "max-pool2d",
            Self::GlobalAveragePool => "global-average-pool",
            Self::Flatten => "flatten",
        }
    }

    /// Checks the parameters that can be checked without knowing the layer's input.
    ///
    /// # Errors
    ///
    /// [`NnError::Parameter`] names the parameter, its value and its range.
    pub fn check(&self) -> Result<(), NnError> {
        let at_least_one = |name, value: usize| {
            if value == 0 { Err(NnError::parameter(name, value, "at least 1")) } else { Ok(()) }
        };
        let not_empty = |name, extent: Extent| {
            if extent.is_empty() {
                Err(NnError::parameter(name, extent, "at least 1 in both directions"))
            } else {
                Ok(())
            }
        };
        let share = |name, value: f64| {
            if (0.0..1.0).contains(&value) {
                Ok(())
            } else {
                Err(NnError::parameter(name, value, "at least 0 and below 1"))
            }
        };
        match *self {
            Self::Dense { units } => at_least_one("dense.units", units),
            Self::Conv1d { filters, kernel, padding: _, stride } => {
                at_least_one("conv1d.filters", filters)?;
                at_least_one("conv1d.kernel", kernel)?;
                at_least_one("conv1d.stride", stride)
            }
            Self::Conv2d { filters, kernel, padding: _, stride } => {
                at_least_one("conv2d.filters", filters)?;
                not_empty("conv2d.kernel", kernel)?;
                not_empty("conv2d.stride", stride)
            }
            Self::BatchNorm { momentum, epsilon } => {
                share("batch-norm.momentum", momentum)?;
                // As an f32 it must still be there.
                if (1e-30..=1.0).contains(&epsilon) {
                    Ok(())
                } else {
                    Err(NnError::parameter("batch-norm.epsilon", epsilon, "at least 1e-30 and at most 1"))
                }
            }
            Self::Dropout { rate } => share("dropout.rate", rate),
            Self::MaxPool1d { size } => at_least_one("max-pool1d.size", size),
            Self::Lstm { units, .. } => at_least_one("lstm.units", units),
            Self::MaxPool2d { size } => not_empty("max-pool2d.size", size),
            Self::Elu { alpha } => {
                if (0.0..=1e3).contains(&alpha) {
                    Ok(())
                } else {
                    Err(NnError::parameter("elu.alpha", alpha, "at least 0 and at most 1000"))
                }
            }
            Self::Relu | Self::AttentionPool | Self::GlobalAveragePool | Self::Flatten => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_through_toml_and_json() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Recipe {
            layers: Vec<LayerSpec>,
        }
        let recipe = Recipe {
            layers: vec![
                LayerSpec::Conv1d { filters: 4, kernel: 3, padding: Padding::Valid, stride: 2 },
                LayerSpec::Conv2d {
                    filters: 4,
                    kernel: Extent { frames: 2, bands: 3 },
                    padding: Padding::Valid,
                    stride: Extent::square(2),
                },
                LayerSpec::max_pool2d(3),
                LayerSpec::Elu { alpha: 0.5 },
                LayerSpec::GlobalAveragePool,
                LayerSpec::batch_norm(),
                LayerSpec::Relu,
                LayerSpec::dropout(0.1),
                LayerSpec::max_pool1d(2),
                LayerSpec::Lstm { units: 4, bidirectional: true, return_sequences: true },
                LayerSpec::AttentionPool,
                LayerSpec::Flatten,
                LayerSpec::dense(3),
            ],
        };
        let text = toml::to_string(&recipe).unwrap();
        assert!(text.contains("momentum = 0.99\n"), "{text}");
        assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe);
        let text = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe);
    }

    #[test]
    fn defaults_are_filled_in() {
        let layer: LayerSpec = serde_json::from_str(r#"{"layer": "conv1d", "filters": 8, "kernel": 5}"#).unwrap();
        assert_eq!(layer, LayerSpec::conv1d(8, 5));
        let layer: LayerSpec = serde_json::from_str(r#"{"layer": "batch-norm"}"#).unwrap();
        assert_eq!(layer, LayerSpec::batch_norm());
        let layer: LayerSpec = serde_json::from_str(r#"{"layer": "lstm", "units": 8}"#).unwrap();
        assert_eq!(layer, LayerSpec::lstm(8));
        let layer: LayerSpec = serde_json::from_str(r#"{"layer": "conv2d", "filters": 8}"#).unwrap();
        assert_eq!(layer, LayerSpec::conv2d(8, 3));
        let layer: LayerSpec = serde_json::from_str(r#"{"layer": "max-pool2d"}"#).unwrap();
        assert_eq!(layer, LayerSpec::max_pool2d(2));
        let layer: LayerSpec = serde_json::from_str(r#"{"layer": "elu"}"#).unwrap();
        assert_eq!(layer, LayerSpec::elu());
    }

    #[test]
    fn unknown_keys_and_kinds_are_errors() {
        for text in [
            r#"{"layer": "dense", "units": 3, "activation": "relu"}"#,
            r#"{"layer": "relu", "slope": 0.1}"#,
            r#"{"layer": "flatten", "order": "c"}"#,
            r#"{"layer": "batch-norm", "momentum": 0.9, "epsilom": 1e-5}"#,
            r#"{"layer": "lstm", "units": 3, "return_sequence": true}"#,
            r#"{"layer": "attention-pool", "units": 3}"#,
            r#"{"layer": "dense"}"#,
            r#"{"layer": "conv2d", "filters": 8, "kernel": 3, "dilation": 2}"#,
            r#"{"layer": "conv2d", "filters": 8, "kernel": [3, 3, 3]}"#,
            r#"{"layer": "max-pool2d", "sizes": 2}"#,
            r#"{"layer": "elu", "beta": 2}"#,
            r#"{"layer": "global-average-pool", "axis": 1}"#,
            r#"{"layer": "attention"}"#,
        ] {
            assert!(serde_json::from_str::<LayerSpec>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn out_of_range_parameters_are_refused() {
        for layer in [
            LayerSpec::dense(0),
            LayerSpec::conv1d(0, 5),
            LayerSpec::conv1d(5, 0),
            LayerSpec::Conv1d { filters: 1, kernel: 1, padding: Padding::Same, stride: 0 },
            LayerSpec::BatchNorm { momentum: 1.0, epsilon: 1e-3 },
            LayerSpec::BatchNorm { momentum: -0.1, epsilon: 1e-3 },
            LayerSpec::BatchNorm { momentum: 0.9, epsilon: 0.0 },
            LayerSpec::BatchNorm { momentum: 0.9, epsilon: f64::NAN },
            LayerSpec::dropout(1.0),
            LayerSpec::dropout(f64::NAN),
            LayerSpec::max_pool1d(0),
            LayerSpec::lstm(0),
            LayerSpec::conv2d(0, 3),
            LayerSpec::conv2d(3, 0),
            LayerSpec::Conv2d {
                filters: 1,
                kernel: Extent::square(1),
                padding: Padding::Same,
                stride: Extent { frames: 1, bands: 0 },
            },
            LayerSpec::MaxPool2d { size: Extent { frames: 0, bands: 1 } },
            LayerSpec::Elu { alpha: -0.1 },
            LayerSpec::Elu { alpha: f64::NAN },
        ] {
            assert!(matches!(layer.check(), Err(NnError::Parameter { .. })), "{layer:?}");
        }
        assert_eq!(LayerSpec::dropout(0.0).check(), Ok(()));
    }
}
