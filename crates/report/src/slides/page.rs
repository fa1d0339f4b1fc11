//! One slide: a headline, and boxes below it in which everything fits.

use crate::Figure;
use crate::colour;
use crate::font;
use crate::svg::{Anchor, Canvas, FAINT, INK, Pen, Style};

/// 16:9, in pixels.
pub(super) const SIZE: (f64, f64) = (1280.0, 720.0);
const MARGIN: f64 = 64.0;
/// Text is set in the largest of these sizes in which it fits.
const SIZES: [f64; 8] = [26.0, 24.0, 22.0, 20.0, 18.0, 16.0, 14.0, 12.0];
const LINE: f64 = 1.36;
/// Between paragraphs, in lines.
const GAP: f64 = 0.55;
/// Where bullets' texts begin, in letters' sizes.
const INDENT: f64 = 0.9;

/// A box on a slide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Room {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Room {
    /// Two boxes side by side; the left one has this share of the width.
    pub(super) fn columns(self, share: f64) -> (Self, Self) {
        let gap = 40.0;
        let left = (self.width - gap) * share;
        let right = Self { x: self.x + left + gap, width: self.width - gap - left, ..self };
        (Self { width: left, ..self }, right)
    }

    /// Two boxes one above the other; the upper one is so high.
    pub(super) fn rows(self, height: f64) -> (Self, Self) {
        let gap = 20.0;
        let below = Self { y: self.y + height + gap, height: self.height - height - gap, ..self };
        (Self { height, ..self }, below)
    }
}

/// A slide that is being filled.
pub(super) struct Page {
    canvas: Canvas,
    headline: String,
    /// Everything that it says, for those who cannot see it.
    told: Vec<String>,
}

impl Page {
    /// A slide with its part of the story, its headline and its number; `foot` stands below on the left. The second value is what is left.
    pub(super) fn new(part: &str, headline: &str, foot: &str, number: (usize, usize)) -> (Self, Room) {
        let mut page = Self { canvas: Canvas::default(), headline: headline.to_owned(), told: Vec::new() };
        let room = SIZE.0 - 2.0 * MARGIN;
        let small = Style { size: 15.0, bold: false, fill: FAINT, anchor: Anchor::Start };
        page.canvas.bar((0.0, 0.0), (12.0, SIZE.1), colour::MAIN, "");
        page.canvas.text(MARGIN, 58.0, part, Style { size: 18.0, bold: true, fill: colour::MAIN, ..small });

        let size = [38.0, 34.0, 30.0, 26.0];
        let (lines, size) = set(&[headline.to_owned()], (room, 96.0), &size, true);
        let mut y = 62.0;
        for line in &lines {
            y += size * 1.24;
            page.canvas.text(MARGIN, y, &line.text, Style { size, bold: true, fill: INK, anchor: Anchor::Start });
        }
        let top = y + 30.0;

        let bottom = SIZE.1 - 52.0;
        page.canvas.line((MARGIN, bottom), (SIZE.0 - MARGIN, bottom), Pen::new(crate::svg::GRID, 1.5));
        let of = format!("{} / {}", number.0, number.1);
        page.canvas.text(MARGIN, SIZE.1 - 24.0, &font::fit(foot, room - 120.0, small.size, false), small);
        page.canvas.text(SIZE.0 - MARGIN, SIZE.1 - 24.0, &of, Style { anchor: Anchor::End, ..small });
        (page, Room { x: MARGIN, y: top, width: room, height: bottom - 16.0 - top })
    }

    /// Paragraphs, each with a bullet if there are several. The value is the height that they take.
    pub(super) fn paragraphs(&mut self, room: Room, texts: &[String]) -> f64 {
        let bullets = texts.len() > 1;
        // In narrow boxes the indent is a larger share; sizes are tried with the largest.
        let indent = if bullets { INDENT * SIZES[0] } else { 0.0 };
        let (lines, size) = set(texts, (room.width - indent, room.height), &SIZES, false);
        let style = Style { size, bold: false, fill: INK, anchor: Anchor::Start };
        let mut y = room.y;
        for line in &lines {
            if line.first && y > room.y {
                y += GAP * size;
            }
            y += LINE * size;
            let baseline = y - 0.34 * size;
            if bullets && line.first {
                let side = 0.32 * size;
                self.canvas.bar((room.x, baseline - 0.48 * size), (side, side), colour::MAIN, "");
            }
            self.canvas.text(room.x + indent, baseline, &line.text, style);
        }
        self.told.extend(texts.iter().cloned());
        y - room.y
    }

    /// A number in large letters with what it is below it.
    pub(super) fn number(&mut self, room: Room, number: &str, what: &str) {
        let size = [64.0, 56.0, 48.0, 40.0, 32.0, 24.0];
        let size = size.into_iter().find(|&size| font::width(number, size, true) <= room.width).unwrap_or(24.0);
        let style = Style { size, bold: true, fill: colour::MAIN, anchor: Anchor::Start };
        self.canvas.text(room.x, room.y + 0.9 * size, &font::fit(number, room.width, size, true), style);
        let below = Room { y: room.y + 1.2 * size, height: room.height - 1.2 * size, ..room };
        self.told.push(number.to_owned());
        self.paragraphs(below, &[what.to_owned()]);
    }

    /// A figure, as large as fits, on top of a box.
    pub(super) fn figure(&mut self, room: Room, figure: &Figure) {
        let scale = (room.width / figure.width).min(room.height / figure.height).min(1.4);
        let (x, y) = (room.x + (room.width - scale * figure.width) / 2.0, room.y);
        self.canvas.embed((x, y), scale, &figure.svg);
    }

    /// Rows of cells in columns of these shares; what does not fit is counted.
    pub(super) fn rows(&mut self, room: Room, shares: &[f64], rows: &[Vec<String>]) {
        let whole: f64 = shares.iter().sum();
        let widths: Vec<f64> = shares.iter().map(|share| room.width * share / whole).collect();
        let fits = |size: f64| {
            let narrow = |cell: &String, width: &f64| font::width(cell, size, false) <= width - 10.0;
            rows.len() as f64 * size * 1.7 <= room.height
                && rows.iter().all(|row| row.iter().zip(&widths).all(|(cell, width)| narrow(cell, width)))
        };
        let size = [20.0, 18.0, 16.0, 14.0].into_iter().find(|&size| fits(size)).unwrap_or(14.0);
        let height = size * 1.7;
        let most = (room.height / height) as usize;
        let shown = if rows.len() > most { most.saturating_sub(1) } else { rows.len() };
        let style = Style { size, bold: false, fill: INK, anchor: Anchor::Start };
        let mut y = room.y;
        for row in &rows[..shown] {
            y += height;
            let mut x = room.x;
            for (cell, width) in row.iter().zip(&widths) {
                let fill = if x > room.x { INK } else { FAINT };
                self.canvas.text(
                    x,
                    y - 0.5 * size,
                    &font::fit(cell, width - 10.0, size, false),
                    Style { fill, ..style },
                );
                x += width;
            }
            self.canvas.line((room.x, y), (room.x + room.width, y), Pen::new(crate::svg::GRID, 1.0));
        }
        if shown < rows.len() {
            let more = format!("and {} more", rows.len() - shown);
            self.canvas.text(room.x, y + height - 0.5 * size, &more, Style { fill: FAINT, ..style });
        }
        self.told.extend(rows.iter().map(|row| row.join(" ")));
    }

    /// Boxes one below the other, joined by arrows: what happens first stands on top.
    pub(super) fn chain(&mut self, room: Room, steps: &[String]) {
        let gap = 22.0;
        let each = (room.height - gap * (steps.len() - 1) as f64) / steps.len() as f64;
        let height = each.min(74.0);
        for (number, step) in steps.iter().enumerate() {
            let y = room.y + number as f64 * (height + gap);
            self.canvas.rectangle((room.x, y), (room.width, height), "#f4f6f8", "#d5dbe1");
            let inside = (room.width - 32.0, height - 10.0);
            let (lines, size) = set(std::slice::from_ref(step), inside, &SIZES[3..], false);
            let mut baseline = y + (height - lines.len() as f64 * LINE * size) / 2.0 - 0.34 * size;
            for line in lines {
                baseline += LINE * size;
                let style = Style { size, bold: false, fill: INK, anchor: Anchor::Start };
                self.canvas.text(room.x + 16.0, baseline, &line.text, style);
            }
            if number + 1 < steps.len() {
                let (x, top) = (room.x + 40.0, y + height);
                self.canvas.line((x, top), (x, top + gap - 8.0), Pen::new(FAINT, 2.0));
                let tip = top + gap - 1.0;
                self.canvas.polygon(&[(x - 6.0, tip - 9.0), (x + 6.0, tip - 9.0), (x, tip)], FAINT);
            }
        }
        self.told.extend(steps.iter().cloned());
    }

    pub(super) fn finish(self) -> Figure {
        let svg = self.canvas.finish(SIZE, &self.headline, &self.told.join(" "));
        Figure { title: self.headline, width: SIZE.0, height: SIZE.1, svg }
    }
}

/// A line of set text, and whether a paragraph begins with it.
struct Line {
    text: String,
    first: bool,
}

/// Sets paragraphs in the largest of some sizes in which they fit; at the smallest, what does not fit is left out behind `…`.
fn set(texts: &[String], (width, height): (f64, f64), sizes: &[f64], bold: bool) -> (Vec<Line>, f64) {
    let lines = |size: f64| {
        let mut lines = Vec::new();
        for text in texts {
            // A number and its sign stay on one line.
            let wrapped = font::wrap(&text.replace(" %", "\u{a0}%"), width, size, bold);
            lines.extend(wrapped.into_iter().enumerate().map(|(number, text)| Line { text, first: number == 0 }));
        }
        lines
    };
    let used = |lines: &[Line], size: f64| {
        let gaps = lines.iter().skip(1).filter(|line| line.first).count() as f64;
        size * (LINE * lines.len() as f64 + GAP * gaps)
    };
    let smallest = sizes[sizes.len() - 1];
    let size = sizes.iter().copied().find(|&size| used(&lines(size), size) <= height).unwrap_or(smallest);
    let mut lines = lines(size);
    let mut cut = false;
    while lines.len() > 1 && used(&lines, size) > height {
        lines.pop();
        cut = true;
    }
    if cut && let Some(last) = lines.last_mut() {
        last.text = font::fit(&format!("{} …", last.text), width, size, bold);
    }
    (lines, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::tests::collisions;

    const ROOM: Room = Room { x: 100.0, y: 200.0, width: 300.0, height: 200.0 };

    fn texts(count: usize) -> Vec<String> {
        (0..count)
            .map(|n| format!("statement {n} says something about unbelievablylongwordsthatmustbebroken and more"))
            .collect()
    }

    #[test]
    fn text_stays_in_its_box() {
        for count in [0, 1, 2, 10, 100] {
            let (mut page, _) = Page::new("Part", "A headline", "foot", (1, 8));
            page.paragraphs(ROOM, &texts(count));
            let right = Room { x: 500.0, ..ROOM };
            page.rows(right, &[1.0, 2.0], &texts(count).into_iter().map(|it| vec![it.clone(), it]).collect::<Vec<_>>());
            let figure = page.finish();
            assert_eq!(collisions(&figure), Vec::<String>::new(), "{}", figure.svg);
            let below = figure.svg.matches("y=\"4").count();
            assert!(count < 10 || below < 3, "text below the box: {}", figure.svg);
        }
    }

    #[test]
    fn little_text_is_large_and_much_is_cut() {
        let (few, large) = set(&texts(1), (1100.0, 400.0), &SIZES, false);
        let (many, small) = set(&texts(100), (300.0, 200.0), &SIZES, false);
        assert_eq!((few.len(), large), (1, SIZES[0]));
        assert_eq!(small, SIZES[SIZES.len() - 1]);
        assert!(many.len() < 14 && many[many.len() - 1].text.ends_with('…'));
    }

    #[test]
    fn headlines_of_any_length_leave_room() {
        for headline in ["", "short", &"a long headline ".repeat(60)] {
            let (mut page, room) = Page::new("Part", headline, &"foot ".repeat(100), (7, 8));
            assert!(room.height > 380.0, "{room:?}");
            page.chain(room, &texts(6));
            let figure = page.finish();
            assert_eq!(collisions(&figure), Vec::<String>::new(), "{}", figure.svg);
        }
    }
}
