//! The server: from parameters to answers, until it is told to stop.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use uuid::Uuid;

use crate::access::{Scope, hash, scopes};
use crate::corpora::Corpora;
use crate::jobs::Jobs;
use crate::linger::lingering;
use crate::models::Models;
use crate::params::ServerParams;
use crate::problem::{Problem, REQUEST_ID};
use crate::state::{Shared, State as Server_};
use crate::store::Store;
use crate::{ServerError, api, metrics, origins};

/// Within so many seconds a client must have sent the head of its request.
const HEAD: Duration = Duration::from_secs(10);

/// After so many seconds, requests that have not ended are cut off, when the server is to stop.
const FAREWELL: Duration = Duration::from_secs(8);

/// The header with the id of a request.
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A server that listens.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    state: Shared,
    trainings: JoinHandle<()>,
}

impl Server {
    /// Opens the data folder, loads the model, takes up trainings that were interrupted, and listens.
    ///
    /// # Errors
    /// Parameters out of range, a folder that another server holds, an address that is taken, and a server that everybody could use
    /// without having said so.
    pub fn start(params: ServerParams) -> Result<Self, ServerError> {
        params.check()?;
        let store = Arc::new(Store::open(&params.data)?);
        let folders = stimmung::corpora_folders(&params.corpora);
        let corpora = Arc::new(Corpora::find(&folders));
        let models = Arc::new(Models::open(Arc::clone(&store), params.model.as_deref())?);
        let jobs = Arc::new(Jobs::new(Arc::clone(&store), Arc::clone(&models), folders, params.limits.jobs));
        let state = Arc::new(Server_::new(params, store, models, corpora, jobs));
        let asked = state.params.listen;
        if !asked.ip().is_loopback() && !state.params.open && !state.needs_keys() {
            return Err(ServerError::Unprotected { address: asked });
        }
        let listening = |source| ServerError::Listen { address: asked, source };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(listening)?;
        let listener = runtime.block_on(TcpListener::bind(asked)).map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        metrics::begin();
        let trainings = state.jobs.work().map_err(listening)?;
        Ok(Self { runtime, listener, address, state, trainings })
    }

    /// The address and port at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stopped` says so, which is asked ten times a second. Requests in flight are finished then, and the training
    /// under way keeps its checkpoint.
    pub fn run_until(self, stopped: impl Fn() -> bool) {
        let stop = async {
            while !stopped() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        self.run(stop);
    }

    fn run(self, stop: impl Future<Output = ()>) {
        let Self { runtime, listener, state, trainings, .. } = self;
        let router = layered(api::router(&state), &state);
        let stop = async {
            stop.await;
            state.jobs.stop();
        };
        runtime.block_on(serve(listener, router, stop));
        // The thread ends after the epoch at hand.
        if trainings.join().is_err() {
            tracing::error!("the thread that trains had panicked");
        }
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// What goes around every request, from the inside out.
fn layered(router: Router, state: &Shared) -> Router {
    let router = router.layer(from_fn_with_state(Arc::clone(state), within_time));
    let router = router.layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
        Problem::internal(&"a request panicked").into_response()
    }));
    let router = match cors(&state.params.origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn(observed)).layer(map_request(lingering))
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        some if some.iter().any(|origin| origin == "*") => AllowOrigin::any(),
        listed => AllowOrigin::list(listed.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let headers = [header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("last-event-id")];
    let methods = [Method::GET, Method::POST, Method::DELETE];
    Some(CorsLayer::new().allow_origin(allowed).allow_methods(methods).allow_headers(headers))
}

/// Takes connections until `stop` comes about, then lets those that are there end.
async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connect(stream, peer, router.clone(), &graceful),
                Err(error) => {
                    // Out of files, most likely: others must end before there is room again.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    tracing::info!("stopping: requests in flight are finished");
    if tokio::time::timeout(FAREWELL, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
}

fn connect(stream: TcpStream, peer: SocketAddr, router: Router, graceful: &GracefulShutdown) {
    // Answers are small; waiting to fill a packet only costs time.
    let _ = stream.set_nodelay(true);
    let service = router.layer(Extension(Peer(peer.ip())));
    let service = TowerToHyperService::new(service);
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let connection = graceful.watch(connection.into_owned());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%peer, %error, "a connection broke");
        }
    });
}

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
struct Peer(IpAddr);

/// Gives every request an id, says what came of it, and counts it.
async fn observed(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = Uuid::new_v4().to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // Paths that nobody serves do not become labels: there is no end of them.
    let route = request.extensions().get::<MatchedPath>().map_or("(none)".to_owned(), |it| it.as_str().to_owned());
    let mut response = REQUEST_ID.scope(id.clone(), next.run(request)).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    metrics::request(&route, method.as_str(), status, took);
    tracing::info!(request = id, %method, path, status, milliseconds = took.as_secs_f64() * 1e3, "request");
    response
}

/// Gives up on a request that takes too long, its body included. What a stream of events sends later is not part of that.
async fn within_time(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let seconds = state.params.limits.request_seconds;
    tokio::time::timeout(Duration::from_secs(seconds), next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("The request took longer than {seconds} s, which is the limit here.");
        Problem::plain(StatusCode::REQUEST_TIMEOUT, detail).into_response()
    })
}

/// What the client of a request may do.
#[derive(Debug, Clone)]
pub(crate) struct Access(Arc<[Scope]>);

impl Access {
    /// Whether it may do this.
    pub(crate) fn allows(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Refuses what it may not do.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.allows(scope) {
            return Ok(());
        }
        let detail = format!("This key does not open `{}`.", scope.name());
        Err(Problem::new(StatusCode::FORBIDDEN, "scope", "Not with this key", detail))
    }
}

impl<S: Sync> FromRequestParts<S> for Access {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The guard of the route has put it there.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal(&"a route without a guard"))
    }
}

impl Server_ {
    /// Whether a key is needed: as soon as there is one.
    pub(crate) fn needs_keys(&self) -> bool {
        self.store.keys().map_or(true, |keys| !keys.is_empty())
    }

    /// What a request may do, by its key.
    fn access(&self, request: &Request) -> Result<Access, Problem> {
        let keys = self.store.keys()?;
        if keys.is_empty() {
            origins::admit(&self.params, request.headers())?;
            let address = request.extensions().get().map_or_else(String::new, |Peer(address)| address.to_string());
            self.count(&address)?;
            return Ok(Access(Arc::from(Scope::ALL)));
        }
        let unauthorised = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "key", "A key is needed", detail);
        let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key =
            header.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, key)) = key else {
            return Err(unauthorised("Send the key in the header `Authorization: Bearer KEY`."));
        };
        // Hashes are compared, so that the time it takes says nothing about keys.
        let sent = hash(key.trim());
        match keys.iter().find(|known| known.hash == sent) {
            Some(known) => {
                self.count(&known.name)?;
                Ok(Access(Arc::from(scopes(known))))
            }
            None => Err(unauthorised("This server does not know the key.")),
        }
    }
}

/// Lets through who may do what the route is for.
pub(crate) async fn guard(
    State((state, scope)): State<(Shared, Scope)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let access = state.access(&request)?;
    access.require(scope)?;
    request.extensions_mut().insert(access);
    Ok(next.run(request).await)
}
