//! The page, which the program carries: `web/` builds it.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use serde_json::json;

use super::body::PathPart;
use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Files;

/// What the page may do: nothing beyond this server.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; img-src 'self' data: blob:; \
                      style-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The page for a browser; for other clients a greeting that names the calls.
pub(super) async fn home(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        return send("index.html").into_response();
    }
    let greeting = json!({
        "greeting": "This is Stimmung, which hears emotion in speech.",
        "endpoints": {
            "/predict": "GET: the recordings that can be asked for; with ?sample=FILE or ?ID=NUMBER: an answer",
            "/pred": "POST {\"id\": \"03a01Fa\"}: an answer",
            "/train": "GET or POST: starts a training; asked again, tells its progress",
            "/v1/predict": "POST a recording: an answer",
            "/docs": "all calls",
        },
    });
    ([(header::VARY, "accept")], Json(greeting)).into_response()
}

/// A file of the page.
pub(super) async fn file(PathPart(file): PathPart) -> Result<Response, Problem> {
    send(&file)
}

fn send(name: &str) -> Result<Response, Problem> {
    let file = Files::get(name).ok_or_else(|| Problem::not_found("Nothing is here; /openapi.json lists what is."))?;
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // The names of files stay when their content changes with the program.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept"),
    ];
    Ok((headers, file.data.into_owned()).into_response())
}
