//! Just enough SVG for figures.

use std::fmt::{self, Display, Write};

/// Fonts that come with the systems that people have; the last one is any.
const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/// Text on the background of figures.
pub(crate) const INK: &str = "#1f2933";
/// Text that may be overlooked.
pub(crate) const FAINT: &str = "#52606d";
const BACKGROUND: &str = "#ffffff";
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

    /// A line of text; `y` is its baseline.
    pub(crate) fn text(&mut self, x: f64, y: f64, text: &str, style: Style) {
        let Style { size, bold, fill, anchor } = style;
        let weight = if bold { " font-weight=\"600\"" } else { "" };
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = Escaped(text);
        self.add(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\"{weight}{anchor}>{text}</text>"
        ));
    }

    /// A box with round corners.
    pub(crate) fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str, stroke: &str) {
        self.add(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
        ));
    }

    /// A filled shape between corners.
    pub(crate) fn polygon(&mut self, corners: &[(f64, f64)], fill: &str) {
        let mut points = String::new();
        for (x, y) in corners {
            let _ = write!(points, "{}{x:.1},{y:.1}", if points.is_empty() { "" } else { " " });
        }
        self.add(format_args!("<polygon points=\"{points}\" fill=\"{fill}\"/>"));
    }

    /// The document. `title` and `description` are for screen readers and for whoever rests the pointer on the figure.
    pub(crate) fn finish(self, (width, height): (f64, f64), title: &str, description: &str) -> String {
        let (title, description, body) = (Escaped(title), Escaped(description), self.body);
        // The border lies on whole pixels where the box begins at a half.
        let (inner_width, inner_height) = (width - 1.0, height - 1.0);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{FONTS}\">\n  \
             <title>{title}</title>\n  <desc>{description}</desc>\n  \
             <rect x=\"0.5\" y=\"0.5\" width=\"{inner_width}\" height=\"{inner_height}\" rx=\"8\" fill=\"{BACKGROUND}\" \
             stroke=\"{BORDER}\"/>\n{body}</svg>\n"
        )
    }
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
