//! Which pages a server without keys answers: its own, and those of the origins that it was told.
//!
//! A browser lets every page in the world ask a server on its own machine, and a server without keys takes trainings and models from
//! whoever asks. So it goes by what browsers say of the page; other clients say nothing of the kind.

use std::net::IpAddr;

use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};

use crate::params::ServerParams;
use crate::problem::Problem;

/// What the page that asks is to the server: told by browsers where there is no `Origin` as well, and out of the reach of pages.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what a page from elsewhere has its browser ask.
pub(crate) fn admit(params: &ServerParams, headers: &HeaderMap) -> Result<(), Problem> {
    let origins = &params.origins;
    if origins.iter().any(|origin| origin == "*") {
        return Ok(());
    }
    let refuse = |detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, "origin", "Not for this page", detail));
    let header = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = header(header::HOST);
    // A page can have its own name lead to this machine, and is of the same origin then. The name remains.
    if let Some(host) = host
        && params.listen.ip().is_loopback()
        && !leads_here(host, origins)
    {
        return refuse(
            "This server is for its own machine: ask for it as `localhost` or by its address. Whoever runs it can allow \
             the host of a page with --origin, or make keys.",
        );
    }
    let welcome = match (header(header::ORIGIN), header(SITE)) {
        (Some(origin), _) => {
            let own = authority_of(origin).is_some_and(|authority| host.is_some_and(|host| authority == host));
            own || origins.iter().any(|known| known == origin)
        }
        // Without an `Origin` come pictures, links and the like, and a GET alone can start a training.
        (None, Some(site)) => ["same-origin", "none"].contains(&site),
        (None, None) => true,
    };
    if welcome {
        return Ok(());
    }
    refuse(
        "A page from elsewhere asks, and no key is needed here. Whoever runs the server can let the page in with --origin, \
         or make keys.",
    )
}

/// Whether a `Host` cannot be a name that somebody else has given this machine.
fn leads_here(host: &str, origins: &[String]) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    let told = || origins.iter().filter_map(|origin| authority_of(origin)).any(|it| it.host() == name);
    is_address || name.eq_ignore_ascii_case("localhost") || told()
}

/// Whether a text is an origin as browsers write it: scheme, host and port in lower case, and no path.
pub(crate) fn is_origin(text: &str) -> bool {
    text == text.to_ascii_lowercase() && authority_of(text).is_some()
}

/// Host and port of an origin.
fn authority_of(origin: &str) -> Option<Authority> {
    let (scheme, authority) = origin.split_once("://")?;
    scheme.parse::<Scheme>().ok()?;
    authority.parse().ok().filter(|it: &Authority| !it.host().is_empty() && !it.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status of a request with these headers, `name: value`.
    fn answer(listen: &str, origins: &[&str], headers: &[&str]) -> u16 {
        let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        let params = ServerParams { listen: listen.parse().unwrap(), origins, ..ServerParams::default() };
        let pairs = headers.iter().map(|header| header.split_once(": ").unwrap());
        let headers = pairs.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        admit(&params, &headers.collect()).map_or_else(|problem| problem.status, |()| 200)
    }

    const LOCAL: &str = "127.0.0.1:5000";
    const OPEN: &str = "0.0.0.0:5000";

    #[test]
    fn programs_and_pages_of_the_server_itself_are_answered() {
        for headers in [
            &["host: 127.0.0.1:5000"][..],
            &["host: localhost:5000"],
            &["host: LOCALHOST:5000", "origin: http://localhost:5000"],
            &["host: [::1]:5000", "origin: http://[::1]:5000"],
            &["host: localhost:5000", "origin: http://localhost:5000", "sec-fetch-site: same-origin"],
            &["host: localhost:5000", "sec-fetch-site: same-origin"],
            // An address that was typed.
            &["host: localhost:5000", "sec-fetch-site: none"],
            // HTTP/1.0 has no host, and browsers always do.
            &[],
        ] {
            assert_eq!(answer(LOCAL, &[], headers), 200, "{headers:?}");
            assert_eq!(answer(OPEN, &[], headers), 200, "{headers:?}");
        }
        // In a container, or in the network of a laboratory.
        assert_eq!(answer(OPEN, &[], &["host: voices:5000", "origin: http://voices:5000"]), 200);
    }

    #[test]
    fn pages_from_elsewhere_are_not() {
        for headers in [
            &["host: localhost:5000", "origin: https://elsewhere.example"][..],
            &["host: localhost:5000", "origin: http://localhost:3000"],
            &["host: localhost:5000", "origin: http://localhost"],
            &["host: localhost:5000", "origin: null"],
            &["host: localhost:5000", "origin: "],
            &["host: localhost:5000", "origin: localhost:5000"],
            &["origin: http://localhost:5000"],
            &["host: localhost:5000", "sec-fetch-site: cross-site"],
            &["host: localhost:5000", "sec-fetch-site: same-site"],
            &["host: localhost:5000", "sec-fetch-site: cross-site", "sec-fetch-mode: navigate"],
        ] {
            assert_eq!(answer(LOCAL, &[], headers), 403, "{headers:?}");
            assert_eq!(answer(OPEN, &[], headers), 403, "{headers:?}");
            assert_eq!(answer(LOCAL, &["https://voice.example"], headers), 403, "{headers:?}");
            assert_eq!(answer(LOCAL, &["https://voice.example", "*"], headers), 200, "{headers:?}");
        }
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_gains_nothing() {
        let headers = ["host: voice.example:5000", "origin: http://voice.example:5000"];
        for headers in [&headers[..1], &headers] {
            assert_eq!(answer(LOCAL, &[], headers), 403);
            assert_eq!(answer(LOCAL, &["http://voice.example:5000"], headers), 200);
        }
        for host in ["localhost.voice.example", "127.0.0.1.voice.example", "127.0.0.1:5000/", ""] {
            assert_eq!(answer(LOCAL, &[], &[&format!("host: {host}")]), 403, "{host}");
        }
    }

    #[test]
    fn origins_that_were_told_are_let_in() {
        let headers = ["host: localhost:5000", "origin: https://voice.example", "sec-fetch-site: cross-site"];
        assert_eq!(answer(LOCAL, &["https://voice.example"], &headers), 200);
        assert_eq!(answer(LOCAL, &["https://voice.example:8443"], &headers), 403);
    }

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for origin in ["https://voice.example", "http://localhost:3000", "http://[::1]:3000", "chrome-extension://abc"]
        {
            assert!(is_origin(origin), "{origin}");
        }
        for text in [
            "",
            "null",
            "voice.example",
            "https://",
            "https://voice.example/",
            "https://Voice.example",
            "https://me@voice.example",
            "https://*.exam ple",
            "https://voice.example\n",
            "https://stimmgerät.example",
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }
}
