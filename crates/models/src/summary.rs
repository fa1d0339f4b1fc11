//! What a classifier is made of, for people and for drawings.

use std::fmt;

use serde::Serialize;
use stimmung_features::Shape;

use crate::classifier::Fitted;
use crate::network::outline;
use crate::{LayerSummary, ModelError, ModelParams, NetworkSummary, Temperature};

/// What is worth knowing about a classifier at a glance. Prints as aligned lines and serialises as an object.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelSummary {
    /// The kind of model, as in a recipe.
    pub kind: &'static str,
    /// The class names.
    pub classes: Vec<String>,
    /// Classes that had no recordings in training, so their probability is always 0.
    pub unseen_classes: Vec<String>,
    /// Features per recording.
    pub features: usize,
    /// Fitted numbers.
    pub parameters: usize,
    /// The parameters with which the model was fitted.
    pub settings: ModelParams,
    /// How fitting went.
    pub fitting: String,
    /// How its probabilities are calibrated, if they are.
    pub calibration: Option<Temperature>,
    /// Whether it can tell recordings that are unlike those of its training.
    pub tells_novelty: bool,
    /// Whether a speaker can introduce themself to it with neutral recordings.
    pub enrols: bool,
    /// The layers of the networks, a line each, below a line for each part of an ensemble; empty where nothing is a
    /// network.
    pub layers: Vec<String>,
    /// What the model is made of, for drawing it: one part, or the members and the arbiter of an ensemble.
    pub parts: Vec<PartSummary>,
}

impl fmt::Display for ModelSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kind        {}", self.kind)?;
        writeln!(f, "classes     {}", self.classes.join(", "))?;
        if !self.unseen_classes.is_empty() {
            writeln!(f, "never seen  {}", self.unseen_classes.join(", "))?;
        }
        writeln!(f, "features    {}", self.features)?;
        writeln!(f, "parameters  {}", self.parameters)?;
        if let Ok(serde_json::Value::Object(settings)) = serde_json::to_value(&self.settings) {
            let listed: Vec<String> = settings
                .iter()
                .filter(|(key, _)| *key != "kind")
                .map(|(key, value)| format!("{key} {}", value.to_string().replace('"', "")))
                .collect();
            writeln!(f, "settings    {}", listed.join(", "))?;
        }
        write!(f, "fitting     {}", self.fitting)?;
        if let Some(temperature) = self.calibration {
            let (value, answers) = (temperature.value(), temperature.fitted_to());
            write!(f, "\ncalibrated  temperature {value:.3}, fitted to {answers} answers for unheard voices")?;
        }
        for (index, layer) in self.layers.iter().enumerate() {
            write!(f, "\n{}{layer}", if index == 0 { "layers      " } else { "            " })?;
        }
        Ok(())
    }
}

/// A part of a model: the whole of most models; the members, which are alike, or the arbiter of an ensemble.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartSummary {
    /// What the part does in the model: `model` for the whole, `member` or `arbiter`.
    pub role: &'static str,
    /// The kind of model that it is, as in a recipe.
    pub kind: &'static str,
    /// How many of its kind there are: the members of an ensemble, otherwise 1.
    pub copies: usize,
    /// Fitted numbers of all copies together. `None` before the training, unless it is a network.
    pub parameters: Option<usize>,
    /// The layers of one copy, if it is a network.
    pub network: Option<NetworkSummary>,
}

impl PartSummary {
    /// The parts of a fitted model.
    pub(crate) fn of(fitted: &Fitted, params: &ModelParams, classes: usize) -> Vec<Self> {
        let part = |role, copies: &[Fitted], params: &ModelParams, classes| Self {
            role,
            kind: params.kind(),
            copies: copies.len(),
            parameters: Some(copies.iter().map(|copy| copy.parameter_count(params, classes)).sum()),
            network: match copies.first() {
                Some(Fitted::Network(model)) => Some(model.summary()),
                _ => None,
            },
        };
        match (fitted, params) {
            (Fitted::OneVsRest(ensemble), ModelParams::OneVsRest(params)) => vec![
                part("member", &ensemble.members, &params.member, 2),
                part("arbiter", std::slice::from_ref(&ensemble.arbiter), &params.arbiter, classes),
            ],
            _ => vec![part("model", std::slice::from_ref(fitted), params, classes)],
        }
    }
}

impl ModelParams {
    /// The parts of the model that would be fitted to features of this shape and to so many classes: what can be
    /// drawn before there is anything to train on. Nothing is allocated for the parameters of networks.
    ///
    /// # Errors
    /// As [`check`](Self::check); [`ModelError::Unsuitable`] where network and features do not go together;
    /// [`ModelError::Network`] for layers that do not fit each other, or a network that is too large.
    ///
    /// # Examples
    /// ```
    /// use stimmung_models::{ModelParams, Shape};
    /// let params: ModelParams = toml::from_str("kind = \"network\"\narchitecture = \"mel-cnn-3\"")?;
    /// let parts = params.outline(Shape::Picture { frames: 130, bands: 128 }, 5)?;
    /// let network = parts[0].network.as_ref().expect("a network");
    /// assert_eq!(network.input_shape, [130, 128, 1]);
    /// assert_eq!((network.layers.last().map(|layer| layer.output_shape[0]), network.parameters()), (Some(5), 597_989));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn outline(&self, shape: Shape, classes: usize) -> Result<Vec<PartSummary>, ModelError> {
        self.check()?;
        let part = |role, copies: usize, params: &Self, classes| -> Result<PartSummary, ModelError> {
            let network = outline(params, shape, classes)?;
            let parameters = network.as_ref().map(|network| copies * network.parameters());
            Ok(PartSummary { role, kind: params.kind(), copies, parameters, network })
        };
        match self {
            Self::OneVsRest(params) => {
                Ok(vec![part("member", classes, &params.member, 2)?, part("arbiter", 1, &params.arbiter, classes)?])
            }
            params => Ok(vec![part("model", 1, params, classes)?]),
        }
    }
}

/// A line for each layer of the networks, and for each part where there is more than one.
pub(crate) fn lines(parts: &[PartSummary]) -> Vec<String> {
    if parts.iter().all(|part| part.network.is_none()) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for part in parts {
        if parts.len() > 1 {
            let each = if part.copies == 1 { part.role.to_owned() } else { format!("{} {}s", part.copies, part.role) };
            let parameters = part.parameters.map_or_else(String::new, |count| format!(", {count} parameters"));
            lines.push(format!("{each} of kind {}{parameters}", part.kind));
        }
        let margin = if parts.len() > 1 { "  " } else { "" };
        let layers = part.network.as_ref().map_or_else(Vec::new, |network| table(&network.layers));
        lines.extend(layers.into_iter().map(|line| format!("{margin}{line}")));
    }
    lines
}

/// A line for each layer: its name, the shape of its output, its parameters.
fn table(layers: &[LayerSummary]) -> Vec<String> {
    let shape = |layer: &LayerSummary| {
        let sizes: Vec<String> = layer.output_shape.iter().map(ToString::to_string).collect();
        sizes.join(" × ")
    };
    let names = layers.iter().map(|layer| layer.name.len()).fold(14, usize::max);
    let shapes = layers.iter().map(|layer| shape(layer).chars().count()).fold(10, usize::max);
    let line = |layer: &LayerSummary| {
        let LayerSummary { name, parameters, .. } = layer;
        format!("{name:<names$} {:<shapes$} {parameters:>9}", shape(layer))
    };
    layers.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::testing::{blob_matrix, names};
    use crate::{DenseParams, LogisticParams, ModelAParams, OneVsRestParams, TrainingSet, fit};

    fn summary(params: &ModelParams, columns: usize) -> ModelSummary {
        let (x, labels) = blob_matrix(40, columns, 3, 0.8, 1);
        let names = names(3);
        let data = TrainingSet::new(&x, Shape::Vector(columns), &labels, &names);
        fit(params, &data, 1, &mut |_| ControlFlow::Continue(())).expect("fitted").summary()
    }

    fn dense() -> ModelParams {
        ModelParams::Dense(DenseParams { hidden: vec![4], epochs: 2, ..DenseParams::default() })
    }

    fn logistic() -> ModelParams {
        ModelParams::Logistic(LogisticParams::default())
    }

    #[test]
    fn the_summary_can_be_read_by_people_and_programs() {
        let summary = summary(&dense(), 5);
        let text = summary.to_string();
        for line in
            ["kind        dense", "classes     a, b, c", "features    5", "parameters  39", "fitting     2 epochs"]
        {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line} in\n{text}");
        }
        assert_eq!(summary.layers.len(), 3);
        assert_eq!(summary.layers[0], "dense_1        4                 24");
        let [part] = &summary.parts[..] else { panic!("{summary:?}") };
        assert_eq!((part.role, part.kind, part.copies, part.parameters), ("model", "dense", 1, Some(39)));
        let network = part.network.as_ref().expect("a network");
        assert_eq!((&network.input_shape[..], network.parameters()), (&[5][..], 39));
        assert_eq!((network.layers[0].does.as_str(), &network.layers[0].output_shape[..]), ("4 units", &[4][..]));
        let json = serde_json::to_value(&summary).expect("json");
        assert_eq!((&json["kind"], &json["parameters"]), (&"dense".into(), &39.into()));
        assert_eq!(json["settings"]["epochs"], 2);
        assert_eq!(json["parts"][0]["network"]["layers"][2]["output_shape"][0], 3);
    }

    #[test]
    fn an_ensemble_lists_its_member_once_and_its_arbiter() {
        let params = OneVsRestParams { member: Box::new(dense()), arbiter: Box::new(logistic()) };
        let summary = summary(&ModelParams::OneVsRest(params), 5);
        let described: Vec<_> =
            summary.parts.iter().map(|part| (part.role, part.kind, part.copies, part.parameters)).collect();
        // A member has one unit less for each of its two classes than for three.
        assert_eq!(described, [("member", "dense", 3, Some(3 * 34)), ("arbiter", "logistic", 1, Some(18))]);
        assert_eq!(summary.parts.iter().filter_map(|part| part.parameters).sum::<usize>(), summary.parameters);
        assert_eq!(summary.layers.len(), 1 + 3 + 1, "{:?}", summary.layers);
        assert_eq!(summary.layers[0], "3 members of kind dense, 102 parameters");
        assert_eq!(summary.layers[1], "  dense_1        4                 24");
        assert_eq!(summary.layers[4], "arbiter of kind logistic, 18 parameters");
    }

    #[test]
    fn what_is_no_network_has_no_layers() {
        let summary = summary(&logistic(), 5);
        assert!(summary.layers.is_empty() && summary.parts[0].network.is_none());
    }

    #[test]
    fn the_outline_is_what_training_comes_to() {
        let model_a = ModelParams::ModelA(ModelAParams { epochs: 1, ..ModelAParams::default() });
        let network = "kind = \"network\"\nlayers = [{ layer = \"lstm\", units = 2 }]\ntraining = { epochs = 1 }";
        let ensemble = OneVsRestParams { member: Box::new(model_a.clone()), arbiter: Box::new(dense()) };
        let ensemble = ModelParams::OneVsRest(ensemble);
        for params in [dense(), model_a, toml::from_str(network).expect("toml"), ensemble] {
            let outline = params.outline(Shape::Vector(9), 3).expect("outline");
            assert_eq!(outline, summary(&params, 9).parts, "{}", params.kind());
        }
        let parts = logistic().outline(Shape::Vector(9), 3).expect("outline");
        assert_eq!((parts[0].parameters, &parts[0].network), (None, &None));
    }

    #[test]
    fn outlines_that_cannot_be_are_refused() {
        let network = |text: &str| toml::from_str::<ModelParams>(&format!("kind = \"network\"\n{text}")).expect("toml");
        let vector = |params: &ModelParams| params.outline(Shape::Vector(7), 3).map(|_| ());
        assert!(matches!(vector(&ModelParams::ModelA(ModelAParams::default())), Err(ModelError::Unsuitable { .. })));
        assert!(matches!(vector(&network("architecture = \"mel-cnn-3\"")), Err(ModelError::Unsuitable { .. })));
        assert!(matches!(vector(&network("")), Err(ModelError::Parameter { .. })), "checked");
        let huge = network("layers = [{ layer = \"dense\", units = 1000000000 }]");
        assert!(matches!(vector(&huge), Err(ModelError::Network(_))));
        assert!(matches!(huge.outline(Shape::Vector(7), 0), Err(ModelError::Network(_))), "no classes");
    }
}
