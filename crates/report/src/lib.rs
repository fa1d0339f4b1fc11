//! Figures for people to look at: of a corpus, of a recording, of a finished run, of several runs, of a network.
//!
//! A [`Kind`] is a figure by its name; [`figures`] holds the functions behind them. [`network`](fn@network) draws the networks
//! of a model, layer by layer, with shapes and numbers of parameters. A [`Figure`] is self-contained SVG: no scripts, no
//! fonts to fetch, no style sheets that would leak into a page around it; it brings its own background, so it can be read
//! on light pages and dark ones. Colours are told apart by the colour-blind, series by their marks as well. Text is
//! measured before it is placed, so that none meets another. The same input gives the same bytes.

mod chart;
mod colour;
mod document;
mod error;
mod figure;
pub mod figures;
mod font;
mod html;
mod kind;
mod markdown;
mod network;
mod notebook;
mod slides;
mod story;
mod svg;

pub use document::Document;
pub use error::ReportError;
pub use figure::Figure;
pub use kind::{Kind, Subject};
pub use network::network;
pub use notebook::notebook;
pub use slides::Slides;
pub use story::{Block, Report, Section, Table, model_card};
