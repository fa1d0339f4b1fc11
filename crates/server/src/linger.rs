//! Uploads that are answered before they have ended. A connection that is closed while the client still sends loses the answer on its
//! way: the client learns that the pipe broke, and not that its recording is too large. So what comes after the answer is taken in and
//! thrown away, for a while.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use futures_util::{Stream, StreamExt};

/// So long a client may go on sending after its answer.
const LINGER: Duration = Duration::from_secs(30);

/// After so long a pause, nothing more is waited for.
const PAUSE: Duration = Duration::from_secs(5);

/// Lets the rest of a request's body be taken in, when nobody reads it.
pub(crate) async fn lingering(request: Request) -> Request {
    // One who asks first whether to send is told by the answer not to.
    let asks = request.headers().contains_key(header::EXPECT);
    request.map(|body| {
        if body.is_end_stream() {
            return body;
        }
        Body::from_stream(Upload { rest: Some(body.into_data_stream()), sends: !asks })
    })
}

/// A body, of which the rest is taken in when it is dropped.
struct Upload {
    rest: Option<BodyDataStream>,
    /// Whether the client sends without being told to, or was told.
    sends: bool,
}

impl Stream for Upload {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.sends = true;
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let next = ready!(rest.poll_next_unpin(context));
        if !matches!(next, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(next)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let rest = self.rest.take().filter(|_| self.sends);
        // A runtime that is being shut down takes nothing more.
        if let Some((mut rest, runtime)) = rest.zip(tokio::runtime::Handle::try_current().ok()) {
            runtime.spawn(tokio::time::timeout(LINGER, async move {
                while let Ok(Some(Ok(_))) = tokio::time::timeout(PAUSE, rest.next()).await {}
            }));
        }
    }
}
