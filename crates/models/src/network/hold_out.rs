//! The part of the training data that early stopping watches.

use std::collections::BTreeMap;

use crate::ModelError;
use crate::numeric::counts;
use crate::random::{draw, stream};
use crate::training_set::Task;

/// The stream of random numbers that chooses; the trees of a model count theirs from 0.
const STREAM: u64 = u64::MAX;

/// Positions in the lists of a task, ascending.
#[derive(Debug, PartialEq)]
pub(crate) struct Parts {
    /// What is learned from; every class is among it.
    pub(crate) kept: Vec<usize>,
    /// What is not.
    pub(crate) held: Vec<usize>,
}

impl Parts {
    /// Everything is learned from.
    pub(crate) fn whole(task: &Task<'_>) -> Self {
        Self { kept: (0..task.rows.len()).collect(), held: Vec::new() }
    }

    /// Holds out this share of the speakers, or of each class's rows where no speakers are known.
    pub(crate) fn split(kind: &'static str, task: &Task<'_>, share: f64, seed: u64) -> Result<Self, ModelError> {
        let held = match task.groups {
            Some(groups) => hold_groups(task, groups, share, seed),
            None => hold_rows(task, share, seed),
        };
        if !held.contains(&true) {
            let reason = "early stopping finds nothing to hold out without losing a class: leave it out, or bring more \
                          speakers or recordings";
            return Err(ModelError::Unsuitable { kind, reason: reason.to_owned() });
        }
        let (held, kept) = (0..held.len()).partition(|&at| held[at]);
        Ok(Self { kept, held })
    }
}

/// How many of `n` are wanted, at least one.
fn wanted(n: usize, share: f64) -> usize {
    ((share * n as f64).round() as usize).max(1)
}

fn hold_groups(task: &Task<'_>, groups: &[usize], share: f64, seed: u64) -> Vec<bool> {
    let mut members = BTreeMap::<usize, Vec<usize>>::new();
    for (at, &group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(at);
    }
    let mut drawn: Vec<Vec<usize>> = members.into_values().collect();
    let (all, wanted) = (drawn.len(), wanted(drawn.len(), share));
    draw(&mut stream(seed, STREAM), &mut drawn, all);
    let mut left = counts(task.labels, task.classes);
    let (mut held, mut taken) = (vec![false; groups.len()], 0);
    for members in drawn {
        let labels: Vec<usize> = members.iter().map(|&at| task.labels[at]).collect();
        let lost = counts(&labels, task.classes);
        if taken == wanted || left.iter().zip(&lost).any(|(left, lost)| left == lost) {
            continue;
        }
        for (left, lost) in left.iter_mut().zip(&lost) {
            *left -= lost;
        }
        for at in members {
            held[at] = true;
        }
        taken += 1;
    }
    held
}

fn hold_rows(task: &Task<'_>, share: f64, seed: u64) -> Vec<bool> {
    let mut random = stream(seed, STREAM);
    let mut held = vec![false; task.labels.len()];
    for class in 0..task.classes {
        let mut members: Vec<usize> = (0..held.len()).filter(|&at| task.labels[at] == class).collect();
        let count = wanted(members.len(), share).min(members.len().saturating_sub(1));
        draw(&mut random, &mut members, count);
        for &at in &members[..count] {
            held[at] = true;
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use stimmung_features::Shape;

    use super::*;
    use crate::Matrix;
    use crate::scaler::{Scaler, Scaling};

    fn split(labels: &[usize], groups: Option<&[usize]>, share: f64, seed: u64) -> Result<Parts, ModelError> {
        let features = Matrix::new(labels.len(), 1, vec![0.0; labels.len()]).expect("matrix");
        let rows: Vec<usize> = (0..labels.len()).collect();
        let shape = Shape::Vector(1);
        let scaler = Scaler::fit(Scaling::Standard, &features, &rows, shape);
        let classes = labels.iter().max().map_or(0, |&top| top + 1);
        let task =
            Task { features: &features, shape, scaler: &scaler, rows: &rows, labels, classes, groups, watched: None };
        Parts::split("network", &task, share, seed)
    }

    #[test]
    fn whole_groups_are_held_out() {
        let labels: Vec<usize> = (0..60).map(|at| at % 3).collect();
        let groups: Vec<usize> = (0..60).map(|at| 7 * (at / 6)).collect();
        let mut choices = Vec::new();
        for seed in 0..20 {
            let parts = split(&labels, Some(&groups), 0.3, seed).expect("parts");
            assert_eq!((parts.kept.len(), parts.held.len()), (42, 18));
            let of = |list: &[usize]| {
                let mut groups: Vec<usize> = list.iter().map(|&at| groups[at]).collect();
                groups.dedup();
                groups
            };
            assert!(of(&parts.held).iter().all(|group| !of(&parts.kept).contains(group)));
            assert_eq!(parts, split(&labels, Some(&groups), 0.3, seed).expect("parts"));
            choices.push(of(&parts.held));
        }
        choices.sort();
        choices.dedup();
        assert!(choices.len() > 10, "the seed chooses: {choices:?}");
    }

    #[test]
    fn a_class_is_never_lost() {
        // Only the first speaker has the last class.
        let labels = [0, 1, 2, 0, 1, 0, 1, 0, 1];
        let groups = [0, 0, 0, 1, 1, 2, 2, 3, 3];
        for seed in 0..20 {
            let parts = split(&labels, Some(&groups), 0.9, seed).expect("parts");
            assert_eq!(parts.kept[..3], [0, 1, 2]);
            assert!(!parts.held.is_empty());
        }
        let alone = split(&labels, Some(&[4; 9]), 0.2, 1).expect_err("one speaker").to_string();
        assert!(alone.contains("without losing a class"), "{alone}");
    }

    #[test]
    fn without_groups_every_class_gives_its_share() {
        let labels: Vec<usize> = (0..50).map(|at| usize::from(at % 5 == 0)).collect();
        let parts = split(&labels, None, 0.2, 3).expect("parts");
        let of = |class| parts.held.iter().filter(|&&at| labels[at] == class).count();
        assert_eq!((of(0), of(1)), (8, 2));
        assert!(parts.held.is_sorted() && parts.kept.is_sorted());
        assert_eq!(parts.held.len() + parts.kept.len(), 50);
        // A class of one row keeps it, and where all have one, nothing can be held out.
        assert_eq!(split(&[0, 0, 0, 1], None, 0.5, 1).expect("parts").kept.len(), 2);
        assert!(split(&[0, 1], None, 0.5, 1).is_err());
    }
}
