//! Charts: axes, their labels and a legend, laid out so that no text meets another.

use std::cell::Cell;

use crate::figure::Figure;
use crate::font;
use crate::svg::{Anchor, Canvas, FAINT, GRID, INK, Mark, Pen, Point, Style};

/// How charts are laid out while something is drawn: on pages as they come, on slides narrower, so that their letters are larger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// The width of a chart, in pixels.
    pub(crate) width: f64,
    /// Whether the note stands below the title; on slides, their foot tells it.
    pub(crate) notes: bool,
}

thread_local! {
    static LAYOUT: Cell<Layout> = const { Cell::new(Layout { width: 820.0, notes: true }) };
}

impl Layout {
    /// Calls a function whose charts have this layout.
    pub(crate) fn during<T>(self, draw: impl FnOnce() -> T) -> T {
        /// Gives the old layout back, also when drawing panics.
        struct Before(Layout);
        impl Drop for Before {
            fn drop(&mut self) {
                LAYOUT.set(self.0);
            }
        }
        let _before = Before(LAYOUT.replace(self));
        draw()
    }
}

const MARGIN: f64 = 20.0;
const TITLE: Style = Style { size: 18.0, bold: true, fill: INK, anchor: Anchor::Start };
const NOTE: Style = Style { size: 12.0, bold: false, fill: FAINT, anchor: Anchor::Start };
const LABEL: Style = Style { size: 12.0, bold: false, fill: INK, anchor: Anchor::Start };
const TICK: Style = Style { size: 11.5, bold: false, fill: INK, anchor: Anchor::End };
/// The most of a chart's width that the names on its left may take, and the most pixels that names below it may.
const NAMES_SHARE: f64 = 0.38;
const NAMES_BELOW: f64 = 150.0;
/// The least height of a row that bears a name.
const ROW: f64 = 18.0;
/// Legends list this many series, and count the others.
const MOST_KEYS: usize = 60;
const KEY_WIDTH: f64 = 260.0;

/// What an axis measures or lists.
#[cfg_attr(test, derive(Clone))]
pub(crate) enum Axis {
    /// Numbers from low to high, with the places that bear a label.
    Values { label: String, low: f64, high: f64, ticks: Vec<(f64, String)> },
    /// Things with names; on a y axis the first is on top.
    Names { label: String, names: Vec<String> },
}

impl Axis {
    /// Numbers, with round ones labelled. What is not finite counts as 0; an empty range is widened.
    pub(crate) fn values(label: &str, low: f64, high: f64) -> Self {
        let (low, high) = proper(low, high);
        let (step, decimals) = step(high - low, 6);
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|n| (n as f64 * step, format!("{:.decimals$}", n as f64 * step + 0.0)));
        Self::Values { label: label.to_owned(), low, high, ticks: ticks.collect() }
    }

    /// Numbers from zero to a little more than the highest.
    pub(crate) fn from_zero(label: &str, highest: f64) -> Self {
        let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
        Self::values(label, 0.0, highest * 1.04)
    }

    /// Shares of a whole, from 0 to 100 %.
    pub(crate) fn shares(label: &str) -> Self {
        let ticks = (0..=5).map(|n| (f64::from(n) / 5.0, format!("{} %", n * 20))).collect();
        Self::Values { label: label.to_owned(), low: 0.0, high: 1.0, ticks }
    }

    /// Numbers whose labels the caller chooses.
    pub(crate) fn labelled(label: &str, low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        let (low, high) = proper(low, high);
        Self::Values { label: label.to_owned(), low, high, ticks }
    }

    /// Things with names.
    pub(crate) fn names(label: &str, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Names { label: label.to_owned(), names: names.into_iter().map(Into::into).collect() }
    }

    fn label(&self) -> &str {
        match self {
            Self::Values { label, .. } | Self::Names { label, .. } => label,
        }
    }

    /// The texts along the axis, with their places from 0 to 1 in reading order.
    fn texts(&self) -> Vec<(f64, &str)> {
        match self {
            Self::Values { low, high, ticks, .. } => ticks
                .iter()
                .filter(|(value, _)| (*low..=*high).contains(value))
                .map(|(value, text)| ((value - low) / (high - low), text.as_str()))
                .collect(),
            Self::Names { names, .. } => {
                let count = names.len() as f64;
                names.iter().enumerate().map(|(n, name)| ((n as f64 + 0.5) / count, name.as_str())).collect()
            }
        }
    }

    fn is_names(&self) -> bool {
        matches!(self, Self::Names { .. })
    }

    /// The place of a value from 0 to 1; of things with names, that of the n-th one's beginning.
    fn place(&self, value: f64) -> f64 {
        match self {
            Self::Values { low, high, .. } => (value - low) / (high - low),
            Self::Names { names, .. } => value / names.len().max(1) as f64,
        }
    }
}

/// A range that has an extent.
fn proper(low: f64, high: f64) -> (f64, f64) {
    let [low, high] = [low, high].map(|end| if end.is_finite() { end } else { 0.0 });
    let least = 1e-9 * low.abs().max(high.abs()).max(1e-3);
    if high - low > least { (low, high) } else { (low.min(high) - 0.5, low.max(high) + 0.5) }
}

/// The round number (1, 2 or 5 times a power of ten) that divides an extent into about so many parts, and how many
/// decimals its multiples need.
fn step(extent: f64, parts: usize) -> (f64, usize) {
    let raw = extent / parts as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= raw * 0.999).unwrap_or(10.0);
    let step = factor * power;
    (step, (-step.log10()).ceil().max(0.0) as usize)
}

/// How a series looks in the legend.
#[derive(Clone, Copy)]
pub(crate) enum Sign {
    Area,
    Point(Mark),
    Line { dashed: bool },
}

/// An entry of a legend.
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) colour: &'static str,
    pub(crate) sign: Sign,
}

impl Key {
    pub(crate) fn new(name: impl Into<String>, colour: &'static str, sign: Sign) -> Self {
        Self { name: name.into(), colour, sign }
    }
}

/// Where the data of a chart go, and how numbers become places.
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    x: Axis,
    y: Axis,
}

impl Area {
    /// The place of a value on the x axis, in pixels; beyond the ends, the end.
    pub(crate) fn x(&self, value: f64) -> f64 {
        self.left + self.width * self.x.place(value).clamp(0.0, 1.0)
    }

    /// The place of a value on the y axis, in pixels; beyond the ends, the end. Names run downward, numbers upward.
    pub(crate) fn y(&self, value: f64) -> f64 {
        let place = self.y.place(value).clamp(0.0, 1.0);
        self.top + self.height * if self.y.is_names() { place } else { 1.0 - place }
    }

    /// The place of a pair of values.
    pub(crate) fn at(&self, x: f64, y: f64) -> Point {
        (self.x(x), self.y(y))
    }

    /// The middle and the height of the n-th name's row.
    pub(crate) fn row(&self, n: usize) -> (f64, f64) {
        let height = self.y(1.0) - self.y(0.0);
        (self.y(n as f64) + height / 2.0, height)
    }

    /// The middle and the width of the n-th name's column.
    pub(crate) fn column(&self, n: usize) -> (f64, f64) {
        let width = self.x(1.0) - self.x(0.0);
        (self.x(n as f64) + width / 2.0, width)
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }
}

/// A chart before it is drawn.
pub(crate) struct Chart {
    title: String,
    note: String,
    x: Axis,
    y: Axis,
    legend: Vec<Key>,
    layout: Layout,
    height: f64,
    grid: bool,
}

impl Chart {
    pub(crate) fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        let layout = LAYOUT.get();
        Self { title: title.into(), note: String::new(), x, y, legend: Vec::new(), layout, height: 340.0, grid: true }
    }

    /// What else to know, in small letters below the title.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    pub(crate) fn legend(self, legend: Vec<Key>) -> Self {
        Self { legend, ..self }
    }

    /// The least height of the area with the data, in pixels; rows with names may need more.
    pub(crate) fn height(self, height: f64) -> Self {
        Self { height, ..self }
    }

    /// Leaves out the lines behind the data.
    pub(crate) fn without_grid(self) -> Self {
        Self { grid: false, ..self }
    }

    /// Draws the chart; `paint` adds the data. `description` tells the content to those who cannot see it.
    pub(crate) fn draw(self, description: &str, paint: impl FnOnce(&mut Canvas, &Area)) -> Figure {
        let mut canvas = Canvas::default();
        let top = self.heading(&mut canvas);
        let top = self.keys(&mut canvas, top) + 10.0;
        let (title, grid, layout) = (self.title.clone(), self.grid, self.layout);
        let (area, texts, bottom) = self.area(top);
        frame(&mut canvas, &area, &texts, grid);
        paint(&mut canvas, &area);
        let (width, height) = (layout.width, (bottom + MARGIN).ceil());
        let svg = canvas.finish((width, height), &title, description);
        Figure { title, width, height, svg }
    }

    fn heading(&self, canvas: &mut Canvas) -> f64 {
        let room = self.layout.width - 2.0 * MARGIN;
        let mut y = MARGIN - 6.0;
        for line in clipped(font::wrap(&self.title, room, TITLE.size, true), 2) {
            y += 23.0;
            canvas.text(MARGIN, y, &font::fit(&line, room, TITLE.size, true), TITLE);
        }
        let note = if self.layout.notes { &self.note } else { "" };
        for line in clipped(font::wrap(note, room, NOTE.size, false), 4) {
            y += 17.0;
            canvas.text(MARGIN, y, &font::fit(&line, room, NOTE.size, false), NOTE);
        }
        y + 6.0
    }

    fn keys(&self, canvas: &mut Canvas, top: f64) -> f64 {
        let (sign_width, gap) = (22.0, 16.0);
        let (mut x, mut y) = (MARGIN, top);
        let more = self.legend.len().saturating_sub(MOST_KEYS);
        for (number, key) in self.legend.iter().take(MOST_KEYS).enumerate() {
            let name = font::fit(&key.name, KEY_WIDTH, LABEL.size, false);
            let width = sign_width + font::width(&name, LABEL.size, false);
            if number == 0 || x + width > self.layout.width - MARGIN {
                (x, y) = (MARGIN, y + 18.0);
            }
            draw_sign(canvas, (x, y - 4.0), key);
            canvas.text(x + sign_width, y, &name, LABEL);
            x += width + gap;
        }
        if more > 0 {
            canvas.text(MARGIN, y + 18.0, &format!("and {more} more"), NOTE);
            y += 18.0;
        }
        y
    }

    /// The area of the data below `top`, the texts of its axes, and where everything ends.
    fn area(self, top: f64) -> (Area, Vec<Text>, f64) {
        let Self { x, y, height, layout, .. } = self;
        let rows = y.texts().len() as f64;
        let height = if y.is_names() { height.min(rows * 46.0).max(rows * ROW).max(40.0) } else { height };

        let longest = layout.width * NAMES_SHARE;
        let widest = y.texts().iter().map(|(_, text)| font::width(text, TICK.size, false)).fold(0.0, f64::max);
        let names = widest.min(longest);
        let left = MARGIN + if y.label().is_empty() { 0.0 } else { 22.0 } + names + 8.0;
        let half_last = x.texts().last().map_or(0.0, |(_, text)| font::width(text, TICK.size, false) / 2.0);
        let right = layout.width - MARGIN - if x.is_names() { 0.0 } else { half_last.min(60.0) };
        let area = Area { left, top, width: right - left, height, x, y };

        let mut texts = left_texts(&area, names);
        let deepest = below_texts(&area, &mut texts);
        let mut bottom = area.bottom() + deepest;
        let centred = Style { anchor: Anchor::Middle, ..LABEL };
        if !area.x.label().is_empty() {
            bottom += 20.0;
            let label = font::fit(area.x.label(), area.width, LABEL.size, false);
            texts.push(Text {
                at: (area.left + area.width / 2.0, bottom - 2.0),
                content: label,
                style: centred,
                upward: false,
            });
        }
        if !area.y.label().is_empty() {
            let label = font::fit(area.y.label(), area.height, LABEL.size, false);
            texts.push(Text { at: (MARGIN + 10.0, top + height / 2.0), content: label, style: centred, upward: true });
        }
        (area, texts, bottom)
    }
}

/// A text of an axis with its place.
struct Text {
    at: Point,
    content: String,
    style: Style,
    upward: bool,
}

/// The first lines, with `…` if there are more.
fn clipped(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

fn left_texts(area: &Area, room: f64) -> Vec<Text> {
    let place = |place: f64| area.top + area.height * if area.y.is_names() { place } else { 1.0 - place };
    let text = |(at, text): (f64, &str)| Text {
        at: (area.left - 8.0, place(at) + 4.0),
        content: font::fit(text, room, TICK.size, false),
        style: TICK,
        upward: false,
    };
    area.y.texts().into_iter().map(text).collect()
}

/// Adds the texts below the area, and tells how deep they go: lying where they fit, else upright; every other one, or every third …
/// where even those would meet.
fn below_texts(area: &Area, texts: &mut Vec<Text>) -> f64 {
    let all = area.x.texts();
    let width = |text: &str| font::width(text, TICK.size, false);
    let widest = all.iter().map(|(_, text)| width(text)).fold(0.0, f64::max);
    let spacing = match all[..] {
        [(first, _), (second, _), ..] => (second - first) * area.width,
        _ => area.width,
    };
    let place = |place: f64| area.left + area.width * place;
    if area.x.is_names() && widest + 8.0 > spacing {
        let deepest = widest.min(NAMES_BELOW);
        let every = ((TICK.size + 2.0) / spacing).ceil().max(1.0) as usize;
        for (at, text) in all.into_iter().step_by(every) {
            let content = font::fit(text, deepest, TICK.size, false);
            texts.push(Text { at: (place(at) + 4.0, area.bottom() + 6.0), content, style: TICK, upward: true });
        }
        return deepest + 8.0;
    }
    let every = ((widest + 8.0) / spacing).ceil().max(1.0) as usize;
    let style = Style { anchor: Anchor::Middle, ..TICK };
    for (at, text) in all.into_iter().step_by(every) {
        texts.push(Text { at: (place(at), area.bottom() + 17.0), content: text.to_owned(), style, upward: false });
    }
    20.0
}

fn draw_sign(canvas: &mut Canvas, (x, y): Point, key: &Key) {
    match key.sign {
        Sign::Area => canvas.bar((x, y - 6.0), (14.0, 12.0), key.colour, ""),
        Sign::Point(mark) => canvas.mark((x + 7.0, y), mark, 4.5, key.colour, ""),
        Sign::Line { dashed } => {
            let pen = Pen { colour: key.colour, width: 2.5, dashed };
            canvas.line((x, y), (x + 16.0, y), pen);
        }
    }
}

fn frame(canvas: &mut Canvas, area: &Area, texts: &[Text], grid: bool) {
    if grid {
        let pen = Pen::new(GRID, 1.0);
        if !area.x.is_names() {
            for (place, _) in area.x.texts() {
                let x = area.left + area.width * place;
                canvas.line((x, area.top), (x, area.bottom()), pen);
            }
        }
        if !area.y.is_names() {
            for (place, _) in area.y.texts() {
                let y = area.bottom() - area.height * place;
                canvas.line((area.left, y), (area.right(), y), pen);
            }
        }
    }
    for Text { at, content, style, upward } in texts {
        if *upward {
            canvas.text_upward(at.0, at.1, content, *style);
        } else {
            canvas.text(at.0, at.1, content, *style);
        }
    }
    canvas.line((area.left, area.bottom()), (area.right(), area.bottom()), Pen::new(FAINT, 1.0));
    canvas.line((area.left, area.top), (area.left, area.bottom()), Pen::new(FAINT, 1.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::tests::collisions;

    #[test]
    fn steps_are_round() {
        let cases =
            [(1.0, 0.2, 1), (10.0, 2.0, 0), (7.3, 2.0, 0), (0.05, 0.01, 2), (12_000.0, 2000.0, 0), (3e-4, 5e-5, 5)];
        for (extent, expected, decimals) in cases {
            let (step, places) = step(extent, 6);
            assert!((step / expected - 1.0).abs() < 1e-9 && places == decimals, "{extent}: {step}, {places}");
        }
    }

    #[test]
    fn ticks_stay_inside_whatever_the_range() {
        let ends = [0.0, 1.0, -1.0, 1e-12, 1e12, -3.7, f64::NAN, f64::INFINITY, 5.0];
        for low in ends {
            for high in ends {
                let Axis::Values { low, high, ticks, .. } = Axis::values("", low, high) else { unreachable!() };
                assert!(low < high && ticks.len() <= 12, "{low} {high} {}", ticks.len());
                assert!(ticks.iter().all(|(value, _)| value.is_finite()));
            }
        }
    }

    /// Names that charts have to live with.
    fn hard_names(count: usize) -> Vec<String> {
        (0..count)
            .map(|n| match n % 4 {
                0 => format!("a label of an emotion that is sixty characters long, nr {n:04}"),
                1 => format!("خوف شديد مع غضب {n}"),
                2 => String::new(),
                _ => format!("W{n}"),
            })
            .collect()
    }

    #[test]
    fn no_text_meets_another() {
        for count in [0, 1, 2, 7, 40, 200] {
            let names = hard_names(count);
            let axes =
                || [Axis::names("predicted", names.clone()), Axis::values("hertz", -12_000.0, 1e6), Axis::shares("")];
            for x in axes() {
                for y in axes() {
                    let x = x.clone();
                    let legend = names.iter().map(|name| Key::new(name, "#000000", Sign::Area)).collect();
                    let note = "A note that goes on and on about what there is to know. ".repeat(12);
                    let title = "Title ".repeat(40);
                    let figure = Chart::new(title, x, y).note(note).legend(legend).draw("", |_, _| {});
                    assert_eq!(collisions(&figure), Vec::<String>::new(), "{count} names\n{}", figure.svg);
                }
            }
        }
    }
}
