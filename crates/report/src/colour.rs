//! Colours that colour-blind people can tell apart, on paper as well.

use crate::svg::{BACKGROUND, Mark};

/// The hues of Okabe and Ito (2008), without the yellow that is not seen on white; the grey comes last.
const SERIES: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#b5618f", "#e69f00", "#56b4e9", "#6b7785"];

/// How many colours differ.
pub(crate) const COUNT: usize = SERIES.len();

/// The colour for one thing.
pub(crate) const MAIN: &str = "#0072b2";
/// What is wrong, or set against the first.
pub(crate) const OTHER: &str = "#d55e00";
/// What is right.
pub(crate) const GOOD: &str = "#009e73";
/// What only gives the scale.
pub(crate) const QUIET: &str = "#9aa5b1";

/// The colour of the n-th series. They repeat; [`mark`] tells further ones apart.
pub(crate) fn series(number: usize) -> &'static str {
    SERIES[number % SERIES.len()]
}

/// The shape of the n-th series: together with the colour, 35 series differ.
pub(crate) fn mark(number: usize) -> Mark {
    Mark::ALL[number / SERIES.len() % Mark::ALL.len()]
}

/// Viridis at tenths (N. J. Smith & S. van der Walt, 2015): lightness rises evenly, so it reads in grey as well.
const VIRIDIS: [[u8; 3]; 10] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x28, 0x78],
    [0x3e, 0x49, 0x89],
    [0x31, 0x68, 0x8e],
    [0x26, 0x82, 0x8e],
    [0x1f, 0x9e, 0x89],
    [0x35, 0xb7, 0x79],
    [0x6e, 0xce, 0x58],
    [0xb5, 0xde, 0x2b],
    [0xfd, 0xe7, 0x25],
];

/// White to the main blue, for shares of a whole.
const BLUES: [[u8; 3]; 3] = [[0xff, 0xff, 0xff], [0x7f, 0xb3, 0xd9], [0x08, 0x45, 0x7a]];

/// A colour of a picture; `share` is from 0 to 1, and what is no number is taken for 0.
pub(crate) fn viridis(share: f64) -> [u8; 3] {
    between(&VIRIDIS, share)
}

/// The fill of a cell, and the colour in which text can be read on it.
pub(crate) fn cell(share: f64) -> (String, &'static str) {
    let [r, g, b] = between(&BLUES, share);
    // White and black can be read equally well where the relative luminance (WCAG 2.1) is 0.179.
    let luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    (format!("#{r:02x}{g:02x}{b:02x}"), if luminance < 0.179 { BACKGROUND } else { "#000000" })
}

/// A channel of sRGB as a share of the light.
fn linear(channel: u8) -> f64 {
    let share = f64::from(channel) / 255.0;
    if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
}

fn between(colours: &[[u8; 3]], share: f64) -> [u8; 3] {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let place = share * (colours.len() - 1) as f64;
    let low = (place as usize).min(colours.len() - 2);
    let part = place - low as f64;
    std::array::from_fn(|channel| {
        let (from, to) = (f64::from(colours[low][channel]), f64::from(colours[low + 1][channel]));
        (from + part * (to - from)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast by WCAG 2.1.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let luminance = |colour: [u8; 3]| {
            let [r, g, b] = colour.map(linear);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn parse(colour: &str) -> [u8; 3] {
        std::array::from_fn(|i| u8::from_str_radix(&colour[1 + 2 * i..3 + 2 * i], 16).unwrap())
    }

    #[test]
    fn text_can_be_read_on_every_cell() {
        for step in 0..=100 {
            let (fill, text) = cell(f64::from(step) / 100.0);
            assert!(contrast(parse(&fill), parse(text)) >= 4.5, "{step} %: {fill} {text}");
        }
    }

    #[test]
    fn scales_rise_in_lightness() {
        let lightness = |share| viridis(share).iter().map(|&c| u32::from(c)).sum::<u32>();
        assert!(lightness(1.0) > lightness(0.5) && lightness(0.5) > lightness(0.0));
        assert_eq!(viridis(0.0), VIRIDIS[0]);
        assert_eq!(viridis(1.0), VIRIDIS[9]);
        assert_eq!([viridis(-1.0), viridis(f64::NAN), viridis(9.0)], [VIRIDIS[0], VIRIDIS[0], VIRIDIS[9]]);
    }

    #[test]
    fn thirty_five_series_differ() {
        let seen: Vec<_> = (0..35).map(|n| (series(n), mark(n))).collect();
        assert!((0..35).all(|n| !seen[..n].contains(&seen[n])));
        assert_eq!((series(0), mark(0)), (series(35), mark(35)));
    }
}
