//! Networks by name, and by their layers.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use stimmung_features::Shape;
use stimmung_nn::LayerSpec;

use super::training::TrainingParams;
use crate::ModelError;
use crate::params::{nearest, out_of_range};

/// Most layers that a network may have: more than anyone trains, and few enough to be built in no time.
pub(crate) const MOST_LAYERS: usize = 1000;

/// A network that a recipe can name. They are data: `data/architectures.toml`.
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Architecture {
    /// The name in a recipe.
    pub name: String,
    /// What it is and where it comes from.
    pub about: String,
    /// The features that it is meant for.
    pub input: String,
    /// Its layers, but for the last dense one, which has as many units as there are classes.
    pub layers: Vec<LayerSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    architecture: Vec<Architecture>,
}

impl Architecture {
    /// All architectures, those of one source together.
    ///
    /// # Examples
    /// ```
    /// use stimmung_models::Architecture;
    /// assert!(Architecture::all().iter().any(|it| it.name == "mel-cnn-3"));
    /// ```
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Architecture>> = LazyLock::new(|| {
            let text = include_str!("../../data/architectures.toml");
            toml::from_str::<File>(text).expect("tests read the embedded file").architecture
        });
        &ALL
    }

    /// The architecture of this name.
    ///
    /// # Errors
    /// [`ModelError::UnknownArchitecture`] lists the known names and the nearest one.
    pub fn by_name(name: &str) -> Result<&'static Self, ModelError> {
        Self::all().iter().find(|it| it.name == name).ok_or_else(|| {
            let known: Vec<&str> = Self::all().iter().map(|it| it.name.as_str()).collect();
            ModelError::UnknownArchitecture {
                name: name.to_owned(),
                nearest: nearest(name, &known),
                known: known.into_iter().map(str::to_owned).collect(),
            }
        })
    }
}

/// Parameters of a network of any layers.
///
/// Samples come to the first layer in the form that it wants: pictures as `[frames, bands, 1]` to two-dimensional layers and
/// as a sequence of `[frames, bands]` to others, vectors as a sequence of `[features, 1]` to one-dimensional layers and as they are to
/// dense ones.
///
/// # Examples
/// ```
/// use stimmung_models::ModelParams;
/// let params: ModelParams = toml::from_str(r#"
/// kind = "network"
/// layers = [
///   { layer = "lstm", units = 64, bidirectional = true, return_sequences = true },
///   { layer = "attention-pool" },
///   { layer = "dropout", rate = 0.3 },
/// ]
/// training = { epochs = 30, clip_norm = 1.0 }
/// "#)?;
/// params.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkParams {
    /// The name of an [`Architecture`]. Either this or `layers` is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The layers, at most 1000, without the last one: a dense layer with one unit a class is appended. What comes before it
    /// must leave samples flat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<LayerSpec>>,
    /// How it is trained.
    pub training: TrainingParams,
}

impl NetworkParams {
    pub(crate) const KIND: &str = "network";

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let hidden = self.hidden()?;
        if hidden.len() > MOST_LAYERS {
            let expected = "a list of at most 1000";
            return Err(out_of_range(Self::KIND, "layers", format!("a list of {}", hidden.len()), expected));
        }
        for layer in hidden {
            layer.check()?;
        }
        self.training.check(Self::KIND)
    }

    /// The layers but for the last.
    fn hidden(&self) -> Result<&[LayerSpec], ModelError> {
        match (&self.architecture, &self.layers) {
            (Some(name), None) => Ok(&Architecture::by_name(name)?.layers),
            (None, Some(layers)) => Ok(layers),
            (None, None) => Err(out_of_range(Self::KIND, "architecture", "absent", "given, or `layers` instead")),
            (Some(name), Some(_)) => Err(out_of_range(Self::KIND, "architecture", name, "absent beside `layers`")),
        }
    }

    pub(crate) fn layers(&self, classes: usize) -> Result<Vec<LayerSpec>, ModelError> {
        Ok([self.hidden()?, &[LayerSpec::dense(classes)]].concat())
    }
}

/// The form in which a network of these layers takes its samples.
pub(crate) fn input_shape(layers: &[LayerSpec], shape: Shape) -> Result<Vec<usize>, ModelError> {
    let refuse = |reason: &str| Err(ModelError::Unsuitable { kind: NetworkParams::KIND, reason: reason.to_owned() });
    // Layers that take anything leave the choice to those behind them.
    let choosing = layers.iter().find(|layer| {
        !matches!(
            layer,
            LayerSpec::BatchNorm { .. } | LayerSpec::Relu | LayerSpec::Elu { .. } | LayerSpec::Dropout { .. }
        )
    });
    match (choosing, shape) {
        (Some(LayerSpec::Conv2d { .. } | LayerSpec::MaxPool2d { .. }), Shape::Picture { frames, bands }) => {
            Ok(vec![frames, bands, 1])
        }
        (Some(LayerSpec::Conv2d { .. } | LayerSpec::MaxPool2d { .. }), Shape::Vector(_)) => {
            refuse("its two-dimensional layers need pictures: use a feature set that keeps the frames")
        }
        (Some(LayerSpec::Dense { .. }), Shape::Picture { .. }) => {
            refuse("its first layer is dense and the features are pictures: begin with `flatten`")
        }
        (Some(LayerSpec::Dense { .. } | LayerSpec::Flatten) | None, Shape::Vector(n)) => Ok(vec![n]),
        (_, Shape::Vector(n)) => Ok(vec![n, 1]),
        (_, Shape::Picture { frames, bands }) => Ok(vec![frames, bands]),
    }
}

#[cfg(test)]
mod tests {
    use stimmung_nn::Network;

    use super::*;
    use crate::ModelParams;

    const PICTURE: Shape = Shape::Picture { frames: 130, bands: 128 };

    #[test]
    fn every_architecture_has_its_size() {
        let sizes = [
            ("issa-model-a", Shape::Vector(193), 7, 269_831),
            ("issa-baseline", Shape::Vector(193), 7, 515_207),
            ("mel-cnn-1", PICTURE, 5, 4_204_645),
            ("mel-cnn-2", PICTURE, 5, 2_133_925),
            ("mel-cnn-3", PICTURE, 5, 597_989),
            ("zhao-cnn-lstm-1d", Shape::Vector(16_000), 7, 483_399),
            ("zhao-cnn-lstm-2d", PICTURE, 7, 655_815),
        ];
        assert_eq!(
            sizes.map(|(name, ..)| name).to_vec(),
            Architecture::all().iter().map(|it| &it.name).collect::<Vec<_>>()
        );
        for (name, shape, classes, parameters) in sizes {
            let params = NetworkParams { architecture: Some(name.into()), ..NetworkParams::default() };
            params.check().expect("valid");
            let layers = params.layers(classes).expect("layers");
            let network = Network::new(&input_shape(&layers, shape).expect("shape"), &layers, 1).expect("network");
            assert_eq!((network.parameter_count(), network.output_len()), (parameters, classes), "{name}");
        }
    }

    #[test]
    fn the_pictures_of_the_cnn_lstm_leave_a_sequence() {
        let layers = &Architecture::by_name("zhao-cnn-lstm-2d").expect("known").layers;
        let network = Network::new(&[130, 128, 1], layers, 1).expect("network");
        assert_eq!(network.summary()[15].output_shape, [8, 1, 128]);
    }

    #[test]
    fn the_first_layer_that_cares_chooses_the_form_of_the_samples() {
        let form = |layers: &[LayerSpec], shape| input_shape(layers, shape);
        let vector = Shape::Vector(9);
        assert_eq!(form(&[LayerSpec::conv2d(2, 3)], PICTURE).expect("shape"), [130, 128, 1]);
        assert_eq!(form(&[LayerSpec::batch_norm(), LayerSpec::lstm(2)], PICTURE).expect("shape"), [130, 128]);
        assert_eq!(form(&[LayerSpec::Flatten], PICTURE).expect("shape"), [130, 128]);
        assert_eq!(form(&[LayerSpec::dropout(0.1), LayerSpec::conv1d(2, 3)], vector).expect("shape"), [9, 1]);
        assert_eq!(form(&[LayerSpec::Relu, LayerSpec::dense(2)], vector).expect("shape"), [9]);
        assert_eq!(form(&[LayerSpec::Flatten], vector).expect("shape"), [9]);
        let error = form(&[LayerSpec::dropout(0.1), LayerSpec::conv2d(2, 3)], vector).expect_err("vector").to_string();
        assert!(error.contains("need pictures"), "{error}");
        let error = form(&[LayerSpec::dense(2)], PICTURE).expect_err("picture").to_string();
        assert!(error.contains("`flatten`"), "{error}");
    }

    #[test]
    fn recipes_survive_a_round_trip() {
        let text = r#"
            kind = "one-vs-rest"
            [arbiter]
            kind = "network"
            layers = [{ layer = "conv2d", filters = 4, kernel = [3, 5] }, { layer = "global-average-pool" }]
            [arbiter.training]
            epochs = 7
            optimizer = { kind = "adamw", weight_decay = 0.1 }
            schedule = { kind = "plateau", patience = 3 }
            class_weight = "balanced"
            label_smoothing = 0.1
            clip_norm = 1.0
            mixup = 0.2
            spec_augment = { band_width = 8 }
            early_stopping = { patience = 3, share = 0.3 }
            [member]
            kind = "network"
            architecture = "mel-cnn-1"
        "#;
        let params: ModelParams = toml::from_str(text).expect("toml");
        params.check().expect("valid");
        let again = toml::to_string(&params).expect("toml");
        assert_eq!(toml::from_str::<ModelParams>(&again).expect("round trip"), params, "{again}");
        let json = serde_json::to_string(&params).expect("json");
        assert_eq!(serde_json::from_str::<ModelParams>(&json).expect("round trip"), params);
        for (key, wrong) in [("share", "shear"), ("epochs", "epoch"), ("layers", "layer"), ("patience", "wait")] {
            let error = toml::from_str::<ModelParams>(&text.replace(key, wrong)).expect_err("unknown").to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn masks_need_pictures_and_depth_has_an_end() {
        let params: ModelParams = toml::from_str(
            "kind = \"network\"\nlayers = [{ layer = \"flatten\" }]\n[training.spec_augment]\nband_width = 1",
        )
        .expect("toml");
        let outline = |shape| super::super::outline(&params, shape, 3);
        outline(PICTURE).expect("a picture");
        for shape in [Shape::Vector(193), Shape::Picture { frames: 16_000, bands: 1 }] {
            let error = outline(shape).expect_err("no picture").to_string();
            assert!(error.contains("`spec_augment`"), "{error}");
        }
        let deep =
            |layers: usize| ModelParams::Dense(crate::DenseParams { hidden: vec![2; layers], ..Default::default() });
        deep(500).check().expect("a thousand layers and the last one");
        let error = deep(501).check().expect_err("more").to_string();
        assert!(error.contains("`hidden` is 1003 layers"), "{error}");
    }

    #[test]
    fn one_of_layers_and_architecture_is_needed() {
        let parse = |text: &str| toml::from_str::<ModelParams>(&format!("kind = \"network\"\n{text}")).expect("toml");
        parse("architecture = \"mel-cnn-3\"").check().expect("a name");
        parse("layers = []").check().expect("only the last layer");
        let message = |text: &str| parse(text).check().expect_err("refused").to_string();
        assert!(message("").contains("`architecture` is absent"), "{}", message(""));
        let both = message("architecture = \"mel-cnn-3\"\nlayers = []");
        assert!(both.contains("beside `layers`"), "{both}");
        let unknown = message("architecture = \"mel-cnn\"");
        assert!(unknown.contains("did you mean `mel-cnn-") && unknown.contains("zhao-cnn-lstm-2d"), "{unknown}");
        assert!(message("layers = [{ layer = \"dense\", units = 0 }]").contains("dense.units"));
        assert!(message("layers = []\ntraining = { epochs = 0 }").contains("epochs"));
        let many = NetworkParams { layers: Some(vec![LayerSpec::Relu; 1001]), ..NetworkParams::default() };
        assert!(many.check().expect_err("too many").to_string().contains("at most 1000"));
    }
}
