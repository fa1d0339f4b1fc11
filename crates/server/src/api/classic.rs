//! The calls of the published systems that this server stands in for, as their documents print them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::body::{Body, Params};
use super::predict::of_recording;
use super::train::{Job, Order, recipe_of};
use crate::Scope;
use crate::corpora::Corpus;
use crate::jobs::JobResult;
use crate::problem::Problem;
use crate::server::Access;
use crate::state::{Shared, State as Server};
use crate::store::JobState;

/// The corpus of the published systems.
const CORPUS: &str = "emodb";

/// The recipe that their `/train` stands for.
const RECIPE: &str = "r2-model-a";

/// How a training of the published systems is ordered.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Training {
    /// Whether to train although a model is there. Default no: a training that is there already is told of.
    #[serde(default, deserialize_with = "yes_or_no")]
    force_train: Option<bool>,
    /// Whether to learn from changed copies as well. Default yes.
    #[serde(default, deserialize_with = "yes_or_no")]
    augment: Option<bool>,
    /// How many copies of each recording, 1 to 3: with noise, with a delay, stretched. Default 3.
    #[param(minimum = 1, maximum = 3)]
    n_modifications: Option<usize>,
    /// The share of recordings that is tested, above 0 and below 1. Default 0.2.
    #[param(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    test_size: Option<f64>,
    /// The seed. Default 1.
    #[param(value_type = Option<u64>, maximum = 4_294_967_295_u32)]
    random_state: Option<u32>,
    /// How often the network sees the recordings. Default 100.
    #[param(minimum = 1)]
    num_epoch: Option<usize>,
}

fn yes_or_no<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    let word = String::deserialize(value)?;
    match word.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(Some(true)),
        "0" | "false" | "no" => Ok(Some(false)),
        _ => Err(serde::de::Error::custom(format!("{:?} is neither true nor false", crate::models::shortened(&word)))),
    }
}

impl Training {
    fn order(&self, promote: bool) -> Result<Order, Problem> {
        let refuse = |detail: &str| Err(Problem::plain(StatusCode::UNPROCESSABLE_ENTITY, detail));
        let mut set = BTreeMap::<String, Value>::new();
        let copies = match (self.augment, self.n_modifications) {
            (Some(false), None) => 0,
            (Some(false), Some(_)) => return refuse("`n_modifications` goes with `augment=true`."),
            (_, None) => 3,
            (_, Some(copies @ 1..=3)) => copies,
            (_, Some(_)) => return refuse("`n_modifications` is 1 to 3."),
        };
        let effects = [
            json!([{ "effect": "noise", "factor": 0.05 }]),
            json!([{ "effect": "shift-samples", "samples": [0, 6200] }]),
            json!([{ "effect": "stretch", "rate": { "any": [0.81, 1.23] } }]),
        ];
        let augmentation = match copies {
            0 => json!({}),
            // Before the split, as the published system does; the result says what that is worth.
            copies => json!({ "when": "before-split", "copies": effects[..copies] }),
        };
        set.insert("augmentation".into(), augmentation);
        set.insert("protocol".into(), json!({ "kind": "random", "holdout": self.test_size.unwrap_or(0.2) }));
        if let Some(seed) = self.random_state {
            set.insert("seed".into(), seed.into());
        }
        if let Some(epochs) = self.num_epoch {
            set.insert("model.epochs".into(), epochs.into());
        }
        let corpus = Some(CORPUS.to_owned());
        Ok(Order { recipe: Some(RECIPE.to_owned()), recipe_toml: None, corpus, set, promote })
    }
}

/// How a training stands, in the words of the published systems.
#[derive(Serialize, ToSchema)]
pub(super) struct Standing {
    /// `queued`, `running`, `finished`, `failed` or `cancelled`.
    status: JobState,
    /// The same in a sentence.
    message: String,
    /// The job; `/v1/jobs/{id}` knows more.
    job: String,
    /// Epochs done.
    #[serde(skip_serializing_if = "Option::is_none")]
    iter: Option<u64>,
    /// Epochs in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<u64>,
    /// The training loss of the last epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    /// The training accuracy of the last epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// The best training accuracy so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_accuracy: Option<f64>,
    /// The accuracy on the test part, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_accuracy: Option<f64>,
}

impl Standing {
    fn of(state: &Server, id: &str) -> Result<Self, Problem> {
        let job = Job::by_id(state, id)?;
        let stored = state.store.job(id)?.ok_or_else(|| Problem::not_found("The job is gone."))?;
        let epochs: Vec<Value> = state
            .store
            .events(stored.number, 0)?
            .iter()
            .filter(|event| event.kind == "epoch")
            .filter_map(|event| serde_json::from_str(&event.data).ok())
            .filter(|epoch: &Value| epoch["fold"] == 1)
            .collect();
        let last = epochs.last();
        let accuracy = last.and_then(|epoch| epoch["accuracy"].as_f64());
        let test_accuracy = job.result.as_ref().map(JobResult::accuracy);
        let message = match job.state {
            JobState::Queued => "training waits for its turn".to_owned(),
            JobState::Running => "training in progress".to_owned(),
            JobState::Finished => format!(
                "model trained with final acc in train {:.3} and in test {:.3}",
                accuracy.unwrap_or_default(),
                test_accuracy.unwrap_or_default()
            ),
            JobState::Failed => "training failed".to_owned(),
            JobState::Cancelled => "training was cancelled".to_owned(),
        };
        Ok(Self {
            status: job.state,
            message,
            job: job.id,
            iter: last.and_then(|epoch| epoch["epoch"].as_u64()),
            epochs: last.and_then(|epoch| epoch["epochs"].as_u64()),
            loss: last.and_then(|epoch| epoch["loss"].as_f64()),
            accuracy,
            best_accuracy: epochs.iter().filter_map(|epoch| epoch["accuracy"].as_f64()).reduce(f64::max),
            test_accuracy,
        })
    }
}

/// Start a training, or hear how it stands
///
/// The network of the published systems, under their protocol: recordings drawn at random, so that speakers are on both sides.
#[utoipa::path(get, path = "/train", operation_id = "get_train", tag = "classic", params(Training), responses((status = 200, body = Standing), (status = 400), (status = 404), (status = 422), (status = 503)))]
pub(super) async fn train(
    State(state): State<Shared>,
    access: Access,
    Params(training): Params<Training>,
) -> Result<Json<Standing>, Problem> {
    let promote = access.allows(Scope::Admin);
    let standing = state.look_up(move |state| {
        let order = training.order(promote)?;
        let (recipe, corpus) = recipe_of(state, &order)?;
        let known = state
            .store
            .jobs()?
            .into_iter()
            .find(|job| job.recipe == recipe.name && !matches!(job.state, JobState::Failed | JobState::Cancelled));
        let id = match known {
            Some(job) if !job.state.is_over() || !training.force_train.unwrap_or(false) => job.id,
            _ => state.jobs.add(&recipe, &corpus, promote)?,
        };
        Standing::of(state, &id)
    });
    standing.await.map(Json)
}

/// As `GET /train`
#[utoipa::path(post, path = "/train", operation_id = "post_train", tag = "classic", params(Training), responses((status = 200, body = Standing), (status = 400), (status = 404), (status = 422), (status = 503)))]
pub(super) async fn train_by_post(
    state: State<Shared>,
    access: Access,
    training: Params<Training>,
) -> Result<Json<Standing>, Problem> {
    train(state, access, training).await
}

/// As `GET /train`: the network is the one that there is
#[utoipa::path(get, path = "/train/cnn", operation_id = "get_train_cnn", tag = "classic", params(Training), responses((status = 200, body = Standing), (status = 400), (status = 404), (status = 422), (status = 503)))]
pub(super) async fn train_cnn(
    state: State<Shared>,
    access: Access,
    training: Params<Training>,
) -> Result<Json<Standing>, Problem> {
    train(state, access, training).await
}

/// Which recording.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Sample {
    /// The file, such as `16a07Fb.wav`.
    sample: Option<String>,
    /// Its number in the list, from 0.
    #[param(example = "5")]
    #[serde(rename = "ID")]
    id: Option<String>,
}

/// The corpus, and its files in the order of their numbers.
fn samples(state: &Server) -> Result<(Arc<Corpus>, Vec<String>), Problem> {
    let corpus = state.corpora.get(CORPUS)?;
    let ids = corpus.manifest.recordings.iter().map(stimmung::recording_id).collect();
    Ok((corpus, ids))
}

fn file_name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// What can be asked for, or an answer
///
/// Without a parameter: all recordings of Emo-DB with their numbers. With `sample` or `ID`: the answer for one, with what the corpus says.
#[utoipa::path(get, path = "/predict", operation_id = "get_predict", tag = "classic", params(Sample), responses((status = 200, body = Value), (status = 400), (status = 404), (status = 422), (status = 503)))]
pub(super) async fn predict(
    State(state): State<Shared>,
    Params(sample): Params<Sample>,
) -> Result<Json<Value>, Problem> {
    if sample.sample.is_none() && sample.id.is_none() {
        let list = state.look_up(|state| {
            let (corpus, ids) = samples(state)?;
            let numbered: serde_json::Map<String, Value> =
                ids.iter().enumerate().map(|(number, id)| (number.to_string(), file_name(id).into())).collect();
            let names: Vec<&str> = ids.iter().map(|id| file_name(id)).collect();
            Ok(json!({ "corpus": corpus.name, "samples": names, "ids": numbered }))
        });
        return list.await.map(Json);
    }
    let answer = state.work(move |state| {
        let (corpus, ids) = samples(state)?;
        let id = match (&sample.sample, &sample.id) {
            (Some(_), Some(_)) => return Err(Problem::bad_request("Give either `sample` or `ID`, not both.")),
            (Some(sample), None) => sample.clone(),
            (None, number) => {
                let number = number.as_deref().and_then(|text| text.parse::<usize>().ok());
                let id = number.and_then(|number| ids.get(number));
                id.cloned().ok_or_else(|| {
                    Problem::not_found(format!("`ID` is a number from 0 to {}.", ids.len().saturating_sub(1)))
                })?
            }
        };
        let found = stimmung::recording_id(corpus.recording(&id)?);
        let prediction = of_recording(state, &state.models.active(), &corpus, &found)?;
        Ok(json!({
            "sample": file_name(&found),
            "id": ids.iter().position(|id| *id == found),
            "prediction": prediction.label,
            "truth": prediction.truth,
            "confidence": prediction.confidence,
            "probabilities": prediction.probabilities,
        }))
    });
    answer.await.map(Json)
}

/// As `GET /predict`
#[utoipa::path(get, path = "/predict/cnn", operation_id = "get_predict_cnn", tag = "classic", params(Sample), responses((status = 200, body = Value), (status = 400), (status = 404), (status = 422), (status = 503)))]
pub(super) async fn predict_cnn(state: State<Shared>, sample: Params<Sample>) -> Result<Json<Value>, Problem> {
    predict(state, sample).await
}

/// Which recording.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The file of a recording of Emo-DB, with or without its extension: `03a01Fa`.
    #[schema(example = "03a01Fa")]
    id: String,
}

/// The emotion, and no more.
#[derive(Serialize, ToSchema)]
pub(super) struct Class {
    class: String,
}

/// The emotion of a recording of Emo-DB
#[utoipa::path(post, path = "/pred", operation_id = "post_pred", tag = "classic", request_body = Asked, responses((status = 200, body = Class), (status = 400), (status = 404), (status = 413), (status = 422), (status = 503)))]
pub(super) async fn pred(State(state): State<Shared>, Body(asked): Body<Asked>) -> Result<Json<Class>, Problem> {
    let class = state.work(move |state| {
        let corpus = state.corpora.get(CORPUS)?;
        let prediction = of_recording(state, &state.models.active(), &corpus, &asked.id)?;
        Ok(Class { class: prediction.label })
    });
    class.await.map(Json)
}
