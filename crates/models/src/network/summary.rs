//! A network as it is drawn.

use serde::Serialize;
use stimmung_nn::{LayerSpec, Padding};

/// A network as it is drawn: what goes in, and what each layer makes of it.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkSummary {
    /// The shape of a sample as the first layer takes it: `[features]`, `[length, channels]` or `[frames, bands, channels]`.
    pub input_shape: Vec<usize>,
    /// The layers in order.
    pub layers: Vec<LayerSummary>,
}

/// A layer of a network, as a drawing of it shows it.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerSummary {
    /// The layer's kind and its number among the layers of that kind: `conv1d_2`.
    pub name: String,
    /// The layer's kind as a recipe writes it: `conv1d`.
    pub kind: &'static str,
    /// What it does, in words: `128 filters of 5`. Empty where the kind says it all.
    pub does: String,
    /// The shape of a sample after it: `[features]`, `[length, channels]` or `[frames, bands, channels]`.
    pub output_shape: Vec<usize>,
    /// Numbers that training moves.
    pub parameters: usize,
}

impl NetworkSummary {
    /// Of the layers as they were asked for and as they came out.
    pub(crate) fn new(input_shape: &[usize], specs: &[LayerSpec], layers: Vec<stimmung_nn::LayerSummary>) -> Self {
        let layers = layers.into_iter().zip(specs).map(|(layer, spec)| LayerSummary {
            name: layer.name,
            kind: spec.kind(),
            does: describe(spec),
            output_shape: layer.output_shape,
            parameters: layer.parameters,
        });
        Self { input_shape: input_shape.to_vec(), layers: layers.collect() }
    }

    /// Numbers that training moves, of all layers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }
}

fn describe(spec: &LayerSpec) -> String {
    let convolution = |filters: usize, kernel: String, padding: Padding, stride: Option<String>| {
        let padding = if padding == Padding::Valid { ", without padding" } else { "" };
        let stride = stride.map_or_else(String::new, |stride| format!(", every {stride}"));
        format!("{filters} filters of {kernel}{stride}{padding}")
    };
    match *spec {
        LayerSpec::Dense { units } => format!("{units} units"),
        LayerSpec::Conv1d { filters, kernel, padding, stride } => {
            convolution(filters, kernel.to_string(), padding, (stride > 1).then(|| stride.to_string()))
        }
        LayerSpec::Conv2d { filters, kernel, padding, stride } => {
            let moves = stride.frames > 1 || stride.bands > 1;
            convolution(filters, kernel.to_string(), padding, moves.then(|| stride.to_string()))
        }
        LayerSpec::Dropout { rate } => format!("drops {rate}"),
        LayerSpec::MaxPool1d { size } => format!("largest of {size}"),
        LayerSpec::MaxPool2d { size } => format!("largest of {size}"),
        LayerSpec::Lstm { units, bidirectional, return_sequences } => {
            let ways = if bidirectional { ", both ways" } else { "" };
            let steps = if return_sequences { ", every step" } else { "" };
            format!("{units} cells{ways}{steps}")
        }
        LayerSpec::AttentionPool => "mean weighted by attention".to_owned(),
        LayerSpec::GlobalAveragePool => "mean of all positions".to_owned(),
        LayerSpec::BatchNorm { .. } | LayerSpec::Relu | LayerSpec::Elu { .. } | LayerSpec::Flatten => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use stimmung_nn::Network;

    use super::*;

    #[test]
    fn layers_say_what_they_do() {
        let specs = [
            LayerSpec::Conv1d { filters: 4, kernel: 3, padding: Padding::Valid, stride: 2 },
            LayerSpec::Relu,
            LayerSpec::max_pool1d(2),
            LayerSpec::Lstm { units: 5, bidirectional: true, return_sequences: true },
            LayerSpec::AttentionPool,
            LayerSpec::dropout(0.5),
            LayerSpec::dense(2),
        ];
        let layers = Network::outline(&[20, 1], &specs).expect("network");
        let network = NetworkSummary::new(&[20, 1], &specs, layers);
        assert_eq!((&network.input_shape[..], network.parameters()), (&[20, 1][..], 16 + 400 + 10 + 22));
        let summary = network.layers;
        let does: Vec<&str> = summary.iter().map(|layer| layer.does.as_str()).collect();
        let words = [
            "4 filters of 3, every 2, without padding",
            "",
            "largest of 2",
            "5 cells, both ways, every step",
            "mean weighted by attention",
            "drops 0.5",
            "2 units",
        ];
        assert_eq!(does, words);
        assert_eq!((summary[3].name.as_str(), &summary[3].output_shape[..]), ("lstm_1", &[4, 10][..]));
        let json = serde_json::to_value(&summary[0]).expect("json");
        assert_eq!((&json["kind"], &json["parameters"]), (&"conv1d".into(), &16.into()));
        assert_eq!(describe(&LayerSpec::conv2d(8, 3)), "8 filters of 3 × 3");
    }
}
