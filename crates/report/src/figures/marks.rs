//! What several figures are made of.

use stimmung_evaluation::Interval;

use crate::Figure;
use crate::chart::{Area, Axis, Chart};
use crate::colour;
use crate::svg::{Anchor, Canvas, FAINT, INK, Pen, Style};

pub(crate) const SMALL: Style = Style { size: 11.0, bold: false, fill: INK, anchor: Anchor::Start };

/// Horizontal bars with their numbers at the end, one a name.
pub(crate) fn counted(title: &str, note: &str, label: &str, unit: &str, counts: &[(String, usize)]) -> Figure {
    let highest = counts.iter().map(|&(_, count)| count).max().unwrap_or(0);
    // Room for the number behind the longest bar.
    let x = Axis::from_zero(label, (highest as f64 * 1.08).max(1.0));
    let y = Axis::names("", counts.iter().map(|(name, _)| name));
    let told: Vec<String> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
    Chart::new(title, x, y).note(note).draw(&told.join(", "), |canvas, area| {
        for (number, (name, count)) in counts.iter().enumerate() {
            let (middle, height) = area.row(number);
            let (left, right) = (area.x(0.0), area.x(*count as f64));
            let tip = format!("{name}: {count} {unit}");
            canvas.bar((left, middle - height * 0.36), (right - left, height * 0.72), colour::MAIN, &tip);
            canvas.text(right + 5.0, middle + 4.0, &crate::svg::thousands(*count), SMALL);
        }
    })
}

/// A share of something, with its interval.
pub(crate) struct Rate {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) interval: Option<(f64, f64)>,
    /// Which of the series it belongs to.
    pub(crate) series: usize,
}

impl Rate {
    pub(crate) fn new(name: impl Into<String>, value: f64, interval: Option<&Interval>) -> Self {
        Self { name: name.into(), value, interval: interval.map(|it| (it.low, it.high)), series: 0 }
    }

    fn told(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        match self.interval {
            Some((low, high)) => {
                format!("{}: {} ({} to {})", self.name, percent(self.value), percent(low), percent(high))
            }
            None => format!("{}: {}", self.name, percent(self.value)),
        }
    }
}

/// Lying bars from 0 to 100 % with intervals, one a name, and their numbers in a column on the right; a dashed line at `reference`.
pub(crate) fn rates(chart: Chart, rates: &[Rate], reference: Option<f64>) -> Figure {
    let told: Vec<String> = rates.iter().map(Rate::told).collect();
    chart.draw(&told.join("; "), |canvas, area| {
        for (number, rate) in rates.iter().enumerate() {
            let (middle, height) = area.row(number);
            let left = area.x(0.0);
            canvas.bar(
                (left, middle - height * 0.36),
                (area.x(rate.value) - left, height * 0.72),
                colour::series(rate.series),
                &rate.told(),
            );
            if let Some((low, high)) = rate.interval {
                whisker(canvas, (area.x(low), area.x(high)), middle, (height * 0.2).min(6.0));
            }
            let number = format!("{:.1}", 100.0 * rate.value);
            canvas.text(area.right() - 4.0, middle + 4.0, &number, Style { anchor: Anchor::End, ..SMALL });
        }
        if let Some(reference) = reference {
            let x = area.x(reference);
            canvas.line((x, area.top), (x, area.bottom()), Pen::new(FAINT, 1.2).dashed());
        }
    })
}

/// The axis of [`rates`]: 0 to 100 %, with room for the numbers.
pub(crate) fn rate_axis(label: &str) -> Axis {
    let ticks = (0..=5).map(|n| (f64::from(n) / 5.0, format!("{} %", n * 20))).collect();
    Axis::labelled(label, 0.0, 1.1, ticks)
}

/// An interval as a line with ends.
pub(crate) fn whisker(canvas: &mut Canvas, (low, high): (f64, f64), y: f64, half: f64) {
    let pen = Pen::new(INK, 1.3);
    canvas.line((low, y), (high, y), pen);
    for end in [low, high] {
        canvas.line((end, y - half), (end, y + half), pen);
    }
}

/// The five numbers of a box plot (J. W. Tukey, Exploratory Data Analysis, 1977): quartiles, and the furthest values within
/// one and a half times their distance from them.
pub(crate) struct BoxNumbers {
    pub(crate) low: f64,
    pub(crate) quartiles: [f64; 3],
    pub(crate) high: f64,
    pub(crate) outliers: Vec<f64>,
}

impl BoxNumbers {
    /// `None` for no values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let quartiles = [quantile(&sorted, 0.25)?, quantile(&sorted, 0.5)?, quantile(&sorted, 0.75)?];
        let reach = 1.5 * (quartiles[2] - quartiles[0]);
        let inside = |value: &&f64| (quartiles[0] - reach..=quartiles[2] + reach).contains(*value);
        let low = sorted.iter().find(inside).copied().unwrap_or(quartiles[0]);
        let high = sorted.iter().rev().find(inside).copied().unwrap_or(quartiles[2]);
        let outliers = sorted.into_iter().filter(|value| !inside(&value)).collect();
        Some(Self { low, quartiles, high, outliers })
    }
}

/// A quantile of sorted values, interpolated linearly; `None` for no values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let low = place as usize;
    let high = (low + 1).min(sorted.len() - 1);
    Some(sorted[low] + (place - low as f64) * (sorted[high] - sorted[low]))
}

/// A lying box plot in the n-th row.
pub(crate) fn lying_box(canvas: &mut Canvas, area: &Area, row: usize, numbers: &BoxNumbers, colour: &str, name: &str) {
    let (middle, height) = area.row(row);
    let half = (height * 0.32).min(16.0);
    let [first, median, third] = numbers.quartiles.map(|value| area.x(value));
    let (low, high) = (area.x(numbers.low), area.x(numbers.high));
    let pen = Pen::new(FAINT, 1.2);
    canvas.line((low, middle), (first, middle), pen);
    canvas.line((third, middle), (high, middle), pen);
    for end in [low, high] {
        canvas.line((end, middle - half / 2.0), (end, middle + half / 2.0), pen);
    }
    let [q1, q2, q3] = numbers.quartiles;
    let tip = format!(
        "{name}: median {q2:.2}, quartiles {q1:.2} and {q3:.2}, whiskers {:.2} to {:.2}",
        numbers.low, numbers.high
    );
    canvas.bar((first, middle - half), ((third - first).max(1.0), 2.0 * half), colour, &tip);
    canvas.line((median, middle - half), (median, middle + half), Pen::new("#ffffff", 2.0));
    for &outlier in &numbers.outliers {
        canvas.mark((area.x(outlier), middle), crate::svg::Mark::Circle, 2.2, colour, &format!("{outlier:.2}"));
    }
}

/// How wide the bin of equal values is: wide enough to be seen beside the values around it.
const LONE_BIN: f64 = 0.1;

/// The widths of equal bins by Freedman and Diaconis (1981), rounded, and the counts: (first edge, width, counts). `None` for no values.
pub(crate) fn histogram(values: &[f64]) -> Option<(f64, f64, Vec<usize>)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    if low == high {
        return Some((low - LONE_BIN / 2.0, LONE_BIN, vec![sorted.len()]));
    }
    let spread = quantile(&sorted, 0.75)? - quantile(&sorted, 0.25)?;
    let wanted = 2.0 * spread / (sorted.len() as f64).cbrt();
    let extent = (high - low).max(1e-9 * high.abs().max(1.0));
    // Between 5 and 60 bins.
    let width = if wanted > 0.0 { wanted.clamp(extent / 60.0, extent / 5.0) } else { extent / 10.0 };
    let first = (low / width).floor() * width;
    let bin = |value: f64| ((value - first) / width) as usize;
    let mut counts = vec![0; bin(high) + 1];
    for value in sorted {
        counts[bin(value)] += 1;
    }
    Some((first, width, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_have_the_quartiles_and_outliers() {
        let numbers = BoxNumbers::of(&[5.0, 1.0, 2.0, 3.0, 4.0, 50.0]).unwrap();
        // numpy 2.3: percentile([1, 2, 3, 4, 5, 50], [25, 50, 75]) is 2.25, 3.5, 4.75.
        assert_eq!(numbers.quartiles, [2.25, 3.5, 4.75]);
        assert_eq!((numbers.low, numbers.high, &numbers.outliers[..]), (1.0, 5.0, &[50.0][..]));
        assert!(BoxNumbers::of(&[]).is_none());
        assert_eq!(BoxNumbers::of(&[2.0]).unwrap().quartiles, [2.0; 3]);
    }

    #[test]
    fn histograms_hold_every_value() {
        for values in
            [vec![1.0], vec![2.0; 9], (0..500).map(f64::from).collect(), vec![0.0, 1e-12, 1e9], vec![-3.0, 4.0]]
        {
            let (first, width, counts) = histogram(&values).unwrap();
            assert_eq!(counts.iter().sum::<usize>(), values.len());
            assert!(width > 0.0 && counts.len() <= 70, "{} bins", counts.len());
            assert!(values.iter().all(|&value| value >= first));
        }
        assert!(histogram(&[]).is_none());
    }
}
