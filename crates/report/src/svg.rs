//! Just enough SVG for figures.

use std::fmt::{self, Display, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::font;

/// Text on the background of figures.
pub(crate) const INK: &str = "#1f2933";
/// Text that may be overlooked.
pub(crate) const FAINT: &str = "#52606d";
/// Lines that guide the eye.
pub(crate) const GRID: &str = "#e4e8ec";
/// Figures bring their own background.
pub(crate) const BACKGROUND: &str = "#ffffff";
const BORDER: &str = "#d5dbe1";

/// Text as XML may hold it: markup escaped, and what no XML document may hold replaced by U+FFFD.
pub(crate) struct Escaped<'t>(pub(crate) &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\r' | '\t' => f.write_char(' ')?,
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The beginning of a text, with `…` where the rest was.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A count with commas between thousands.
pub(crate) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if place > 0 && place % 3 == 0 {
            text.push(',');
        }
    }
    text
}

/// From where a text runs.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) fill: &'static str,
    pub(crate) anchor: Anchor,
}

/// A length or place in pixels as it is written: to a hundredth, without zeros at the end.
struct Px(f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (self.0 * 100.0).round();
        if hundredths % 100.0 == 0.0 {
            write!(f, "{}", hundredths / 100.0 + 0.0)
        } else {
            write!(f, "{:.2}", hundredths / 100.0)
        }
    }
}

/// A place in pixels; y runs downward.
pub(crate) type Point = (f64, f64);

/// The pen of lines.
#[derive(Clone, Copy)]
pub(crate) struct Pen<'c> {
    pub(crate) colour: &'c str,
    pub(crate) width: f64,
    pub(crate) dashed: bool,
}

impl<'c> Pen<'c> {
    pub(crate) fn new(colour: &'c str, width: f64) -> Self {
        Self { colour, width, dashed: false }
    }

    pub(crate) fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }
}

impl Display for Pen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stroke=\"{}\" stroke-width=\"{}\"", self.colour, Px(self.width))?;
        if self.dashed { f.write_str(" stroke-dasharray=\"5 4\"") } else { Ok(()) }
    }
}

/// The shapes of points: what tells series apart where colours repeat or are not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

impl Mark {
    pub(crate) const ALL: [Self; 5] = [Self::Circle, Self::Square, Self::Triangle, Self::Diamond, Self::Cross];

    /// The shape's outline around a point as a path, about as large as a circle of this radius.
    fn path(self, (x, y): Point, radius: f64) -> String {
        let corners = |corners: &[Point]| {
            let mut path = String::new();
            for (number, (dx, dy)) in corners.iter().enumerate() {
                let command = if number == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{command}{} {}", Px(x + dx * radius), Px(y + dy * radius));
            }
            path + "Z"
        };
        match self {
            Self::Circle => {
                let (r, left, d) = (Px(radius), Px(x - radius), Px(2.0 * radius));
                format!("M{left} {}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0Z", Px(y))
            }
            Self::Square => corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Self::Triangle => corners(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
            Self::Diamond => corners(&[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)]),
            Self::Cross => {
                let (a, b) = (1.1, 0.36);
                corners(&[
                    (-a, -b),
                    (-b, -b),
                    (-b, -a),
                    (b, -a),
                    (b, -b),
                    (a, -b),
                    (a, b),
                    (b, b),
                    (b, a),
                    (-b, a),
                    (-b, b),
                    (-a, b),
                ])
            }
        }
    }
}

/// The elements of a figure in the order in which they are painted. Lengths are in pixels, y runs downward.
#[derive(Default)]
pub(crate) struct Canvas {
    body: String,
}

impl Canvas {
    /// Adds an element. Writing to memory cannot fail.
    fn add(&mut self, element: fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "  {element}");
    }

    /// Adds an element that tells something when the pointer rests on it.
    fn add_telling(&mut self, name: &str, attributes: fmt::Arguments<'_>, tip: &str) {
        if tip.is_empty() {
            self.add(format_args!("<{name} {attributes}/>"));
        } else {
            self.add(format_args!("<{name} {attributes}><title>{}</title></{name}>", Escaped(tip)));
        }
    }

    /// A line of text; `y` is its baseline.
    pub(crate) fn text(&mut self, x: f64, y: f64, text: &str, style: Style) {
        self.write(x, y, text, style, "");
    }

    /// A line of text that runs upward; `x` is its baseline.
    pub(crate) fn text_upward(&mut self, x: f64, y: f64, text: &str, style: Style) {
        self.write(x, y, text, style, &format!(" transform=\"rotate(-90 {} {})\"", Px(x), Px(y)));
    }

    fn write(&mut self, x: f64, y: f64, text: &str, style: Style, transform: &str) {
        let Style { size, bold, fill, anchor } = style;
        let weight = if bold { " font-weight=\"700\"" } else { "" };
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y, size, text) = (Px(x), Px(y), Px(size), Escaped(text));
        self.add(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\"{weight}{anchor}{transform}>{text}</text>"
        ));
    }

    /// A box with round corners.
    pub(crate) fn rectangle(&mut self, (x, y): Point, (width, height): (f64, f64), fill: &str, stroke: &str) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width), Px(height));
        self.add(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
        ));
    }

    /// A filled rectangle: a bar, a cell.
    pub(crate) fn bar(&mut self, (x, y): Point, (width, height): (f64, f64), fill: &str, tip: &str) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width.max(0.0)), Px(height.max(0.0)));
        self.add_telling(
            "rect",
            format_args!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\""),
            tip,
        );
    }

    /// A filled shape between corners.
    pub(crate) fn polygon(&mut self, corners: &[Point], fill: &str) {
        self.add(format_args!("<polygon points=\"{}\" fill=\"{fill}\"/>", points(corners)));
    }

    /// A straight line.
    pub(crate) fn line(&mut self, from: Point, to: Point, pen: Pen<'_>) {
        self.add(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {pen}/>",
            Px(from.0),
            Px(from.1),
            Px(to.0),
            Px(to.1)
        ));
    }

    /// A line through points.
    pub(crate) fn polyline(&mut self, corners: &[Point], pen: Pen<'_>, tip: &str) {
        let corners = points(corners);
        self.add_telling(
            "polyline",
            format_args!("points=\"{corners}\" fill=\"none\" stroke-linejoin=\"round\" {pen}"),
            tip,
        );
    }

    /// A point.
    pub(crate) fn mark(&mut self, at: Point, mark: Mark, radius: f64, fill: &str, tip: &str) {
        let path = mark.path(at, radius);
        self.add_telling(
            "path",
            format_args!("d=\"{path}\" fill=\"{fill}\" stroke=\"{BACKGROUND}\" stroke-width=\"0.6\""),
            tip,
        );
    }

    /// A picture in PNG, stretched over a rectangle; its pixels stay sharp.
    pub(crate) fn picture(&mut self, (x, y): Point, (width, height): (f64, f64), png: &[u8]) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width), Px(height));
        self.add(format_args!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             image-rendering=\"optimizeSpeed\" href=\"data:image/png;base64,{}\"/>",
            BASE64_STANDARD.encode(png)
        ));
    }

    /// Another document, with its left upper corner at a place and its lengths times `scale`.
    pub(crate) fn embed(&mut self, (x, y): Point, scale: f64, svg: &str) {
        // Three decimals of a scale of 800 pixels are less than one of them.
        self.add(format_args!(
            "<g transform=\"translate({} {}) scale({scale:.4})\">{}</g>",
            Px(x),
            Px(y),
            svg.trim_end()
        ));
    }

    /// The document. `title` and `description` are for screen readers and for whoever rests the pointer on the figure.
    pub(crate) fn finish(self, (width, height): (f64, f64), title: &str, description: &str) -> String {
        let (title, description, body, family) = (Escaped(title), Escaped(description), self.body, font::FAMILY);
        // The border lies on whole pixels where the box begins at a half.
        let (inner_width, inner_height) = (Px(width - 1.0), Px(height - 1.0));
        let (width, height) = (Px(width), Px(height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{family}\">\n  \
             <title>{title}</title>\n  <desc>{description}</desc>\n  \
             <rect x=\"0.5\" y=\"0.5\" width=\"{inner_width}\" height=\"{inner_height}\" rx=\"8\" fill=\"{BACKGROUND}\" \
             stroke=\"{BORDER}\"/>\n{body}</svg>\n"
        )
    }
}

fn points(corners: &[Point]) -> String {
    let mut points = String::new();
    for &(x, y) in corners {
        let _ = write!(points, "{}{},{}", if points.is_empty() { "" } else { " " }, Px(x), Px(y));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let written = [0, 7, 999, 1000, 21_034, 999_999, 1_234_567].map(thousands);
        assert_eq!(written, ["0", "7", "999", "1,000", "21,034", "999,999", "1,234,567"]);
        assert_eq!(thousands(usize::MAX).replace(',', ""), usize::MAX.to_string());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("übermütig", 9), "übermütig");
        assert_eq!(shorten("übermütig", 5), "über…");
        assert_eq!(shorten("so long", 4), "so…");
        assert_eq!((shorten("", 0), shorten("ab", 0)), (String::new(), "…".to_owned()));
    }

    #[test]
    fn any_text_comes_back_from_the_document() {
        let every: String = ('\0'..=char::MAX).step_by(7).chain("<&>\"'</svg>]]>\u{fffe}\u{1b}[31m".chars()).collect();
        let mut canvas = Canvas::default();
        canvas.text(1.0, 2.0, &every, Style { size: 12.0, bold: true, fill: INK, anchor: Anchor::End });
        let svg = canvas.finish((10.0, 10.0), &every, &every);
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let expected: String = every
            .chars()
            .map(|c| match c {
                '\n' | '\r' | '\t' => ' ',
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                c => c,
            })
            .collect();
        for tag in ["title", "desc", "text"] {
            let node = document.descendants().find(|node| node.has_tag_name(tag)).expect("there");
            assert_eq!(node.text(), Some(expected.as_str()), "{tag}");
        }
    }
}
