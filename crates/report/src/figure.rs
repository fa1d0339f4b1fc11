//! A finished figure and the formats it can be had in.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::{ReportError, font};

/// The most pixels that a PNG may have: 64 million, or 256 MB while it is painted.
const MOST_PIXELS: f64 = 64e6;

/// A drawn figure: self-contained SVG that brings its own background and asks for no script and no other file.
///
/// The same data gives the same bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it shows in a few words; stands above it.
    pub title: String,
    /// Width in pixels at 96 to the inch.
    pub width: f64,
    /// Height in pixels at 96 to the inch.
    pub height: f64,
    /// The document.
    pub svg: String,
}

impl Figure {
    /// The figure as PNG with `scale` dots a pixel: 1 for screens, 3 for print (288 dots to the inch).
    ///
    /// # Errors
    /// [`ReportError::Drawing`] for a scale that is not above 0 or that makes a picture of more than 64 million pixels.
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>, ReportError> {
        let size = [self.width, self.height].map(|length| (length * f64::from(scale)).ceil());
        if !(scale > 0.0 && size[0] * size[1] <= MOST_PIXELS) {
            let [width, height] = size;
            return Err(ReportError::Drawing(format!(
                "`{}` at scale {scale} would have {width} by {height} pixels; the scale must be above 0 and the picture have at most 64 million",
                self.title
            )));
        }
        let tree = self.tree()?;
        let mut picture = Pixmap::new(size[0] as u32, size[1] as u32)
            .ok_or_else(|| ReportError::Drawing(format!("`{}` has no area", self.title)))?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
        picture.encode_png().map_err(|error| self.failed(&error))
    }

    /// The document as a tree of shapes and text, with its fonts.
    pub(crate) fn tree(&self) -> Result<Tree, ReportError> {
        let mut options = Options { font_family: "Noto Sans".to_owned(), ..Options::default() };
        options.fontdb = Arc::clone(&font::database(&self.svg));
        Tree::from_str(&self.svg, &options).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> ReportError {
        ReportError::Drawing(format!("`{}`: {error}", self.title))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use resvg::usvg::{Group, Node, Rect, TextChunk};

    use super::*;

    /// Texts that lie over one another or outside the figure, as their boxes of ink tell, with two pixels of tolerance.
    pub(crate) fn collisions(figure: &Figure) -> Vec<String> {
        let tree = figure.tree().expect("a document");
        let mut boxes = Vec::new();
        texts(tree.root(), &mut boxes);
        let mut found = Vec::new();
        let (width, height) = (figure.width as f32, figure.height as f32);
        for (number, (text, it)) in boxes.iter().enumerate() {
            if it.left() < 0.0 || it.top() < 0.0 || it.right() > width || it.bottom() > height {
                found.push(format!("`{text}` leaves the figure"));
            }
            for (other, its) in &boxes[number + 1..] {
                let over = (it.right().min(its.right()) - it.left().max(its.left()))
                    .min(it.bottom().min(its.bottom()) - it.top().max(its.top()));
                if over > 2.0 {
                    found.push(format!("`{text}` and `{other}` overlap by {over}"));
                }
            }
        }
        found
    }

    fn texts(group: &Group, boxes: &mut Vec<(String, Rect)>) {
        for node in group.children() {
            match node {
                Node::Group(group) => texts(group, boxes),
                Node::Text(text) => {
                    let content = text.chunks().iter().map(TextChunk::text).collect();
                    let ink = text.flattened().bounding_box().transform(text.abs_transform());
                    boxes.extend(ink.map(|ink| (content, ink)));
                }
                _ => {}
            }
        }
    }

    fn figure(width: f64) -> Figure {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"50\" font-family=\"'Noto Sans'\">\
             <text x=\"5\" y=\"20\" font-size=\"12\">anger</text><text x=\"8\" y=\"20\" font-size=\"12\">fear</text></svg>"
        );
        Figure { title: "test".into(), width, height: 50.0, svg }
    }

    #[test]
    fn the_search_for_collisions_finds_them() {
        let found = collisions(&figure(100.0));
        assert!(found.len() == 1 && found[0].contains("`anger` and `fear` overlap"), "{found:?}");
        let found = collisions(&figure(20.0));
        assert!(found.iter().any(|it| it == "`anger` leaves the figure"), "{found:?}");
    }

    #[test]
    fn png_has_the_size_and_the_ink() {
        let png = figure(100.0).to_png(2.0).unwrap();
        let picture = Pixmap::decode_png(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (200, 100));
        assert!(picture.pixels().iter().filter(|pixel| pixel.alpha() > 128).count() > 100);
    }

    #[test]
    fn bad_scales_are_refused() {
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e6] {
            let error = figure(100.0).to_png(scale).unwrap_err().to_string();
            assert!(error.contains("scale"), "{error}");
        }
    }
}
