//! Growing one tree of a round: the split with the largest second-order gain first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::bins::Binned;
use crate::tree::Tree;

/// Rows times columns of a node above which several threads look for its split.
const PARALLEL_WORK: usize = 1 << 16;
/// Columns that a thread then looks at in one go.
const COLUMNS: usize = 8;

/// First and second derivative of the loss by the score, of a recording or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Slope {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
}

impl Slope {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.hessian += other.hessian;
    }

    fn less(self, other: Self) -> Self {
        Self { gradient: self.gradient - other.gradient, hessian: self.hessian - other.hessian }
    }

    /// Twice what the best score of a leaf takes off the loss.
    fn worth(self, lambda: f64) -> f64 {
        self.gradient * self.gradient / (self.hessian + lambda)
    }
}

/// When and how nodes are split.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) depth: usize,
    pub(super) leaves: usize,
    pub(super) lambda: f64,
    pub(super) least_gain: f64,
    /// Smallest sum of second derivatives in a leaf, above 0.
    pub(super) least_hessian: f64,
    pub(super) learning_rate: f64,
}

/// A split of a node by one column: up to this bin, rows go left.
#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    column: usize,
    bin: u8,
    left: Slope,
}

/// A node whose rows stand at `start..end`.
struct Part {
    node: usize,
    start: usize,
    end: usize,
    depth: usize,
    slope: Slope,
}

/// A node that can be split. The largest gain comes first, of equals the node that was made first.
struct Candidate {
    part: Part,
    split: Split,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.split.gain.total_cmp(&other.split.gain).then_with(|| other.part.node.cmp(&self.part.node))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

/// Grows a tree on `rows` by `columns`, and says what the splits on each column gained.
pub(super) fn grow(
    binned: &Binned,
    slopes: &[Slope],
    mut rows: Vec<u32>,
    columns: &[usize],
    limits: &Limits,
) -> (Tree, Vec<(usize, f64)>) {
    let search = Search { binned, slopes, columns, limits };
    let mut tree = Tree::new();
    let mut gains = Vec::new();
    let mut candidates = BinaryHeap::new();
    let mut slope = Slope::default();
    for &row in &rows {
        slope.add(slopes[row as usize]);
    }
    let mut fresh = vec![Part { node: Tree::ROOT, start: 0, end: rows.len(), depth: 0, slope }];
    let mut leaves = 1;
    let mut spare = Vec::with_capacity(rows.len());
    loop {
        for part in fresh.drain(..) {
            match search.best_split(&part, &rows[part.start..part.end]) {
                Some(split) => candidates.push(Candidate { part, split }),
                None => tree.leaf(part.node, [limits.score(part.slope)]),
            }
        }
        if leaves >= limits.leaves {
            break;
        }
        let Some(Candidate { part, split }) = candidates.pop() else { break };
        gains.push((split.column, split.gain));
        let bins = binned.column(split.column);
        let middle =
            part.start + partition(&mut rows[part.start..part.end], &mut spare, |row| bins[row as usize] <= split.bin);
        let child = tree.split(part.node, split.column as u32, binned.edge(split.column, split.bin));
        let depth = part.depth + 1;
        fresh.push(Part { node: child, start: part.start, end: middle, depth, slope: split.left });
        fresh.push(Part { node: child + 1, start: middle, end: part.end, depth, slope: part.slope.less(split.left) });
        leaves += 1;
    }
    for Candidate { part, .. } in candidates.into_sorted_vec() {
        tree.leaf(part.node, [limits.score(part.slope)]);
    }
    (tree, gains)
}

impl Limits {
    /// What a leaf adds to the score.
    fn score(&self, slope: Slope) -> f32 {
        (-self.learning_rate * slope.gradient / (slope.hessian + self.lambda)) as f32
    }
}

/// Where a split is looked for.
struct Search<'a> {
    binned: &'a Binned,
    slopes: &'a [Slope],
    columns: &'a [usize],
    limits: &'a Limits,
}

/// The histogram of one column: the sums of the rows in each bin, and which bins have any.
struct Histogram {
    sums: [Slope; 256],
    filled: [u64; 4],
}

impl Histogram {
    fn new() -> Self {
        Self { sums: [Slope::default(); 256], filled: [0; 4] }
    }
}

impl Search<'_> {
    /// The best split of a node; `None` if it stays a leaf.
    fn best_split(&self, part: &Part, rows: &[u32]) -> Option<Split> {
        let limits = self.limits;
        if part.depth >= limits.depth || part.slope.hessian < 2.0 * limits.least_hessian || rows.len() < 2 {
            return None;
        }
        let slopes: Vec<Slope> = rows.iter().map(|&row| self.slopes[row as usize]).collect();
        let best_of = |columns: &[usize]| {
            let mut histogram = Histogram::new();
            let splits =
                columns.iter().filter_map(|&column| self.best_of(column, rows, &slopes, part.slope, &mut histogram));
            splits.reduce(better)
        };
        let best = if rows.len() * self.columns.len() < PARALLEL_WORK {
            best_of(self.columns)
        } else {
            let found: Vec<Option<Split>> = self.columns.par_chunks(COLUMNS).map(best_of).collect();
            found.into_iter().flatten().reduce(better)
        };
        best.filter(|split| split.gain > 0.0)
    }

    /// The best split by one column. Finds the histogram empty and leaves it so.
    fn best_of(
        &self,
        column: usize,
        rows: &[u32],
        slopes: &[Slope],
        whole: Slope,
        histogram: &mut Histogram,
    ) -> Option<Split> {
        let Limits { lambda, least_gain, least_hessian, .. } = *self.limits;
        let bins = self.binned.column(column);
        let Histogram { sums, filled } = histogram;
        for (&row, slope) in rows.iter().zip(slopes) {
            let bin = bins[row as usize];
            sums[usize::from(bin)].add(*slope);
            filled[usize::from(bin >> 6)] |= 1 << (bin & 63);
        }
        // Right of the last filled bin is nothing, even where rounding leaves something.
        let last = filled.iter().rposition(|word| *word != 0).map(|word| 64 * word + filled[word].ilog2() as usize);
        let mut left = Slope::default();
        let (mut worth, mut best) = (f64::NEG_INFINITY, None);
        // Small nodes fill few of the bins; the others need no look.
        for (word, filled) in filled.iter_mut().enumerate() {
            while *filled != 0 {
                let bin = 64 * word + filled.trailing_zeros() as usize;
                *filled &= *filled - 1;
                left.add(std::mem::take(&mut sums[bin]));
                let right = whole.less(left);
                if Some(bin) != last && left.hessian >= least_hessian && right.hessian >= least_hessian {
                    let found = left.worth(lambda) + right.worth(lambda);
                    if found > worth {
                        (worth, best) = (found, Some((bin as u8, left)));
                    }
                }
            }
        }
        let gain = 0.5 * (worth - whole.worth(lambda)) - least_gain;
        best.map(|(bin, left)| Split { gain, column, bin, left })
    }
}

/// The better of two splits, of equals the first.
fn better(a: Split, b: Split) -> Split {
    if b.gain > a.gain { b } else { a }
}

/// Brings the rows for which `left` holds to the front, all in their old order, and returns how many they are.
fn partition(rows: &mut [u32], spare: &mut Vec<u32>, left: impl Fn(u32) -> bool) -> usize {
    spare.clear();
    let mut count = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        if left(row) {
            rows[count] = row;
            count += 1;
        } else {
            spare.push(row);
        }
    }
    rows[count..].copy_from_slice(spare);
    count
}
