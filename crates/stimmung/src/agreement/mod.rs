//! How far features agree with those of another program, its oracle.

mod oracle;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use stimmung_features::Level;

use crate::Error;
use crate::extraction::{Row, RowSink};

pub use oracle::Oracle;

/// The other program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// openSMILE. Differences are divided by its value, or 1e-3 where that is larger. Its last three rows of descriptors are left out:
    /// they are edges, which repeat values.
    OpenSmile,
    /// librosa. Differences are divided by the standard deviation of its column.
    Librosa,
}

/// Rows at the end of a recording's descriptors that repeat others.
const EDGE: usize = 3;

/// The least that a difference from openSMILE is divided by.
const LEAST: f64 = 1e-3;

/// What differs by more counts as different.
const SAME: f64 = 1e-4;

/// Correlations that columns are counted by.
const STEPS: [f64; 3] = [0.9999, 0.999, 0.98];

/// Our values, gathered to be compared.
#[derive(Debug, Default)]
pub struct Ours {
    columns: Vec<String>,
    tables: BTreeMap<String, Vec<f32>>,
}

impl RowSink for Ours {
    fn begin(&mut self, columns: &[String]) -> Result<(), Error> {
        self.columns = columns.to_vec();
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        match self.tables.get_mut(row.id) {
            Some(table) => table.extend_from_slice(row.values),
            None => drop(self.tables.insert(row.id.to_owned(), row.values.to_vec())),
        }
        Ok(())
    }
}

/// The agreement of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnAgreement {
    /// The column.
    pub column: String,
    /// Pearson's correlation over all rows; 1 where both are constant, 0 where one is.
    pub correlation: f64,
    /// The median of the differences.
    pub median: f64,
    /// The largest of them.
    pub largest: f64,
    /// The recording that has it.
    pub worst: String,
    /// The share of rows that differ by more than 1e-4.
    pub differ: f64,
}

/// The agreement of two tables of the same columns, column by column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Recordings compared.
    pub recordings: usize,
    /// Rows compared.
    pub rows: usize,
    /// The median of all differences.
    pub median: f64,
    /// The columns, in our order.
    pub columns: Vec<ColumnAgreement>,
}

impl Agreement {
    /// Compares our values with those of the oracle, by recording and column.
    ///
    /// # Errors
    /// [`Error::Table`] where the oracle lacks columns or recordings of ours, or has another number of rows for one.
    pub fn of(ours: &Ours, oracle: &Oracle, peer: Peer, level: Level) -> Result<Self, Error> {
        let places = oracle.places(&ours.columns)?;
        let width = ours.columns.len();
        let mut pairs = Vec::new();
        let mut owners = Vec::new();
        for (recording, table) in &ours.tables {
            let theirs = oracle.table(recording)?;
            let counts = (table.len() / width, theirs.len() / oracle.width());
            let rows = match (peer, level) {
                (Peer::OpenSmile, Level::Descriptors) if counts.0.abs_diff(counts.1) <= EDGE => {
                    counts.0.min(counts.1).saturating_sub(EDGE)
                }
                _ if counts.0 == counts.1 => counts.0,
                _ => return Err(oracle.refuse(format!("{recording} has {} rows, and ours {}", counts.1, counts.0))),
            };
            owners.extend(std::iter::repeat_n(recording.as_str(), rows));
            pairs.extend(table.chunks_exact(width).zip(theirs.chunks_exact(oracle.width())).take(rows));
        }
        let mut all = Vec::with_capacity(pairs.len() * width);
        let columns = ours.columns.iter().zip(places).enumerate().map(|(own, (column, place))| {
            let values: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (f64::from(a[own]), b[place])).collect();
            let differences = differences(&values, peer);
            all.extend_from_slice(&differences);
            column_agreement(column, &values, differences, &owners)
        });
        let columns = columns.collect();
        Ok(Self { recordings: ours.tables.len(), rows: pairs.len(), median: median(&mut all), columns })
    }

    /// The lowest correlation of a column.
    pub fn correlation(&self) -> f64 {
        self.columns.iter().map(|column| column.correlation).fold(1.0, f64::min)
    }

    /// The largest difference.
    pub fn largest(&self) -> f64 {
        self.columns.iter().map(|column| column.largest).fold(0.0, f64::max)
    }

    /// The table as text: of all columns, or of those that differ most.
    pub fn render(&self, worst: Option<usize>) -> String {
        let mut columns: Vec<&ColumnAgreement> = self.columns.iter().collect();
        if let Some(count) = worst {
            columns.sort_by(|a, b| b.largest.total_cmp(&a.largest));
            columns.truncate(count);
        }
        let wide = columns.iter().map(|column| column.column.len()).max().unwrap_or(0).max(20);
        // Writing to a string cannot fail.
        let mut text = format!(
            "{} recordings, {} rows, {} columns\n{:<wide$}{:>13}{:>10}{:>10}{:>9}\n",
            self.recordings,
            self.rows,
            self.columns.len(),
            "column",
            "correlation",
            "median",
            "largest",
            "differ"
        );
        for ColumnAgreement { column, correlation, median, largest, differ, .. } in columns {
            let differ = format!("{:.2}%", 100.0 * differ);
            let _ = writeln!(text, "{column:<wide$}{correlation:>13.8}{median:>10.1e}{largest:>10.1e}{differ:>9}");
        }
        for least in STEPS {
            let count = self.columns.iter().filter(|column| column.correlation >= least).count();
            let _ = writeln!(text, "correlation of at least {least}: {count} of {} columns", self.columns.len());
        }
        if let Some(worst) = self.columns.iter().max_by(|a, b| a.largest.total_cmp(&b.largest)) {
            let ColumnAgreement { column, largest, worst, .. } = worst;
            let _ =
                writeln!(text, "largest difference {largest:.1e} (`{column}` of {worst}), median {:.1e}", self.median);
        }
        text
    }
}

/// The differences of all rows, in the unit of the peer.
fn differences(values: &[(f64, f64)], peer: Peer) -> Vec<f64> {
    let unit = match peer {
        Peer::OpenSmile => None,
        Peer::Librosa => {
            let deviation = moments(values.iter().map(|(_, theirs)| *theirs)).1;
            let constant = values.windows(2).all(|pair| pair[0].1 == pair[1].1);
            Some(if constant { 1.0 } else { deviation })
        }
    };
    values.iter().map(|(ours, theirs)| (ours - theirs).abs() / unit.unwrap_or(theirs.abs().max(LEAST))).collect()
}

fn column_agreement(
    column: &str,
    values: &[(f64, f64)],
    mut differences: Vec<f64>,
    owners: &[&str],
) -> ColumnAgreement {
    let largest = differences.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let (worst, largest) = largest.map_or((String::new(), 0.0), |(row, largest)| (owners[row].to_owned(), *largest));
    let differ = differences.iter().filter(|difference| **difference > SAME).count();
    ColumnAgreement {
        column: column.to_owned(),
        correlation: correlation(values),
        largest,
        worst,
        differ: differ as f64 / differences.len().max(1) as f64,
        median: median(&mut differences),
    }
}

/// Mean and standard deviation of the population.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (count, sum) = values.clone().fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    let mean = if count > 0.0 { sum / count } else { 0.0 };
    let square: f64 = values.map(|value| (value - mean) * (value - mean)).sum();
    (mean, if count > 0.0 { (square / count).sqrt() } else { 0.0 })
}

fn correlation(values: &[(f64, f64)]) -> f64 {
    // By the values themselves: the deviation of a constant may be a rounding error.
    let constant = |of: fn(&(f64, f64)) -> f64| values.windows(2).all(|pair| of(&pair[0]) == of(&pair[1]));
    match (constant(|pair| pair.0), constant(|pair| pair.1)) {
        (true, true) => return 1.0,
        (false, false) => {}
        _ => return 0.0,
    }
    let (ours, theirs) = (moments(values.iter().map(|pair| pair.0)), moments(values.iter().map(|pair| pair.1)));
    let product: f64 = values.iter().map(|(a, b)| (a - ours.0) * (b - theirs.0)).sum();
    product / values.len() as f64 / (ours.1 * theirs.1)
}

/// The value in the middle, or the mean of the two there.
fn median(values: &mut [f64]) -> f64 {
    let (half, even) = (values.len() / 2, values.len().is_multiple_of(2));
    if values.is_empty() {
        return 0.0;
    }
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let middle = *middle;
    if even {
        return f64::midpoint(below.iter().copied().fold(f64::MIN, f64::max), middle);
    }
    middle
}

#[cfg(test)]
mod tests;
