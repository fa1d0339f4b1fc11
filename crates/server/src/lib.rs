//! Stimmung over HTTP: an endpoint to train, an endpoint to ask, and everything around them, in one process with one data
//! folder.
//!
//! [`Server::start`] opens the data folder and [`Server::run_until`] answers until it is told to stop. What a request may ask for is in
//! `api/`, one module a group of calls, and in the document that `/openapi.json` serves, which is made from the same code.

mod access;
mod api;
mod corpora;
mod error;
mod jobs;
mod linger;
mod metrics;
mod models;
mod origins;
mod params;
mod problem;
mod server;
mod state;
mod store;

pub use access::{Key, Scope, add_key, list_keys, remove_key};
pub use error::ServerError;
pub use params::{Limits, ServerParams};
pub use server::Server;
