//! What `/metrics` tells: the counters and clocks of this process, in Prometheus' text format.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the classes of latency, in seconds.
const LATENCIES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// One recorder serves all servers of a process.
static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

fn install() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCIES);
    let recorder = builder.ok()?.build_recorder();
    let handle = recorder.handle();
    // Somebody else's recorder, where the process has one, gets the figures instead.
    metrics::set_global_recorder(recorder).ok()?;
    describe_counter!("stimmung_requests_total", "Requests answered, by route, method and status.");
    describe_histogram!("stimmung_request_seconds", Unit::Seconds, "From a request's head to its answer, by route.");
    describe_counter!("stimmung_predictions_total", "Answers, by model and emotion.");
    describe_histogram!("stimmung_prediction_seconds", Unit::Seconds, "The work on one answer, without waiting.");
    describe_gauge!("stimmung_waiting", "Answers that wait for their turn.");
    describe_gauge!("stimmung_streams", "Live streams.");
    describe_histogram!(
        "stimmung_stream_lag_seconds",
        Unit::Seconds,
        "From the arrival of a stream's message until it was heard, and its answer was taken."
    );
    describe_gauge!("stimmung_model_active", "1 for the model that answers when none is asked for, 0 for the others.");
    describe_gauge!("stimmung_jobs_queued", "Trainings that wait for their turn.");
    describe_gauge!("stimmung_jobs_running", "Trainings under way.");
    describe_counter!("stimmung_jobs_total", "Trainings that came to an end, by state.");
    Some(handle)
}

/// Begins to count.
pub(crate) fn begin() {
    HANDLE.get_or_init(install);
}

/// Everything counted so far. Histograms are brought up to date first.
pub(crate) fn render() -> String {
    let Some(Some(handle)) = HANDLE.get() else { return String::new() };
    handle.run_upkeep();
    handle.render()
}

/// Counts a request.
pub(crate) fn request(route: &str, method: &str, status: u16, took: Duration) {
    let labels = [("route", route.to_owned()), ("method", method.to_owned()), ("status", status.to_string())];
    metrics::counter!("stimmung_requests_total", &labels).increment(1);
    metrics::histogram!("stimmung_request_seconds", "route" => route.to_owned()).record(took.as_secs_f64());
}

/// Counts a message of a live stream that was heard.
pub(crate) fn stream_lag(lag: Duration) {
    metrics::histogram!("stimmung_stream_lag_seconds").record(lag.as_secs_f64());
}

/// Counts an answer.
pub(crate) fn prediction(model: &str, emotion: &str, took: Duration) {
    let labels = [("model", model.to_owned()), ("emotion", emotion.to_owned())];
    metrics::counter!("stimmung_predictions_total", &labels).increment(1);
    metrics::histogram!("stimmung_prediction_seconds").record(took.as_secs_f64());
}
