//! The fonts that figures and slides are set in, and how wide text becomes in them.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb::{Database, Source};
use ttf_parser::Face;

/// What SVG asks for: the fonts that come with the program, or what a browser has instead.
pub(crate) const FAMILY: &str =
    "'Noto Sans', system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

const REGULAR: &[u8] = include_bytes!("../assets/fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../assets/fonts/NotoSans-Bold.ttf");
const ARABIC: &[u8] = include_bytes!("../assets/fonts/NotoSansArabic-Regular.ttf");
const HEBREW: &[u8] = include_bytes!("../assets/fonts/NotoSansHebrew-Regular.ttf");
/// Arrows and signs of relation.
const SIGNS: &[u8] = include_bytes!("../assets/fonts/NotoSansMath-Regular.ttf");

/// What a character takes that no font at hand has, as a share of the font's size: those of Chinese, Japanese and
/// Korean are as wide as they are high.
const UNKNOWN: f64 = 1.0;

/// Widths are of regular text, bold text.
static FACES: LazyLock<[Vec<Face<'static>>; 2]> = LazyLock::new(|| {
    // The fonts are part of the program, and a test reads each of them.
    let faces = |fonts: &[&'static [u8]]| fonts.iter().filter_map(|font| Face::parse(font, 0).ok()).collect();
    [faces(&[REGULAR, ARABIC, HEBREW, SIGNS]), faces(&[BOLD, ARABIC, HEBREW, SIGNS])]
});

/// The width of a text in pixels, without kerning.
///
/// Ligatures and joined letters are not known here: of scripts that have them it is an estimate, and rather too wide.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    size * text.chars().map(|c| advance(c, bold)).sum::<f64>()
}

/// The width of a character at size 1.
fn advance(c: char, bold: bool) -> f64 {
    if c.is_control() {
        return advance(' ', bold);
    }
    let of = |face: &Face<'_>| {
        let glyph = face.glyph_index(c)?;
        Some(f64::from(face.glyph_hor_advance(glyph)?) / f64::from(face.units_per_em()))
    };
    FACES[usize::from(bold)].iter().find_map(of).unwrap_or(UNKNOWN)
}

/// Whether the fonts that come with the program have every character.
pub(crate) fn is_covered(text: &str) -> bool {
    text.chars().all(|c| c.is_control() || FACES[0].iter().any(|face| face.glyph_index(c).is_some()))
}

/// The beginning of a text that is at most `room` pixels wide, with `…` where the rest was.
pub(crate) fn fit(text: &str, room: f64, size: f64, bold: bool) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let room = room - width("…", size, bold);
    let mut taken = 0.0;
    let kept: String = text
        .chars()
        .take_while(|&c| {
            taken += size * advance(c, bold);
            taken <= room
        })
        .collect();
    format!("{}…", kept.trim_end())
}

/// A text in lines of at most `room` pixels, broken between words; words that are wider themselves are broken anywhere.
pub(crate) fn wrap(text: &str, room: f64, size: f64, bold: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    // A no-break space joins what stands on its sides.
    for word in text.split(|c: char| c.is_whitespace() && c != '\u{a0}').filter(|word| !word.is_empty()) {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, size, bold) <= room {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if width(&line, size, bold) > room && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(c);
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The fonts to draw a document with: those of the program, and those of the system where the document has characters
/// that the first lack.
pub(crate) fn database(document: &str) -> Arc<Database> {
    static OWN: LazyLock<Arc<Database>> = LazyLock::new(|| Arc::new(own()));
    static ALL: LazyLock<Arc<Database>> = LazyLock::new(|| {
        let mut database = own();
        database.load_system_fonts();
        Arc::new(database)
    });
    Arc::clone(if is_covered(document) { &OWN } else { &ALL })
}

fn own() -> Database {
    let mut database = Database::new();
    for font in [REGULAR, BOLD, ARABIC, HEBREW, SIGNS] {
        database.load_font_source(Source::Binary(Arc::new(font)));
    }
    database.set_sans_serif_family("Noto Sans");
    database.set_serif_family("Noto Sans");
    database
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fonts_are_there() {
        assert_eq!(own().len(), 5);
        assert_eq!(FACES.iter().map(Vec::len).sum::<usize>(), 8);
        assert!(is_covered("\u{a0}Kraße Übung, ±3.1 % − × ≥ → … ‘’ “” · № Ярость χαρά שמחה غضب"));
        assert!(!is_covered("怒り"));
    }

    #[test]
    fn widths_add_up_and_scale() {
        for bold in [false, true] {
            let whole = width("anger", 10.0, bold);
            assert!((whole - width("an", 10.0, bold) - width("ger", 10.0, bold)).abs() < 1e-9);
            assert!((width("anger", 20.0, bold) - 2.0 * whole).abs() < 1e-9);
            assert!((20.0..40.0).contains(&whole), "{whole}");
        }
        assert!(width("anger", 10.0, true) > width("anger", 10.0, false));
        assert_eq!(width("", 10.0, false), 0.0);
        assert!((width("怒", 10.0, false) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_cut_fits() {
        for text in ["", "anger", "a rather long label of an emotion", "غضب شديد مع خوف", "WWWWWWWWWWWW"] {
            for room in [0.0, 5.0, 20.0, 60.0, 1000.0] {
                let fitted = fit(text, room, 12.0, false);
                assert!(fitted == "…" || width(&fitted, 12.0, false) <= room, "{text} in {room}: {fitted}");
                assert!(text.starts_with(fitted.trim_end_matches('…')));
            }
        }
        assert_eq!(fit("anger", 1000.0, 12.0, false), "anger");
    }

    #[test]
    fn lines_hold_every_word() {
        let text = "one two three fourteenhundredninetytwo five";
        for room in [10.0, 40.0, 80.0, 500.0] {
            let lines = wrap(text, room, 12.0, false);
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
            assert!(lines.iter().all(|line| width(line, 12.0, false) <= room.max(12.0)), "{lines:?}");
        }
        assert_eq!(wrap(text, 500.0, 12.0, false), [text]);
        assert!(wrap("  ", 10.0, 12.0, false).is_empty());
        assert_eq!(wrap("of 3.1\u{a0}% and", 40.0, 12.0, false), ["of", "3.1\u{a0}%", "and"]);
    }
}
