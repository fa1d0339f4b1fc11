//! The drawing of networks.

use std::fmt::Write;

use stimmung_models::{LayerSummary, NetworkSummary, PartSummary};

use crate::Figure;
use crate::font;
use crate::svg::{Anchor, Canvas, FAINT, INK, Style, shorten, thousands};

/// The width of a figure, in pixels; its height grows with the number of layers.
const WIDTH: f64 = 820.0;
const MARGIN: f64 = 24.0;
/// Where boxes begin; left of them runs the band of what flows.
const BOX_X: f64 = 164.0;
const BOX_WIDTH: f64 = WIDTH - MARGIN - BOX_X;
const TEXT_X: f64 = BOX_X + 14.0;
/// Where shapes and numbers of parameters end.
const SHAPE_X: f64 = 668.0;
const COUNT_X: f64 = BOX_X + BOX_WIDTH - 14.0;
/// A box with two lines of text, a box with one, and the gap between boxes.
const TALL: f64 = 42.0;
const LOW: f64 = 24.0;
const GAP: f64 = 6.0;
const BAND_X: f64 = f64::midpoint(MARGIN, BOX_X - 20.0);
const BAND_WIDTH: f64 = BOX_X - 20.0 - MARGIN;
const BAND_FILL: &str = "#d9dfe6";

const NAME: Style = Style { size: 13.0, bold: true, fill: INK, anchor: Anchor::Start };
const NUMBER: Style = Style { size: 13.0, bold: false, fill: INK, anchor: Anchor::End };
const NOTE: Style = Style { size: 12.0, bold: false, fill: FAINT, anchor: Anchor::Start };
const HEAD: Style = Style { size: 11.0, bold: false, fill: FAINT, anchor: Anchor::End };

/// Layers that do the same sort of thing, with one colour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Convolution,
    Recurrent,
    Pooling,
    Dense,
    /// What keeps the number of values and hardly learns: activations, normalisation, dropout, flattening.
    Shaping,
    /// What is no layer: the input, and models that are no network.
    Other,
}

impl Family {
    const LAYERS: [Self; 5] = [Self::Convolution, Self::Recurrent, Self::Pooling, Self::Dense, Self::Shaping];

    fn of(layer: &LayerSummary) -> Self {
        match layer.kind {
            "conv1d" | "conv2d" => Self::Convolution,
            "lstm" => Self::Recurrent,
            "max-pool1d" | "max-pool2d" | "attention-pool" | "global-average-pool" => Self::Pooling,
            "dense" => Self::Dense,
            _ => Self::Shaping,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Convolution => "convolution",
            Self::Recurrent => "recurrent",
            Self::Pooling => "pooling",
            Self::Dense => "dense",
            Self::Shaping => "activation, normalisation, reshaping",
            Self::Other => "other",
        }
    }

    /// Fill and border. The hues are those of Okabe and Ito, which colour-blind people can tell apart.
    fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Convolution => ("#dceaf6", "#0072b2"),
            Self::Recurrent => ("#f7e6ef", "#b5618f"),
            Self::Pooling => ("#dcf3ec", "#009e73"),
            Self::Dense => ("#fbe8db", "#d55e00"),
            Self::Shaping => ("#f4f6f8", "#9aa5b1"),
            Self::Other => ("#ffffff", "#7b8794"),
        }
    }
}

/// Draws the networks of a model as SVG: from top to bottom a box for each layer, with its name, what it does, the
/// shape of a sample after it, and its parameters; the sum of the parameters at the foot.
///
/// `parts` are those of a [summary](stimmung_models::ModelSummary::parts) or of an
/// [outline](stimmung_models::ModelParams::outline). The members of an ensemble are alike, so one of them is drawn,
/// under their number; a part that is no network is one box. `title` stands above, `subtitle` below it in small
/// letters; both may be any text, and are cut where they would leave the figure.
///
/// Colours tell families of layers apart. The width of the grey band on the left is the number of values of a sample
/// there, on a logarithmic scale up to the most that the network has anywhere. The figure is 820 pixels wide; a
/// network of `n` layers is at most about 48 `n` pixels high.
///
/// # Examples
/// ```
/// use stimmung_models::{ModelParams, Shape};
/// use stimmung_report::network;
///
/// let model: ModelParams = toml::from_str("kind = \"network\"\narchitecture = \"mel-cnn-3\"")?;
/// let parts = model.outline(Shape::Picture { frames: 130, bands: 128 }, 5)?;
/// let figure = network("mel-cnn-3", "five emotions", &parts);
/// assert!(figure.svg.starts_with("<svg") && figure.svg.contains("597,989 parameters"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn network(title: &str, subtitle: &str, parts: &[PartSummary]) -> Figure {
    let mut drawing = Drawing { canvas: Canvas::default(), y: MARGIN };
    drawing.heading(title, subtitle);
    for part in parts {
        drawing.part(part, parts.len() > 1);
    }
    drawing.foot(parts);
    let Drawing { canvas, y } = drawing;
    let height = y + MARGIN;
    let svg = canvas.finish((WIDTH, height), title, &describe(subtitle, parts));
    Figure { title: title.to_owned(), width: WIDTH, height, svg }
}

struct Drawing {
    canvas: Canvas,
    /// How far down the figure is full.
    y: f64,
}

/// A box and what is written into it.
struct Row<'r> {
    family: Family,
    name: &'r str,
    does: &'r str,
    shape: String,
    count: String,
}

impl Drawing {
    fn heading(&mut self, title: &str, subtitle: &str) {
        self.y += 18.0;
        self.canvas.text(MARGIN, self.y, &shorten(title, 70), Style { size: 20.0, ..NAME });
        if !subtitle.is_empty() {
            self.y += 20.0;
            self.canvas.text(MARGIN, self.y, &shorten(subtitle, 110), Style { size: 13.0, ..NOTE });
        }
        self.y += 10.0;
    }

    /// A part of the model, under a line that names it where it is one of several.
    fn part(&mut self, part: &PartSummary, named: bool) {
        if named {
            self.y += 32.0;
            self.canvas.text(MARGIN, self.y, &name_of(part), Style { size: 15.0, ..NAME });
        }
        let Some(network) = &part.network else {
            self.y += 10.0;
            let count = part.parameters.map_or_else(String::new, thousands);
            self.row(&Row { family: Family::Other, name: part.kind, does: "no network", shape: String::new(), count });
            return;
        };
        self.y += 18.0;
        for (x, text) in [(SHAPE_X, "output shape"), (COUNT_X, "parameters")] {
            self.canvas.text(x, self.y, text, HEAD);
        }
        self.canvas.text(BAND_X, self.y, "values (log scale)", Style { anchor: Anchor::Middle, ..HEAD });
        self.y += 6.0;
        self.network(network);
    }

    fn network(&mut self, network: &NetworkSummary) {
        let input = values(&network.input_shape);
        let most = network.layers.iter().map(|layer| values(&layer.output_shape)).fold(input.max(1.0), f64::max);
        // Half the width of the band; even one value can be seen.
        let half = |values: f64| 1.0 + (BAND_WIDTH / 2.0 - 1.0) * values.ln_1p() / most.ln_1p();
        let shape = shape_text(&network.input_shape);
        let mut edge = vec![(half(input), self.y)];
        self.row(&Row { family: Family::Other, name: "input", does: "", shape, count: String::new() });
        edge.push((half(input), self.y));
        for layer in &network.layers {
            let (shape, count) = (shape_text(&layer.output_shape), thousands(layer.parameters));
            self.row(&Row { family: Family::of(layer), name: &layer.name, does: &layer.does, shape, count });
            edge.push((half(values(&layer.output_shape)), self.y));
        }
        let corner = |side: f64| move |&(half, y): &(f64, f64)| (BAND_X + side * half, y);
        let corners: Vec<_> = edge.iter().map(corner(1.0)).chain(edge.iter().rev().map(corner(-1.0))).collect();
        self.canvas.polygon(&corners, BAND_FILL);
    }

    fn row(&mut self, row: &Row<'_>) {
        let Row { family, name, does, shape, count } = row;
        let (name, does) = (shorten(name, 30), shorten(does, 60));
        let quiet = matches!(family, Family::Shaping | Family::Other);
        let height = if quiet { LOW } else { TALL };
        let top = self.y + GAP;
        let (fill, stroke) = family.colours();
        self.canvas.rectangle((BOX_X, top), (BOX_WIDTH, height), fill, stroke);
        let middle = top + height / 2.0 + 4.5;
        if quiet {
            // On one line.
            let end = TEXT_X + font::width(&name, NAME.size, false) + 12.0;
            self.canvas.text(TEXT_X, middle, &name, Style { bold: false, ..NAME });
            if !does.is_empty() {
                self.canvas.text(end, middle, &does, NOTE);
            }
        } else {
            self.canvas.text(TEXT_X, if does.is_empty() { middle } else { top + 18.0 }, &name, NAME);
            if !does.is_empty() {
                self.canvas.text(TEXT_X, top + 33.0, &does, NOTE);
            }
        }
        self.canvas.text(SHAPE_X, middle, shape, NUMBER);
        let fill = if count == "0" { FAINT } else { INK };
        self.canvas.text(COUNT_X, middle, count, Style { fill, ..NUMBER });
        self.y = top + height;
    }

    /// The sum, and what the colours mean.
    fn foot(&mut self, parts: &[PartSummary]) {
        self.y += 28.0;
        let total = Style { size: 15.0, anchor: Anchor::End, ..NAME };
        self.canvas.text(COUNT_X, self.y, &total_text(parts), total);
        let layers = || parts.iter().filter_map(|part| part.network.as_ref()).flat_map(|network| &network.layers);
        let mut x = MARGIN;
        let shown = Family::LAYERS.iter().filter(|family| layers().any(|layer| Family::of(layer) == **family));
        for (place, family) in shown.enumerate() {
            if place == 0 {
                self.y += 28.0;
            }
            let (fill, stroke) = family.colours();
            self.canvas.rectangle((x, self.y - 10.0), (12.0, 12.0), fill, stroke);
            self.canvas.text(x + 18.0, self.y, family.name(), NOTE);
            x += 18.0 + 6.6 * family.name().len() as f64 + 18.0;
        }
    }
}

/// `7 members of kind dense, 14,000 parameters`.
fn name_of(part: &PartSummary) -> String {
    let mut text = match part.copies {
        1 => format!("{} of kind {}", part.role, part.kind),
        copies => format!("{copies} {}s of kind {}", part.role, part.kind),
    };
    if let Some(parameters) = part.parameters {
        let _ = write!(text, ", {} parameters", thousands(parameters));
    }
    if part.copies > 1 && part.network.is_some() {
        text.push_str("; one of them:");
    }
    text
}

fn total_text(parts: &[PartSummary]) -> String {
    let known: usize = parts.iter().filter_map(|part| part.parameters).sum();
    let open = if parts.iter().any(|part| part.parameters.is_none()) { " in networks" } else { "" };
    format!("{} parameters{open}", thousands(known))
}

/// `65 × 64 × 32`.
fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    sizes.join(" × ")
}

/// Values of a sample of this shape.
fn values(shape: &[usize]) -> f64 {
    shape.iter().map(|&size| size as f64).product()
}

/// The figure in words.
fn describe(subtitle: &str, parts: &[PartSummary]) -> String {
    let mut text = String::new();
    if !subtitle.is_empty() {
        let _ = write!(text, "{subtitle}. ");
    }
    for part in parts {
        if parts.len() > 1 {
            let _ = write!(text, "{} ", name_of(part));
        }
        let Some(network) = &part.network else { continue };
        let _ = write!(text, "Input {}.", shape_text(&network.input_shape));
        for layer in &network.layers {
            let does = if layer.does.is_empty() { String::new() } else { format!(", {}", layer.does) };
            let shape = shape_text(&layer.output_shape);
            let _ = write!(text, " {}{does}: {shape}, {} parameters.", layer.name, thousands(layer.parameters));
        }
        text.push(' ');
    }
    let _ = write!(text, "In all {}.", total_text(parts));
    text
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;
    use stimmung_models::{ModelParams, Shape};

    use super::*;

    const PICTURE: Shape = Shape::Picture { frames: 130, bands: 128 };

    fn outline(section: &str, shape: Shape, classes: usize) -> Vec<PartSummary> {
        let params: ModelParams = toml::from_str(section).expect("toml");
        params.outline(shape, classes).expect("outline")
    }

    fn named(architecture: &str, shape: Shape) -> Vec<PartSummary> {
        outline(&format!("kind = \"network\"\narchitecture = \"{architecture}\""), shape, 5)
    }

    /// All lines of text of a figure, in order.
    fn texts(svg: &str) -> Vec<String> {
        let document = Document::parse(svg).expect("well-formed");
        let texts = document.descendants().filter(|node| node.has_tag_name("text"));
        texts.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn every_layer_is_there_with_its_shape_and_its_parameters() {
        for architecture in ["mel-cnn-3", "zhao-cnn-lstm-2d"] {
            let parts = named(architecture, PICTURE);
            let svg = network(architecture, "", &parts).svg;
            let texts = texts(&svg);
            let network = parts[0].network.as_ref().expect("a network");
            let mut rest = texts.iter();
            for layer in &network.layers {
                // In the order of the layers, and in each the order of its texts.
                let shape = shape_text(&layer.output_shape);
                for text in [&layer.name, &layer.does, &shape, &thousands(layer.parameters)] {
                    assert!(text.is_empty() || rest.any(|found| found == text), "{text} of {}: {texts:?}", layer.name);
                }
            }
            assert!(texts.contains(&"130 × 128 × 1".to_owned()), "the input");
            assert!(texts.contains(&format!("{} parameters", thousands(network.parameters()))), "{texts:?}");
            for layer in &network.layers {
                assert!(svg.matches(&layer.name).count() >= 2, "also in the description");
            }
        }
    }

    #[test]
    fn families_that_are_not_there_are_not_explained() {
        let texts = texts(&network("a", "", &named("mel-cnn-3", PICTURE)).svg);
        assert!(texts.iter().any(|text| text == "convolution") && !texts.iter().any(|text| text == "recurrent"));
    }

    #[test]
    fn boxes_stay_inside_and_follow_each_other() {
        let layers = "{ layer = \"dense\", units = 8 }, { layer = \"relu\" }, ".repeat(200);
        let parts = outline(&format!("kind = \"network\"\nlayers = [{layers}]"), Shape::Vector(193), 7);
        let svg = network("long", "400 layers", &parts).svg;
        let document = Document::parse(&svg).expect("well-formed");
        let number = |node: &roxmltree::Node<'_, '_>, name| -> f64 {
            node.attribute(name).and_then(|text| text.parse().ok()).expect("a number")
        };
        let height = number(&document.root_element(), "height");
        assert!(height < 402.0 * 48.0 + 200.0, "{height}");
        let mut bottom = 0.0;
        let boxes = document.descendants().filter(|node| node.has_tag_name("rect"));
        for node in boxes.filter(|node| node.attribute("x") == Some("164")) {
            let (top, tall) = (number(&node, "y"), number(&node, "height"));
            assert!(top > bottom, "{top} after {bottom}");
            bottom = top + tall;
        }
        assert!(bottom > 401.0 * LOW && bottom < height, "{bottom} of {height}");
        let band = document.descendants().find(|node| node.has_tag_name("polygon")).expect("the band");
        for corner in band.attribute("points").expect("corners").split(' ') {
            let x: f64 = corner.split(',').next().and_then(|x| x.parse().ok()).expect("a number");
            assert!((MARGIN..BOX_X - 19.0).contains(&x), "{corner}");
        }
    }

    #[test]
    fn an_ensemble_shows_its_member_once_and_its_arbiter() {
        let section =
            "kind = \"one-vs-rest\"\nmember = { kind = \"dense\", hidden = [4] }\narbiter = { kind = \"svm\" }";
        let parts = outline(section, Shape::Vector(9), 3);
        let svg = network("ensemble", "", &parts).svg;
        let texts = texts(&svg);
        let member = 10 * 4 + 5 * 2;
        let expected = format!("3 members of kind dense, {} parameters; one of them:", 3 * member);
        assert!(texts.contains(&expected), "{texts:?}");
        assert_eq!(texts.iter().filter(|text| *text == "dense_1").count(), 1);
        assert!(texts.contains(&"arbiter of kind svm".to_owned()) && texts.contains(&"svm".to_owned()), "{texts:?}");
        assert!(texts.contains(&format!("{} parameters in networks", 3 * member)), "{texts:?}");
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "</title><script>alert('\u{1b}\0 & \"x\"')</script> ]]>";
        let mut parts = named("mel-cnn-3", PICTURE);
        let layer = &mut parts[0].network.as_mut().expect("a network").layers[0];
        (layer.name, layer.does) = (hostile.to_owned(), hostile.repeat(1000));
        let svg = network(&hostile.repeat(1000), hostile, &parts).svg;
        let document = Document::parse(&svg).expect("well-formed");
        let known = ["svg", "title", "desc", "rect", "text", "polygon"];
        assert!(
            document
                .descendants()
                .filter(roxmltree::Node::is_element)
                .all(|node| known.contains(&node.tag_name().name()))
        );
        let safe = hostile.replace(['\u{1b}', '\0'], "\u{fffd}");
        assert!(texts(&svg).contains(&safe), "the subtitle, whole");
        assert!(texts(&svg).iter().all(|text| text.chars().count() <= 110), "and the rest cut");
    }

    #[test]
    fn nothing_at_all_is_still_a_figure() {
        let mut parts = named("mel-cnn-3", PICTURE);
        let network = parts[0].network.as_mut().expect("a network");
        network.layers.clear();
        network.input_shape = vec![0];
        parts[0].parameters = Some(0);
        for parts in [&parts[..], &[]] {
            let svg = super::network("", "", parts).svg;
            assert!(texts(&svg).contains(&"0 parameters".to_owned()), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn it_needs_nothing_from_elsewhere() {
        let svg = network("a", "b", &named("zhao-cnn-lstm-2d", PICTURE)).svg;
        for word in ["script", "href", "url(", "@import", "<style", "<image", " id="] {
            assert!(!svg.contains(word), "{word}");
        }
        assert_eq!(svg, network("a", "b", &named("zhao-cnn-lstm-2d", PICTURE)).svg);
    }
}
