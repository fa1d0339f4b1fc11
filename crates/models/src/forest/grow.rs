//! Growing one tree of a forest: exact splits by the Gini impurity.

use rand_chacha::ChaCha8Rng;

use crate::Matrix;
use crate::random::{below, draw};
use crate::tree::{Tree, between, normalise};

/// What all trees of a forest grow from.
pub(super) struct Ground<'a> {
    /// The values column after column, as whole numbers in the same order, so that they can be sorted together with
    /// their row.
    keys: Vec<u32>,
    rows: usize,
    columns: usize,
    labels: &'a [usize],
    /// Weight of each class's recordings.
    weights: Vec<f64>,
    pub(super) limits: Limits,
}

/// When a node becomes a leaf, and what is tried before.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) depth: usize,
    pub(super) samples_leaf: usize,
    pub(super) samples_split: usize,
    /// Columns looked at for each split.
    pub(super) features: usize,
    pub(super) bootstrap: bool,
}

/// A number whose order among others is that of `value` among finite ones. Both zeros are the same.
fn key(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The value of a [`key`].
fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 0 { !key } else { key & !(1 << 31) })
}

/// A node whose rows stand at `start..end` of the tree's rows.
struct Open {
    node: usize,
    start: usize,
    end: usize,
    depth: usize,
}

/// A split of a node.
struct Split {
    column: usize,
    /// The largest key that goes left, and the threshold that says the same.
    key: u32,
    threshold: f32,
    /// `Σ wₖ²/w` of the left plus the same of the right side: the larger, the purer.
    purity: f64,
}

/// Weights of the classes on one side, with the sum of their squares.
struct Side {
    weights: Vec<f64>,
    total: f64,
    squares: f64,
}

impl Side {
    fn new(classes: usize) -> Self {
        Self { weights: vec![0.0; classes], total: 0.0, squares: 0.0 }
    }

    fn clear(&mut self) {
        self.weights.fill(0.0);
        (self.total, self.squares) = (0.0, 0.0);
    }

    fn copy(&mut self, other: &Self) {
        self.weights.copy_from_slice(&other.weights);
        (self.total, self.squares) = (other.total, other.squares);
    }

    /// Adds a recording of this class, or takes away one of negative weight.
    #[inline]
    fn add(&mut self, class: usize, weight: f64) {
        let before = &mut self.weights[class];
        self.squares += weight * (2.0 * *before + weight);
        *before += weight;
        self.total += weight;
    }

    fn purity(&self) -> f64 {
        self.squares / self.total
    }
}

/// The state of one tree that grows.
struct Growth<'a, 'b> {
    ground: &'a Ground<'b>,
    /// Weight of each recording in this tree; 0 for those that were not drawn.
    weights: Vec<f64>,
    node: Side,
    left: Side,
    right: Side,
    /// Keys of a column with their rows.
    sorted: Vec<u64>,
    /// All columns, reordered by every draw.
    order: Vec<usize>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(x: &Matrix, labels: &'a [usize], weights: Vec<f64>, limits: Limits) -> Self {
        let (rows, columns) = (x.rows(), x.columns());
        let mut keys = vec![0; rows * columns];
        for (row, values) in x.iter_rows().enumerate() {
            for (column, &value) in values.iter().enumerate() {
                keys[column * rows + row] = key(value);
            }
        }
        Self { keys, rows, columns, labels, weights, limits }
    }

    /// Grows a tree, and says how much each column did for it, in shares of the whole.
    pub(super) fn grow(&self, random: &mut ChaCha8Rng) -> (Tree, Vec<f64>) {
        let weights = self.bag(random);
        let mut rows: Vec<u32> = (0..self.rows as u32).filter(|&row| weights[row as usize] > 0.0).collect();
        let classes = self.weights.len();
        let mut growth = Growth {
            ground: self,
            weights,
            node: Side::new(classes),
            left: Side::new(classes),
            right: Side::new(classes),
            sorted: Vec::with_capacity(rows.len()),
            order: (0..self.columns).collect(),
        };
        let mut tree = Tree::new();
        let mut gains = vec![0.0; self.columns];
        let mut open = vec![Open { node: Tree::ROOT, start: 0, end: rows.len(), depth: 0 }];
        while let Some(Open { node, start, end, depth }) = open.pop() {
            let own = &mut rows[start..end];
            let Some(split) = growth.best_split(own, depth, random) else {
                let side = &growth.node;
                tree.leaf(node, side.weights.iter().map(|weight| (weight / side.total) as f32));
                continue;
            };
            // Rounding can take a gain of nothing below nothing.
            gains[split.column] += (split.purity - growth.node.purity()).max(0.0);
            let keys = self.column(split.column);
            let middle = start + partition(own, |row| keys[row as usize] <= split.key);
            let child = tree.split(node, split.column as u32, split.threshold);
            open.push(Open { node: child + 1, start: middle, end, depth: depth + 1 });
            open.push(Open { node: child, start, end: middle, depth: depth + 1 });
        }
        normalise(&mut gains);
        (tree, gains)
    }

    fn column(&self, column: usize) -> &[u32] {
        &self.keys[column * self.rows..][..self.rows]
    }

    /// How much each recording counts: as often as it is drawn, times the weight of its class.
    fn bag(&self, random: &mut ChaCha8Rng) -> Vec<f64> {
        let mut times = vec![if self.limits.bootstrap { 0.0 } else { 1.0 }; self.rows];
        if self.limits.bootstrap {
            for _ in 0..self.rows {
                times[below(random, self.rows)] += 1.0;
            }
        }
        times.iter().zip(self.labels).map(|(times, &label)| times * self.weights[label]).collect()
    }
}

impl Growth<'_, '_> {
    /// The best split of these rows; `None` if they make a leaf. Leaves what they consist of in `node`.
    fn best_split(&mut self, rows: &[u32], depth: usize, random: &mut ChaCha8Rng) -> Option<Split> {
        let limits = self.ground.limits;
        self.node.clear();
        for &row in rows {
            self.node.add(self.ground.labels[row as usize], self.weights[row as usize]);
        }
        let mixed = self.node.weights.iter().filter(|weight| **weight > 0.0).count() > 1;
        let least = limits.samples_split.max(limits.samples_leaf.saturating_mul(2));
        if !mixed || rows.len() < least || depth >= limits.depth {
            return None;
        }
        let mut best: Option<Split> = None;
        for visited in 0..self.order.len() {
            // Columns that are constant here do not help; then others are looked at until one does.
            if visited >= limits.features && best.is_some() {
                break;
            }
            draw(random, &mut self.order[visited..], 1);
            let column = self.order[visited];
            if let Some(split) = self.best_of(column, rows, best.as_ref().map_or(f64::NEG_INFINITY, |best| best.purity))
            {
                best = Some(split);
            }
        }
        best
    }

    /// The best split by one column, if it is better than `least`.
    fn best_of(&mut self, column: usize, rows: &[u32], least: f64) -> Option<Split> {
        let (keys, labels) = (self.ground.column(column), self.ground.labels);
        self.sorted.clear();
        self.sorted.extend(rows.iter().map(|&row| u64::from(keys[row as usize]) << 32 | u64::from(row)));
        self.sorted.sort_unstable();
        self.left.clear();
        self.right.copy(&self.node);
        let (n, smallest) = (rows.len(), self.ground.limits.samples_leaf);
        let (mut purity, mut place) = (least, None);
        for (at, pair) in self.sorted.windows(2).enumerate() {
            let row = (pair[0] & u64::from(u32::MAX)) as usize;
            self.left.add(labels[row], self.weights[row]);
            self.right.add(labels[row], -self.weights[row]);
            if pair[0] >> 32 == pair[1] >> 32 || at + 1 < smallest || n - at - 1 < smallest {
                continue;
            }
            let found = self.left.purity() + self.right.purity();
            if found > purity {
                (purity, place) = (found, Some(at));
            }
        }
        place.map(|at| {
            let [low, high] = [at, at + 1].map(|at| (self.sorted[at] >> 32) as u32);
            Split { column, key: low, threshold: between(value(low), value(high)), purity }
        })
    }
}

/// Brings the rows for which `left` holds to the front, and returns how many they are.
fn partition(rows: &mut [u32], left: impl Fn(u32) -> bool) -> usize {
    let mut count = 0;
    for at in 0..rows.len() {
        if left(rows[at]) {
            rows.swap(at, count);
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    fn limits() -> Limits {
        Limits { depth: usize::MAX, samples_leaf: 1, samples_split: 2, features: 1, bootstrap: false }
    }

    fn grown(x: &Matrix, labels: &[usize], limits: Limits) -> (Tree, Vec<f64>) {
        let classes = labels.iter().max().expect("labels") + 1;
        Ground::new(x, labels, vec![1.0; classes], limits).grow(&mut stream(1, 0))
    }

    #[test]
    fn keys_keep_the_order_and_give_the_value_back() {
        let values = [f32::MIN, -2.0, -1e-40, 0.0, 1e-40, 0.5, 2.0, f32::MAX];
        for pair in values.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        assert!(values.iter().all(|&v| value(key(v)) == v));
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn the_split_is_the_one_of_the_textbook() {
        // Only the cut after the second leaves both sides pure.
        let x = Matrix::new(5, 1, vec![1.0, 2.0, 3.0, 4.0, 5.0]).expect("matrix");
        let (tree, gains) = grown(&x, &[0, 0, 1, 1, 1], limits());
        let mut trees = crate::tree::Trees::new(1, 2);
        trees.push("random-forest", &tree).expect("small");
        assert_eq!(trees.depth(), 1);
        assert_eq!(trees.values(&[2.5]).next().expect("a tree"), [1.0, 0.0]);
        assert_eq!(trees.values(&[2.6]).next().expect("a tree"), [0.0, 1.0]);
        assert_eq!(gains, [1.0]);
    }

    #[test]
    fn what_cannot_be_parted_stays_a_leaf_with_its_shares() {
        let x = Matrix::new(4, 2, vec![7.0; 8]).expect("matrix");
        let (tree, gains) = grown(&x, &[0, 0, 0, 1], limits());
        let mut trees = crate::tree::Trees::new(2, 2);
        trees.push("random-forest", &tree).expect("small");
        assert_eq!(trees.values(&[0.0, 0.0]).next().expect("a tree"), [0.75, 0.25]);
        assert_eq!(gains, [0.0, 0.0]);
    }

    #[test]
    fn constant_columns_do_not_use_up_the_draw() {
        // Only column 2 varies; with one column a split, it is found all the same.
        let x = Matrix::from_rows(&[[0.0f32, 1.0, 1.0], [0.0, 1.0, 2.0]]).expect("matrix");
        for seed in 0..10 {
            let ground = Ground::new(&x, &[0, 1], vec![1.0; 2], limits());
            let (_, gains) = ground.grow(&mut stream(seed, 0));
            assert_eq!(gains, [0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn an_exclusive_or_is_learned_although_no_first_split_gains() {
        let x = Matrix::from_rows(&[[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).expect("matrix");
        let (tree, _) = grown(&x, &[0, 1, 1, 0], limits());
        let mut trees = crate::tree::Trees::new(2, 2);
        trees.push("random-forest", &tree).expect("small");
        for (row, label) in x.iter_rows().zip([0, 1, 1, 0]) {
            assert_eq!(trees.values(row).next().expect("a tree")[label], 1.0);
        }
    }

    #[test]
    fn limits_are_kept() {
        let x = Matrix::new(16, 1, (0..16).map(|v| v as f32).collect()).expect("matrix");
        let labels: Vec<usize> = (0..16).map(|row| row % 2).collect();
        let leaves_and_depth = |limits: Limits| {
            let mut trees = crate::tree::Trees::new(1, 2);
            trees.push("random-forest", &grown(&x, &labels, limits).0).expect("small");
            (trees.leaves(), trees.depth())
        };
        assert_eq!(leaves_and_depth(limits()).0, 16);
        assert!(leaves_and_depth(Limits { depth: 3, ..limits() }).1 == 3);
        assert!(leaves_and_depth(Limits { samples_leaf: 5, ..limits() }).0 <= 3);
        assert_eq!(leaves_and_depth(Limits { samples_split: 17, ..limits() }).0, 1);
        assert_eq!(leaves_and_depth(Limits { samples_leaf: usize::MAX, ..limits() }).0, 1);
    }
}
