//! What can be asked for, one module a group of calls. Every call says itself what it takes and gives; `/openapi.json` is made from
//! that.

#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes has them")]

mod body;
mod classic;
mod corpora;
mod documents;
mod feedback;
mod info;
mod models;
mod page;
mod predict;
mod recipes;
mod timeline;
mod train;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::Scope;
use crate::problem::Problem;
use crate::server::guard;
use crate::state::Shared;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stimmung",
        description = "Emotion in speech: ask for answers, train models, look at corpora. It hears the expression in a voice, not what \
                       someone feels; nothing here is for decisions about people.\n\nProblems are documents of RFC 9457. Where the server \
                       asks for keys, they go into the header `Authorization: Bearer KEY`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "answers", description = "Recordings in, emotions out."),
        (name = "models", description = "The models that answer."),
        (name = "training", description = "Recipes, and jobs that train and judge them."),
        (name = "corpora", description = "The labelled recordings that the server knows."),
        (name = "feedback", description = "Corrections by people."),
        (name = "classic", description = "The calls of the published systems that this server stands in for."),
        (name = "server", description = "The server itself."),
    ),
    components(schemas(Problem)),
)]
struct Description;

/// Everything that the server answers, and the document that describes it.
pub(crate) fn router(state: &Shared) -> Router {
    let scope = |mut router: OpenApiRouter<Shared>, scope| {
        let state = (Arc::clone(state), scope);
        // No key, not this key, too many requests.
        add_statuses(router.get_openapi_mut(), &[401, 403, 429]);
        router.route_layer(axum::middleware::from_fn_with_state(state, guard))
    };
    let open = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(info::info))
        .routes(routes!(info::health))
        .routes(routes!(info::ready));
    let read = OpenApiRouter::new()
        .routes(routes!(info::metrics))
        .routes(routes!(models::list))
        .routes(routes!(models::show))
        .routes(routes!(models::file))
        .routes(routes!(corpora::list))
        .routes(routes!(corpora::recordings))
        .routes(routes!(corpora::audio))
        .routes(routes!(recipes::list))
        .routes(routes!(train::list))
        .routes(routes!(train::show))
        .routes(routes!(train::history))
        .routes(routes!(train::events))
        .routes(routes!(documents::show));
    let predict = OpenApiRouter::new()
        .routes(routes!(predict::one))
        .routes(routes!(predict::batch))
        .routes(routes!(timeline::timeline))
        .routes(routes!(timeline::stream))
        .routes(routes!(feedback::correct))
        .routes(routes!(classic::predict))
        .routes(routes!(classic::predict_cnn))
        .routes(routes!(classic::pred));
    let train = OpenApiRouter::new()
        .routes(routes!(train::start))
        .routes(routes!(train::cancel))
        .routes(routes!(classic::train, classic::train_by_post))
        .routes(routes!(classic::train_cnn));
    let admin = OpenApiRouter::new()
        .routes(routes!(models::upload))
        .routes(routes!(models::promote))
        .routes(routes!(models::remove))
        .routes(routes!(feedback::export));
    let (router, mut document) = open
        .merge(scope(read, Scope::Read))
        .merge(scope(predict, Scope::Predict))
        .merge(scope(train, Scope::Train))
        .merge(scope(admin, Scope::Admin))
        .split_for_parts();
    complete(&mut document);
    router
        .route("/", get(page::home))
        .route("/{*file}", get(page::file))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .fallback(|| async { Problem::not_found("Nothing is here; /openapi.json lists what is.") })
        .method_not_allowed_fallback(|| async {
            Problem::plain(StatusCode::METHOD_NOT_ALLOWED, "Not with this method; /openapi.json lists what is.")
        })
        .layer(DefaultBodyLimit::max(state.params.limits.body_bytes))
        .with_state(Arc::clone(state))
}

/// Every call of a document.
fn operations(document: &mut Document) -> impl Iterator<Item = &mut Operation> {
    document.paths.paths.values_mut().flat_map(|item| {
        let all = [&mut item.get, &mut item.post, &mut item.delete, &mut item.put, &mut item.patch];
        all.into_iter().flatten()
    })
}

/// Says of every call that it can answer with these statuses as well.
fn add_statuses(document: &mut Document, statuses: &[u16]) {
    for operation in operations(document) {
        for status in statuses {
            operation.responses.responses.entry(status.to_string()).or_insert_with(|| Response::default().into());
        }
    }
}

/// Adds what holds for every call: that it may take too long or fail, that refusals are problem documents, and the key.
fn complete(document: &mut Document) {
    add_statuses(document, &[408, 500]);
    for operation in operations(document) {
        for (status, response) in &mut operation.responses.responses {
            let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
            if let (Some(status), RefOr::T(response)) = (status, response)
                && (status.is_client_error() || status.is_server_error())
            {
                let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
                response.content.insert("application/problem+json".to_owned(), content.into());
                status.canonical_reason().unwrap_or("A problem").clone_into(&mut response.description);
            }
        }
    }
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    if let Some(components) = &mut document.components {
        components.add_security_scheme("key", scheme);
    }
}
