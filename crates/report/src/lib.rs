//! Figures for people to look at.
//!
//! [`network_svg`] draws the networks of a model, layer by layer, with shapes and numbers of parameters. Figures are
//! self-contained SVG: no scripts, no fonts to fetch, no style sheets that would leak into a page around them; they
//! bring their own background, so they can be read on light pages and dark ones. The same input gives the same bytes.

mod network;
mod svg;

pub use network::network_svg;
