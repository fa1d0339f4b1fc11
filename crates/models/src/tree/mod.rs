//! Decision trees as forests and boosting share them: how they are held, walked, and kept in a file.

mod file;

use crate::ModelError;

/// Most bytes that the trees of a model may take. A file of more is not read either.
const LIMIT: usize = 1 << 30;

/// One node. `row[feature] ≤ threshold` leads to the left child.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    /// The column that is compared; of a leaf, the number of its values.
    feature: u32,
    threshold: f32,
    /// The left child, counted within the tree; the right one follows it. 0 marks a leaf, for the root is nobody's child.
    child: u32,
}

const LEAF: u32 = 0;

impl Node {
    /// From this node at `at` one step down; `None` at a leaf.
    fn next(self, row: &[f32]) -> Option<usize> {
        if self.child == LEAF {
            return None;
        }
        Some(self.child as usize + usize::from(row[self.feature as usize] > self.threshold))
    }
}

/// A tree that grows. It begins as a root; every node must in the end have been split or made a leaf.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// Values of the leaves, all of the same number, in the order in which the leaves were made.
    values: Vec<f32>,
    leaves: u32,
}

impl Tree {
    pub(crate) const ROOT: usize = 0;

    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node { feature: 0, threshold: 0.0, child: LEAF }], values: Vec::new(), leaves: 0 }
    }

    /// Splits a node and returns its left child; the right one is the next.
    pub(crate) fn split(&mut self, node: usize, feature: u32, threshold: f32) -> usize {
        let child = self.nodes.len();
        self.nodes[node] = Node { feature, threshold, child: child as u32 };
        self.nodes.extend([Node { feature: 0, threshold: 0.0, child: LEAF }; 2]);
        child
    }

    /// Makes a node a leaf with these values.
    pub(crate) fn leaf(&mut self, node: usize, values: impl IntoIterator<Item = f32>) {
        self.nodes[node].feature = self.leaves;
        self.leaves += 1;
        self.values.extend(values);
    }

    /// The only value of the leaf in which a row ends, of a tree with one value a leaf.
    pub(crate) fn value(&self, row: &[f32]) -> f32 {
        self.values[walk(&self.nodes, row)]
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.values.iter().all(|v| v.is_finite())
    }
}

/// The number of the leaf in which a row ends. Children come after their parents, so this ends.
fn walk(nodes: &[Node], row: &[f32]) -> usize {
    let mut at = Tree::ROOT;
    while let Some(next) = nodes[at].next(row) {
        at = next;
    }
    nodes[at].feature as usize
}

/// A value between two neighbours `a < b` of a column, as a threshold that keeps them apart in `f32`.
pub(crate) fn between(a: f32, b: f32) -> f32 {
    let middle = f32::midpoint(a, b);
    // Between adjacent numbers there is nothing, and the middle may be rounded up.
    if middle < b { middle } else { a }
}

/// Fitted trees, one after another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trees {
    /// Columns of the rows that are walked down.
    columns: usize,
    /// Values per leaf.
    width: usize,
    /// Where each tree begins, and at last where the last one ends.
    starts: Vec<usize>,
    nodes: Vec<Node>,
    values: Vec<f32>,
    /// What the splits on each column gained: adds up to 1, or is 0 throughout where no tree was ever split.
    importances: Vec<f64>,
}

impl Trees {
    pub(crate) fn new(columns: usize, width: usize) -> Self {
        Self { columns, width, starts: vec![0], nodes: Vec::new(), values: Vec::new(), importances: vec![0.0; columns] }
    }

    /// Appends a tree; fails if all of them together become too large.
    pub(crate) fn push(&mut self, kind: &'static str, tree: &Tree) -> Result<(), ModelError> {
        self.push_within(kind, tree, LIMIT)
    }

    fn push_within(&mut self, kind: &'static str, tree: &Tree, limit: usize) -> Result<(), ModelError> {
        let leaves = self.leaves() as u32;
        let moved = |node: &Node| {
            if node.child == LEAF { Node { feature: node.feature + leaves, ..*node } } else { *node }
        };
        // Before any leaf is renumbered: this also keeps all numbers within 32 bits.
        let nodes = (self.nodes.len() + tree.nodes.len()) * size_of::<Node>();
        let values = (self.values.len() + tree.values.len()) * size_of::<f32>();
        if nodes + values > limit {
            return Err(ModelError::Unsuitable {
                kind,
                reason: format!(
                    "{} trees would take more than {limit} bytes; use fewer of them, or shallower ones",
                    self.len() + 1
                ),
            });
        }
        self.nodes.extend(tree.nodes.iter().map(moved));
        self.values.extend_from_slice(&tree.values);
        self.starts.push(self.nodes.len());
        Ok(())
    }

    /// Keeps what each column gained, divided by the sum.
    pub(crate) fn set_importances(&mut self, mut gains: Vec<f64>) {
        normalise(&mut gains);
        self.importances = gains;
    }

    pub(crate) fn importances(&self) -> &[f64] {
        &self.importances
    }

    /// Number of trees.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of leaves of all trees.
    pub(crate) fn leaves(&self) -> usize {
        self.values.len() / self.width
    }

    /// Numbers that the trees consist of: a column and a threshold for every split, and the values of the leaves.
    pub(crate) fn parameter_count(&self) -> usize {
        2 * (self.nodes.len() - self.leaves()) + self.values.len()
    }

    /// Splits between the root and the lowest leaf of any tree.
    pub(crate) fn depth(&self) -> usize {
        let mut deepest = 0;
        for tree in self.starts.windows(2) {
            let nodes = &self.nodes[tree[0]..tree[1]];
            let mut depths = vec![0usize; nodes.len()];
            for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.child != LEAF) {
                let child = node.child as usize;
                let depth = depths[at] + 1;
                depths[child..child + 2].fill(depth);
                deepest = deepest.max(depth);
            }
        }
        deepest
    }

    /// Whether the values of all leaves pass a test.
    pub(crate) fn all_leaves(&self, test: impl Fn(&[f32]) -> bool) -> bool {
        self.values.chunks_exact(self.width).all(test)
    }

    /// The values of the leaf in which a row ends, for each tree in order.
    pub(crate) fn values<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
        self.starts.windows(2).map(move |tree| {
            let leaf = walk(&self.nodes[tree[0]..tree[1]], row);
            &self.values[leaf * self.width..][..self.width]
        })
    }
}

/// Divides by the sum, unless that is 0.
pub(crate) fn normalise(values: &mut [f64]) {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 {
        for v in values {
            *v /= sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x₀ ≤ 0.5 ? 1 : (x₁ ≤ −1 ? 2 : 3)`.
    pub(super) fn stairs() -> Tree {
        let mut tree = Tree::new();
        let left = tree.split(Tree::ROOT, 0, 0.5);
        let low = tree.split(left + 1, 1, -1.0);
        tree.leaf(low + 1, [3.0]);
        tree.leaf(left, [1.0]);
        tree.leaf(low, [2.0]);
        tree
    }

    #[test]
    fn rows_end_in_their_leaves() {
        let tree = stairs();
        let mut trees = Trees::new(2, 1);
        trees.push("random-forest", &tree).expect("small");
        trees.push("random-forest", &tree).expect("small");
        for (row, value) in
            [([0.0, 0.0], 1.0), ([0.5, 9.0], 1.0), ([0.6, -1.0], 2.0), ([0.6, -0.9], 3.0), ([f32::MAX, f32::MIN], 2.0)]
        {
            assert_eq!(tree.value(&row), value, "{row:?}");
            assert_eq!(trees.values(&row).collect::<Vec<_>>(), [[value], [value]], "{row:?}");
        }
        assert_eq!((trees.len(), trees.leaves(), trees.depth()), (2, 6, 2));
        assert_eq!(trees.parameter_count(), 2 * (2 * 2 + 3));
    }

    #[test]
    fn trees_beyond_the_limit_are_refused() {
        let mut trees = Trees::new(2, 1);
        // Five nodes of twelve bytes and three values of four.
        trees.push_within("random-forest", &stairs(), 2 * 72).expect("one fits");
        trees.push_within("random-forest", &stairs(), 2 * 72).expect("two fit");
        let error = trees.push_within("random-forest", &stairs(), 2 * 72).expect_err("three do not").to_string();
        assert!(error.contains("3 trees would take more than 144 bytes"), "{error}");
        assert_eq!(trees.len(), 2, "nothing was added");
    }

    #[test]
    fn a_threshold_parts_even_adjacent_numbers() {
        for a in [-3.0f32, -1e-40, 0.0, 1.0, 1e30] {
            for b in [a.next_up(), a + 1.0, f32::MAX] {
                if a < b {
                    let t = between(a, b);
                    assert!(a <= t && t < b, "{a} {t} {b}");
                }
            }
        }
        assert_eq!(between(1.0, 2.0), 1.5);
        assert_eq!(between(f32::MIN, f32::MAX), 0.0);
    }

    #[test]
    fn importances_add_up_to_one_or_are_all_zero() {
        let mut trees = Trees::new(3, 1);
        trees.set_importances(vec![1.0, 0.0, 3.0]);
        assert_eq!(trees.importances(), [0.25, 0.0, 0.75]);
        trees.set_importances(vec![0.0; 3]);
        assert_eq!(trees.importances(), [0.0; 3]);
    }
}
