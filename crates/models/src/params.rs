//! Which model, with which parameters: the `[model]` section of a recipe.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    BoostingParams, DenseParams, ForestParams, LdaParams, LogisticParams, ModelAParams, ModelError, NetworkParams,
    OneVsRestParams, SvmParams,
};

/// Whether the recordings of rare classes count for more in training.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeight {
    /// Every recording counts the same.
    #[default]
    None,
    /// A recording counts n / (classes · recordings of its class), so that all classes have the same say.
    Balanced,
}

/// The width of an RBF kernel.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Gamma {
    /// 1 / (features · variance of all standardised features); `"scale"` in a recipe.
    #[default]
    Scale,
    /// This value.
    Value(f64),
}

/// How far a covariance is shrunk towards a multiple of the identity.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Shrinkage {
    /// By the share that Ledoit and Wolf estimate; `"auto"` in a recipe.
    #[default]
    Auto,
    /// By this share, from 0 to 1.
    Share(f64),
}

/// How probable each class is before anything is heard.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "kebab-case", expecting = "expected \"shares\", \"equal\" or a list of probabilities")]
pub enum Priors {
    /// As its share of the recordings; `"shares"` in a recipe.
    #[default]
    Shares,
    /// All alike, which favours the mean recall (UAR) where classes are unequal; `"equal"` in a recipe.
    Equal,
    /// As listed: positive, adding up to 1, one for every class that has recordings, in the order of the class names.
    #[serde(untagged)]
    Given(Vec<f64>),
}

impl Priors {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How many features a tree looks at for each split.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum MaxFeatures {
    /// The square root of their number, rounded down; `"sqrt"` in a recipe.
    #[default]
    Sqrt,
    /// This share of them, above 0 and up to 1, rounded down to at least one.
    Share(f64),
}

/// Reads either one word or a number.
struct WordOrNumber {
    word: &'static str,
    expecting: &'static str,
}

impl Visitor<'_> for WordOrNumber {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == self.word { Ok(None) } else { Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)) }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }
}

/// Either a word or a number, both ways.
macro_rules! word_or_number {
    ($type:ident, $word:literal => $word_variant:ident, $number_variant:ident, $expecting:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::$word_variant => serializer.serialize_str($word),
                    Self::$number_variant(number) => serializer.serialize_f64(*number),
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let visitor = WordOrNumber { word: $word, expecting: $expecting };
                Ok(deserializer.deserialize_any(visitor)?.map_or(Self::$word_variant, Self::$number_variant))
            }
        }
    };
}

word_or_number!(Gamma, "scale" => Scale, Value, "\"scale\" or a number above 0");
word_or_number!(MaxFeatures, "sqrt" => Sqrt, Share, "\"sqrt\" or a number above 0 and up to 1");
word_or_number!(Shrinkage, "auto" => Auto, Share, "\"auto\" or a number from 0 to 1");

/// An error about one parameter.
pub(crate) fn out_of_range(
    kind: &'static str,
    key: &'static str,
    value: impl fmt::Display,
    expected: &'static str,
) -> ModelError {
    ModelError::Parameter { kind, key, value: value.to_string(), expected }
}

/// Fails unless `value` is finite and above 0.
pub(crate) fn positive(kind: &'static str, key: &'static str, value: f64) -> Result<(), ModelError> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(out_of_range(kind, key, value, "a number above 0")) }
}

/// Fails unless `value` is at least 1.
pub(crate) fn positive_count(kind: &'static str, key: &'static str, value: usize) -> Result<(), ModelError> {
    if value > 0 { Ok(()) } else { Err(out_of_range(kind, key, value, "at least 1")) }
}

/// How much a name is like a known one, or like a word of it: `forest` is meant for `random-forest`.
fn likeness(name: &str, known: &str) -> f64 {
    // Shorter words are like too much.
    let words = known.split('-').filter(|word| word.len() > 3);
    words.chain([known]).map(|known| strsim::jaro_winkler(name, known)).fold(0.0, f64::max)
}

/// The known name nearest to this one, if any is near.
pub(crate) fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let likeness = |known: &str| likeness(&name.to_lowercase(), known);
    let nearest = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    // Below this, names have nothing but a few letters in common.
    nearest.filter(|known| likeness(known) > 0.7).map(str::to_owned)
}

/// A model and its parameters; what a recipe's `[model]` section holds.
///
/// The key `kind` names the model, the other keys are its parameters. Keys that are left out keep their defaults; unknown
/// keys are errors.
///
/// # Examples
/// ```
/// use stimmung_models::{LogisticParams, ModelParams};
/// let section = r#"
/// kind = "logistic"
/// c = 0.1
/// class_weight = "balanced"
/// "#;
/// let params: ModelParams = toml::from_str(section)?;
/// params.check()?;
/// assert_eq!(params.kind(), "logistic");
/// assert!(toml::from_str::<ModelParams>("kind = \"logistic\"\ncost = 1.0").is_err());
/// assert_eq!(ModelParams::by_name("logistic")?, ModelParams::Logistic(LogisticParams::default()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelParams {
    /// `logistic`: multinomial logistic regression. The one to start with.
    Logistic(LogisticParams),
    /// `svm`: support vector machine, linear or RBF.
    Svm(SvmParams),
    /// `lda`: linear discriminant analysis with shrinkage.
    Lda(LdaParams),
    /// `random-forest`: many trees on random parts of the data.
    #[serde(rename = "random-forest")]
    Forest(ForestParams),
    /// `gradient-boosting`: trees that each mend what the ones before got wrong.
    #[serde(rename = "gradient-boosting")]
    Boosting(BoostingParams),
    /// `dense`: a network of dense layers.
    Dense(DenseParams),
    /// `issa-model-a`: the 1-D convolutional network of Issa, Demirci & Yazici 2020.
    #[serde(rename = "issa-model-a")]
    ModelA(ModelAParams),
    /// `network`: a network of any layers.
    Network(NetworkParams),
    /// `one-vs-rest`: a binary model a class, and one that judges where they do not agree.
    OneVsRest(OneVsRestParams),
}

impl ModelParams {
    /// The names of all kinds.
    pub const KINDS: &[&str] = &[
        LogisticParams::KIND,
        SvmParams::KIND,
        LdaParams::KIND,
        ForestParams::KIND,
        BoostingParams::KIND,
        DenseParams::KIND,
        ModelAParams::KIND,
        NetworkParams::KIND,
        OneVsRestParams::KIND,
    ];

    /// The model of this name with its default parameters. A `network` has no default layers: it needs `layers` or
    /// `architecture`.
    ///
    /// # Errors
    /// [`ModelError::UnknownKind`] lists the known names and the nearest one.
    pub fn by_name(name: &str) -> Result<Self, ModelError> {
        match name {
            LogisticParams::KIND => Ok(Self::Logistic(LogisticParams::default())),
            SvmParams::KIND => Ok(Self::Svm(SvmParams::default())),
            LdaParams::KIND => Ok(Self::Lda(LdaParams::default())),
            ForestParams::KIND => Ok(Self::Forest(ForestParams::default())),
            BoostingParams::KIND => Ok(Self::Boosting(BoostingParams::default())),
            DenseParams::KIND => Ok(Self::Dense(DenseParams::default())),
            ModelAParams::KIND => Ok(Self::ModelA(ModelAParams::default())),
            NetworkParams::KIND => Ok(Self::Network(NetworkParams::default())),
            OneVsRestParams::KIND => Ok(Self::OneVsRest(OneVsRestParams::default())),
            _ => Err(ModelError::UnknownKind {
                name: name.to_owned(),
                nearest: nearest(name, Self::KINDS),
                known: Self::KINDS.iter().map(|&known| known.to_owned()).collect(),
            }),
        }
    }

    /// The name of the kind, as in a recipe.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Logistic(_) => LogisticParams::KIND,
            Self::Svm(_) => SvmParams::KIND,
            Self::Lda(_) => LdaParams::KIND,
            Self::Forest(_) => ForestParams::KIND,
            Self::Boosting(_) => BoostingParams::KIND,
            Self::Dense(_) => DenseParams::KIND,
            Self::ModelA(_) => ModelAParams::KIND,
            Self::Network(_) => NetworkParams::KIND,
            Self::OneVsRest(_) => OneVsRestParams::KIND,
        }
    }

    /// What the kind is called among people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Logistic(_) => "multinomial logistic regression",
            Self::Svm(_) => "support vector machine",
            Self::Lda(_) => "linear discriminant analysis with shrinkage",
            Self::Forest(_) => "random forest",
            Self::Boosting(_) => "gradient-boosted trees",
            Self::Dense(_) => "dense network",
            Self::ModelA(_) => "Model A of Issa et al. (2020)",
            Self::Network(_) => "neural network",
            Self::OneVsRest(_) => "one model for each emotion against the rest, with an arbiter",
        }
    }

    /// Checks all parameters against their ranges.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] names the first key that is out of range, its value, and what is allowed.
    pub fn check(&self) -> Result<(), ModelError> {
        match self {
            Self::Logistic(params) => params.check(),
            Self::Svm(params) => params.check(),
            Self::Lda(params) => params.check(),
            Self::Forest(params) => params.check(),
            Self::Boosting(params) => params.check(),
            Self::Dense(params) => params.check(),
            Self::ModelA(params) => params.check(),
            Self::Network(params) => params.check(),
            Self::OneVsRest(params) => params.check(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelParams, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn every_kind_has_a_name_and_survives_a_round_trip() {
        for &kind in ModelParams::KINDS {
            let params = ModelParams::by_name(kind).expect("known");
            assert_eq!(params.kind(), kind);
            assert!(params.check().is_ok() || kind == NetworkParams::KIND, "defaults are valid, if there are any");
            let text = toml::to_string(&params).expect("toml");
            assert!(text.starts_with(&format!("kind = \"{kind}\"")), "{text}");
            assert_eq!(parse(&text).expect("round trip"), params);
            let json = serde_json::to_string(&params).expect("json");
            assert_eq!(serde_json::from_str::<ModelParams>(&json).expect("round trip"), params);
            // The kind alone is enough.
            assert_eq!(parse(&format!("kind = \"{kind}\"")).expect("defaults"), params);
        }
    }

    #[test]
    fn unknown_keys_and_kinds_are_named() {
        for &kind in ModelParams::KINDS {
            let error = parse(&format!("kind = \"{kind}\"\nsurprise = 1")).expect_err("unknown key").to_string();
            assert!(error.contains("surprise"), "{kind}: {error}");
        }
        let error = parse("kind = \"perceptron\"").expect_err("unknown kind").to_string();
        assert!(error.contains("perceptron") && error.contains("logistic"), "{error}");
        assert!(parse("c = 1.0").expect_err("no kind").to_string().contains("kind"));
    }

    #[test]
    fn a_misspelt_kind_gets_a_suggestion() {
        let nearest = |name: &str| match ModelParams::by_name(name) {
            Err(ModelError::UnknownKind { nearest, known, .. }) => {
                assert_eq!(known, ModelParams::KINDS);
                nearest
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(nearest("logisitc").as_deref(), Some("logistic"));
        assert_eq!(nearest("issa-model-b").as_deref(), Some("issa-model-a"));
        assert_eq!(nearest("SVM").as_deref(), Some("svm"));
        assert_eq!(nearest("forest").as_deref(), Some("random-forest"));
        assert_eq!(nearest("random_forrest").as_deref(), Some("random-forest"));
        assert_eq!(nearest("boosting").as_deref(), Some("gradient-boosting"));
        assert_eq!(nearest("xgboost").as_deref(), Some("gradient-boosting"));
        assert_eq!(nearest("densenet").as_deref(), Some("dense"));
        assert_eq!(nearest("xqzw"), None);
    }

    #[test]
    fn words_and_numbers_are_both_read() {
        let svm = |text: &str| match parse(&format!("kind = \"svm\"\ngamma = {text}")) {
            Ok(ModelParams::Svm(params)) => Ok(params.gamma),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(svm("\"scale\""), Ok(Gamma::Scale));
        assert_eq!(svm("0.25"), Ok(Gamma::Value(0.25)));
        assert_eq!(svm("2"), Ok(Gamma::Value(2.0)));
        for wrong in ["\"auto\"", "true", "[1.0]"] {
            assert!(
                svm(wrong).expect_err("neither").contains("\\\"scale\\\" or a number")
                    || svm(wrong).expect_err("neither").contains("\"scale\" or a number"),
                "{wrong}"
            );
        }
        let lda = parse("kind = \"lda\"\nshrinkage = 1").expect("a whole number");
        assert_eq!(lda, ModelParams::Lda(LdaParams { shrinkage: Shrinkage::Share(1.0), ..LdaParams::default() }));
        for (text, priors) in [("'equal'", Priors::Equal), ("[0.5, 0.5]", Priors::Given(vec![0.5; 2]))] {
            let lda = parse(&format!("kind = \"lda\"\npriors = {text}")).expect("priors");
            assert_eq!(lda, ModelParams::Lda(LdaParams { priors, ..LdaParams::default() }));
        }
        assert!(
            parse("kind = \"lda\"\npriors = \"even\"").expect_err("no such word").to_string().contains("\"equal\"")
        );
        // Whole numbers stand for real ones.
        let logistic = parse("kind = \"logistic\"\nc = 2").expect("a whole number");
        assert_eq!(logistic, ModelParams::Logistic(LogisticParams { c: 2.0, ..LogisticParams::default() }));
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        let cases = [
            ("logistic", "c", "0.0"),
            ("logistic", "c", "nan"),
            ("logistic", "c", "inf"),
            ("logistic", "max_iterations", "0"),
            ("logistic", "tolerance", "-1.0"),
            ("svm", "c", "-1.0"),
            ("svm", "gamma", "0.0"),
            ("svm", "gamma", "nan"),
            ("svm", "probability_folds", "1"),
            ("svm", "tolerance", "1.0"),
            ("lda", "shrinkage", "1.5"),
            ("lda", "shrinkage", "nan"),
            ("lda", "priors", "[0.5, 0.6]"),
            ("lda", "priors", "[1.0, 0.0]"),
            ("random-forest", "trees", "0"),
            ("random-forest", "max_depth", "0"),
            ("random-forest", "min_samples_leaf", "0"),
            ("random-forest", "min_samples_split", "1"),
            ("random-forest", "max_features", "0.0"),
            ("random-forest", "max_features", "nan"),
            ("random-forest", "max_features", "2"),
            ("gradient-boosting", "rounds", "0"),
            ("gradient-boosting", "learning_rate", "0.0"),
            ("gradient-boosting", "learning_rate", "1.5"),
            ("gradient-boosting", "max_depth", "0"),
            ("gradient-boosting", "max_leaves", "1"),
            ("gradient-boosting", "lambda", "-1.0"),
            ("gradient-boosting", "lambda", "inf"),
            ("gradient-boosting", "min_split_gain", "-1.0"),
            ("gradient-boosting", "min_child_weight", "nan"),
            ("gradient-boosting", "subsample", "1.01"),
            ("gradient-boosting", "colsample", "0.0"),
            ("gradient-boosting", "max_bins", "256"),
            ("dense", "hidden", "[0]"),
            ("dense", "dropout", "1.0"),
            ("dense", "epochs", "0"),
            ("dense", "batch_size", "0"),
            ("issa-model-a", "epochs", "0"),
            ("issa-model-a", "batch_size", "0"),
            ("issa-model-a", "learning_rate", "0.0"),
            ("issa-model-a", "decay", "-1.0"),
        ];
        for (kind, key, value) in cases {
            let params = parse(&format!("kind = \"{kind}\"\n{key} = {value}")).expect("well formed");
            match params.check() {
                Err(ModelError::Parameter { kind: k, key: found, .. }) => assert_eq!((k, found), (kind, key)),
                other => panic!("{kind}.{key} = {value}: {other:?}"),
            }
        }
    }
}
