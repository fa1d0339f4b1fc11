//! Numbers and lists in words.

use stimmung_evaluation::Interval;

/// `1 recording`, `535 recordings`.
pub(crate) fn count(number: usize, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", crate::svg::thousands(number))
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A share in per cent with one decimal; never −0.0.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", points(share))
}

/// A share, or a difference of shares, in percentage points.
pub(crate) fn points(share: f64) -> String {
    format!("{:.1}", (1000.0 * share).round() / 10.0 + 0.0).replace('-', "\u{2212}")
}

/// `interval 56.1 to 63.5`: the ends in percentage points.
pub(crate) fn interval(it: &Interval) -> String {
    format!("interval {} to {}", points(it.low), points(it.high))
}

/// Whether an interval leaves out zero: whether a difference can be told from chance.
pub(crate) fn is_clear(it: &Interval) -> bool {
    it.low > 0.0 || it.high < 0.0
}

/// Seconds in the unit that reads best.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", 1000.0 * s),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A sentence begins with a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fit_their_numbers() {
        assert_eq!(
            (count(1, "fold"), count(0, "fold"), count(2640, "fold")),
            ("1 fold".into(), "0 folds".into(), "2,640 folds".into())
        );
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(
            [list(&items[..0]), list(&items[..1]), list(&items[..2]), list(&items)],
            ["", "a", "a and b", "a, b and c"]
        );
        assert_eq!([points(-0.0001), points(0.0312), points(-0.05)], ["0.0", "3.1", "\u{2212}5.0"]);
        assert_eq!((percent(1.0), capital("été"), capital("")), ("100.0 %".into(), "Été".into(), String::new()));
        let all = [0.25, 3.0, 600.0, 9000.0].map(duration);
        assert_eq!(all, ["250 ms", "3.0 s", "10 min", "2.5 h"]);
    }
}
