//! Trees as tensors of a model file.
//!
//! | tensor | type and shape | holds |
//! | --- | --- | --- |
//! | `trees.sizes` | `u32 (trees)` | nodes of each tree |
//! | `trees.features` | `u32 (nodes)` | the column that a node compares; of a leaf, the row of its values |
//! | `trees.thresholds` | `f32 (nodes)` | up to this, the left child follows; of a leaf, 0 |
//! | `trees.children` | `u32 (nodes)` | the left child within the tree, before the right one; 0 for a leaf |
//! | `trees.values` | `f32 (leaves, width)` | class shares or a score |
//! | `trees.importances` | `f64 (columns)` | what the splits on each column gained |

use std::collections::BTreeMap;

use super::{LEAF, Node, Trees};
use crate::ModelError;
use crate::archive::{Archive, Tensor};

fn damaged(message: impl Into<String>) -> ModelError {
    ModelError::Damaged(message.into())
}

impl Trees {
    /// Adds the tensors of all trees.
    pub(crate) fn write(&self, tensors: &mut BTreeMap<String, Tensor>) {
        let mut put = |name: &str, tensor: Tensor| {
            tensors.insert(format!("trees.{name}"), tensor);
        };
        let n = self.nodes.len();
        let sizes = self.starts.windows(2).map(|tree| (tree[1] - tree[0]) as u32).collect();
        put("sizes", Tensor::u32(&[self.len()], sizes));
        put("features", Tensor::u32(&[n], self.nodes.iter().map(|node| node.feature).collect()));
        put("thresholds", Tensor::f32(&[n], self.nodes.iter().map(|node| node.threshold).collect()));
        put("children", Tensor::u32(&[n], self.nodes.iter().map(|node| node.child).collect()));
        put("values", Tensor::f32(&[self.leaves(), self.width], self.values.clone()));
        put("importances", Tensor::f64(&[self.columns], self.importances.clone()));
    }

    /// Takes `count` trees over `columns` features out of an archive. Whatever the file holds, walking down what is returned
    /// ends within it.
    pub(crate) fn read(
        archive: &mut Archive<'_>,
        count: usize,
        columns: usize,
        width: usize,
    ) -> Result<Self, ModelError> {
        let sizes = archive.u32("trees.sizes", &[count])?;
        let n = archive.shape("trees.thresholds")?.first().copied().unwrap_or(0);
        if sizes.iter().map(|&size| u64::from(size)).sum::<u64>() != n as u64 {
            return Err(damaged(format!("the sizes of its trees do not add up to its {n} nodes")));
        }
        let features = archive.u32("trees.features", &[n])?;
        let thresholds = archive.f32("trees.thresholds", &[n])?;
        let children = archive.u32("trees.children", &[n])?;
        let leaves = children.iter().filter(|&&child| child == LEAF).count();
        let values = archive.f32("trees.values", &[leaves, width])?;
        let importances = archive.f64("trees.importances", &[columns])?;
        let sum: f64 = importances.iter().sum();
        if importances.iter().any(|&v| v < 0.0) || !(sum == 0.0 || (sum - 1.0).abs() < 1e-6) {
            return Err(damaged("the importances of its features are no shares"));
        }
        let nodes: Vec<Node> = features
            .into_iter()
            .zip(thresholds)
            .zip(children)
            .map(|((feature, threshold), child)| Node { feature, threshold, child })
            .collect();
        let mut starts = Vec::with_capacity(count + 1);
        starts.push(0);
        let mut used = vec![false; leaves];
        let mut start = 0;
        for (number, size) in sizes.into_iter().enumerate() {
            let end = start + size as usize;
            check_tree(&nodes[start..end], columns, &mut used)
                .map_err(|what| damaged(format!("its tree {number} {what}")))?;
            starts.push(end);
            start = end;
        }
        Ok(Self { columns, width, starts, nodes, values, importances })
    }
}

/// Checks that nodes make one tree: everyone but the root is the child of exactly one node before it, and every leaf has
/// values that no other one has.
fn check_tree(nodes: &[Node], columns: usize, used: &mut [bool]) -> Result<(), &'static str> {
    if nodes.is_empty() {
        return Err("has no root");
    }
    let mut reached = vec![false; nodes.len()];
    reached[0] = true;
    for (at, node) in nodes.iter().enumerate() {
        if !reached[at] {
            return Err("has a node that no other one leads to");
        }
        if node.child == LEAF {
            match used.get_mut(node.feature as usize) {
                Some(taken) if !*taken => *taken = true,
                _ => return Err("has a leaf without values of its own"),
            }
            if node.threshold != 0.0 {
                return Err("has a leaf with a threshold");
            }
            continue;
        }
        if node.feature as usize >= columns {
            return Err("compares a feature that there is not");
        }
        let child = node.child as usize;
        match reached.get_mut(child..child.saturating_add(2)) {
            Some(pair) if child > at && pair == [false, false] => pair.fill(true),
            _ => return Err("has a node whose children do not follow it"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{self, Envelope};
    use crate::tree::tests::stairs;

    fn two() -> Trees {
        let mut trees = Trees::new(2, 1);
        trees.push("random-forest", &stairs()).expect("small");
        trees.push("random-forest", &stairs()).expect("small");
        trees.set_importances(vec![1.0, 3.0]);
        trees
    }

    fn read(tensors: &BTreeMap<String, Tensor>, count: usize) -> Result<Trees, ModelError> {
        let bytes = archive::write(&BTreeMap::new(), tensors).expect("written");
        let mut archive = Envelope::read(&bytes)?.open(&bytes)?;
        let trees = Trees::read(&mut archive, count, 2, 1)?;
        archive.finish()?;
        Ok(trees)
    }

    fn tensors() -> BTreeMap<String, Tensor> {
        let mut tensors = BTreeMap::new();
        two().write(&mut tensors);
        tensors
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(read(&tensors(), 2).expect("whole"), two());
    }

    #[test]
    fn nodes_that_make_no_tree_are_refused() {
        // The nodes of a tree: root, its left leaf, the lower split, its two leaves. Leaves were made in the order 4, 1, 3.
        let children = |values: [u32; 10]| ("trees.children", Tensor::u32(&[10], values.into()));
        let features = |values: [u32; 10]| ("trees.features", Tensor::u32(&[10], values.into()));
        let cases: [((&str, Tensor), &str); 14] = [
            (children([0, 0, 3, 0, 0, 1, 0, 3, 0, 0]), "trees.values"),
            (children([1, 0, 2, 0, 0, 1, 0, 3, 0, 0]), "tree 0 has a node whose children"),
            (children([1, 0, 1, 0, 0, 1, 0, 3, 0, 0]), "tree 0 has a node whose children"),
            (children([1, 0, 4, 0, 0, 1, 0, 3, 0, 0]), "tree 0 has a node whose children"),
            (children([1, 0, 3, 0, 0, 1, 0, u32::MAX, 0, 0]), "tree 1 has a node whose children"),
            (children([3, 0, 1, 0, 0, 1, 0, 3, 0, 0]), "tree 0 has a node that no other"),
            (features([0, 1, 2, 2, 0, 0, 4, 1, 5, 3]), "tree 0 compares a feature"),
            (features([0, 1, 1, 1, 0, 0, 4, 1, 5, 3]), "tree 0 has a leaf without"),
            (features([0, 1, 1, 2, 0, 0, 4, 1, 6, 3]), "tree 1 has a leaf without"),
            (("trees.sizes", Tensor::u32(&[2], vec![5, 4])), "add up"),
            (("trees.sizes", Tensor::u32(&[2], vec![10, 0])), "no other one leads to"),
            (("trees.thresholds", Tensor::f32(&[10], vec![0.5; 10])), "leaf with a threshold"),
            (("trees.importances", Tensor::f64(&[2], vec![1.5, -0.5])), "no shares"),
            (("trees.importances", Tensor::f64(&[2], vec![1.5, 0.5])), "no shares"),
        ];
        for ((name, tensor), words) in cases {
            let mut tensors = tensors();
            tensors.insert(name.into(), tensor);
            let message = read(&tensors, 2).expect_err(words).to_string();
            assert!(message.contains(words), "{words}: {message}");
        }
        assert!(read(&tensors(), 3).expect_err("another number").to_string().contains("trees.sizes"));
    }

    #[test]
    fn an_empty_tree_is_refused() {
        let mut tensors = tensors();
        tensors.insert("trees.sizes".into(), Tensor::u32(&[3], vec![5, 5, 0]));
        assert!(read(&tensors, 3).expect_err("no root").to_string().contains("tree 2 has no root"));
    }
}
