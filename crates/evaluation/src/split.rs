//! The work behind the protocols: dealing recordings out to folds.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{EvaluationError, Item};

/// One division of the recordings: train on one part, test on the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// What is tested: the speaker, the speakers joined by `+`, `fold 1`, `hold-out` or `fixed`.
    pub name: String,
    /// The recordings to train on, as indices into the items, ascending.
    pub train: Vec<usize>,
    /// The recordings to test on, as indices into the items, ascending.
    pub test: Vec<usize>,
}

impl Fold {
    /// The fold that tests the recordings marked and trains on all others.
    fn testing(name: String, tested: &[bool]) -> Self {
        let (test, train) = (0..tested.len()).partition(|&item| tested[item]);
        Self { name, train, test }
    }
}

/// A number of speakers up to which a group is named after them.
const NAMED_SPEAKERS: usize = 4;

/// Tests each speaker, or each of `groups` groups of speakers, once.
pub(crate) fn by_speakers(
    items: usize,
    speakers: &BTreeMap<&str, Vec<usize>>,
    groups: Option<usize>,
) -> Result<Vec<Fold>, EvaluationError> {
    let needed = groups.unwrap_or(2);
    if speakers.len() < needed {
        return Err(EvaluationError::TooFewSpeakers { found: speakers.len(), needed });
    }
    let groups: Vec<Vec<&str>> = match groups {
        None => speakers.keys().map(|&speaker| vec![speaker]).collect(),
        Some(groups) => balanced(speakers, groups),
    };
    let folds = groups.iter().enumerate().map(|(number, group)| {
        let mut tested = vec![false; items];
        for speaker in group {
            for &item in &speakers[speaker] {
                tested[item] = true;
            }
        }
        let name = if group.len() <= NAMED_SPEAKERS { group.join("+") } else { format!("group {}", number + 1) };
        Fold::testing(name, &tested)
    });
    Ok(folds.collect())
}

/// Deals speakers out, the one with the most recordings first, each to the group with the fewest recordings so far.
///
/// The longest-processing-time rule: the largest group exceeds the best possible by at most a third (R. L. Graham,
/// Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17, 1969). Ties go to the first name and the first
/// group.
fn balanced<'a>(speakers: &BTreeMap<&'a str, Vec<usize>>, groups: usize) -> Vec<Vec<&'a str>> {
    let mut by_size: Vec<(&str, usize)> = speakers.iter().map(|(&name, items)| (name, items.len())).collect();
    by_size.sort_by_key(|&(name, size)| (std::cmp::Reverse(size), name));
    let mut filled: Vec<(usize, Vec<&str>)> = vec![(0, Vec::new()); groups];
    for (name, size) in by_size {
        // `min_by_key` gives the first of equals.
        if let Some(lightest) = filled.iter_mut().min_by_key(|group| group.0) {
            lightest.0 += size;
            lightest.1.push(name);
        }
    }
    filled
        .into_iter()
        .map(|(_, mut group)| {
            group.sort_unstable();
            group
        })
        .collect()
}

/// Stratified k-fold: each class is shuffled, then dealt out like cards, going on where the class before ended, so
/// that the folds' sizes differ by at most one within each class and altogether.
pub(crate) fn stratified(
    items: usize,
    members: Vec<Vec<usize>>,
    folds: usize,
    seed: u64,
) -> Result<Vec<Fold>, EvaluationError> {
    if items < folds {
        return Err(EvaluationError::TooFewRecordings { found: items, needed: folds });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut fold_of = vec![0; items];
    let mut next = 0;
    for mut members in members {
        members.shuffle(&mut rng);
        for item in members {
            fold_of[item] = next;
            next = (next + 1) % folds;
        }
    }
    let fold = |fold: usize| {
        let tested: Vec<bool> = fold_of.iter().map(|&of| of == fold).collect();
        Fold::testing(format!("fold {}", fold + 1), &tested)
    };
    Ok((0..folds).map(fold).collect())
}

/// Stratified hold-out: a share of each class, drawn at random, is tested.
///
/// The classes' shares are rounded down, and what is missing to the rounded total goes to the largest remainders
/// (ties to the first class). Then each class with two recordings or more gets at least one on either side.
pub(crate) fn holdout(items: usize, members: Vec<Vec<usize>>, share: f64, seed: u64) -> Vec<Fold> {
    let exact = |class: &Vec<usize>| class.len() as f64 * share;
    let mut sizes: Vec<usize> = members.iter().map(|class| exact(class).floor() as usize).collect();
    let total = (items as f64 * share).round() as usize;
    let mut by_remainder: Vec<usize> = (0..members.len()).collect();
    by_remainder.sort_by(|&a, &b| exact(&members[b]).fract().total_cmp(&exact(&members[a]).fract()));
    for &class in by_remainder.iter().take(total.saturating_sub(sizes.iter().sum())) {
        sizes[class] += 1;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut tested = vec![false; items];
    for (mut members, size) in members.into_iter().zip(sizes) {
        members.shuffle(&mut rng);
        let size = if members.len() < 2 { 0 } else { size.clamp(1, members.len() - 1) };
        for &item in &members[..size] {
            tested[item] = true;
        }
    }
    vec![Fold::testing("hold-out".to_owned(), &tested)]
}

/// The recordings of the named speakers, as marks.
pub(crate) fn select_speakers(
    items: &[Item],
    list: &'static str,
    names: &[String],
) -> Result<Vec<bool>, EvaluationError> {
    let speakers = crate::item::speakers(items);
    if let Some(unknown) = names.iter().find(|name| !speakers.contains(name.as_str())) {
        let known = speakers.iter().map(|&name| name.to_owned()).collect();
        return Err(EvaluationError::NotInCorpus { list, name: unknown.clone(), known });
    }
    let wanted = |item: &Item| item.known_speaker().is_some_and(|speaker| names.iter().any(|name| name == speaker));
    Ok(items.iter().map(wanted).collect())
}

/// The named files, and all files of the named folders, as marks.
pub(crate) fn select_files(items: &[Item], list: &'static str, names: &[String]) -> Result<Vec<bool>, EvaluationError> {
    let mut by_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        by_id.entry(&item.id).or_default().push(index);
    }
    let mut selected = vec![false; items.len()];
    for name in names {
        let mut found = false;
        let folder = name.ends_with('/');
        let matching = by_id
            .range(name.as_str()..)
            .take_while(|(id, _)| if folder { id.starts_with(name.as_str()) } else { **id == name.as_str() });
        for &index in matching.flat_map(|(_, indices)| indices) {
            selected[index] = true;
            found = true;
        }
        if !found {
            let known = by_id.keys().map(|&id| id.to_owned()).collect();
            return Err(EvaluationError::NotInCorpus { list, name: name.clone(), known });
        }
    }
    Ok(selected)
}

/// The one fold of the fixed protocol; a recording in neither part is left out.
pub(crate) fn fixed(items: &[Item], train: &[bool], test: &[bool]) -> Result<Vec<Fold>, EvaluationError> {
    let name = "fixed".to_owned();
    let marked = |marks: &[bool]| -> Vec<usize> { (0..items.len()).filter(|&item| marks[item]).collect() };
    let fold = Fold { name, train: marked(train), test: marked(test) };
    if let Some(&both) = fold.train.iter().find(|&&item| test[item]) {
        return Err(EvaluationError::BothSides { recording: items[both].id.clone() });
    }
    for (part, list) in [("training", &fold.train), ("test", &fold.test)] {
        if list.is_empty() {
            return Err(EvaluationError::EmptyPart { part, fold: fold.name });
        }
    }
    Ok(vec![fold])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(sizes: &[(&'static str, usize)]) -> BTreeMap<&'static str, Vec<usize>> {
        let mut next = 0;
        sizes
            .iter()
            .map(|&(name, size)| {
                next += size;
                (name, (next - size..next).collect())
            })
            .collect()
    }

    #[test]
    fn groups_are_balanced_by_recordings_and_not_by_speakers() {
        let speakers = sized(&[("a", 10), ("b", 1), ("c", 4), ("d", 4), ("e", 1)]);
        assert_eq!(balanced(&speakers, 2), [vec!["a"], vec!["b", "c", "d", "e"]]);
        // The actors of Emo-DB, with their numbers of recordings.
        let emodb = sized(&[
            ("03", 49),
            ("08", 58),
            ("09", 43),
            ("10", 38),
            ("11", 55),
            ("12", 35),
            ("13", 61),
            ("14", 69),
            ("15", 56),
            ("16", 71),
        ]);
        let groups = balanced(&emodb, 5);
        assert_eq!(groups, [["12", "16"], ["10", "14"], ["09", "13"], ["03", "08"], ["11", "15"]]);
    }

    #[test]
    fn groups_are_named_after_few_speakers() {
        let names: Vec<String> = (0..10).map(|i| format!("s{i}")).collect();
        let speakers: BTreeMap<&str, Vec<usize>> =
            names.iter().enumerate().map(|(i, s)| (s.as_str(), vec![i])).collect();
        let folds = by_speakers(10, &speakers, Some(2)).unwrap();
        assert_eq!([&folds[0].name, &folds[1].name], ["group 1", "group 2"]);
        let folds = by_speakers(10, &speakers, Some(5)).unwrap();
        assert_eq!(folds[0].name, "s0+s5");
    }

    /// Receipts of runs hold only as long as a seed means the same split: a change here breaks every published one.
    #[test]
    fn a_seed_means_the_same_split_for_good() {
        let members = vec![(0..6).collect(), (6..10).collect()];
        let folds = stratified(10, members.clone(), 3, 1).unwrap();
        let tests: Vec<&[usize]> = folds.iter().map(|fold| &fold.test[..]).collect();
        assert_eq!(tests, [&[2, 3, 7, 9][..], &[0, 4, 8], &[1, 5, 6]]);
        assert_eq!(holdout(10, members, 0.3, 1)[0].test, [3, 4, 7]);
    }

    #[test]
    fn a_holdout_keeps_the_share_of_each_class() {
        let classes = |sizes: &[usize]| {
            let mut next = 0;
            let members = sizes.iter().map(|size| {
                next += size;
                (next - size..next).collect()
            });
            members.collect::<Vec<Vec<usize>>>()
        };
        let tested = |sizes: &[usize], share: f64| -> Vec<usize> {
            let members = classes(sizes);
            let fold = &holdout(sizes.iter().sum(), members.clone(), share, 7)[0];
            members.iter().map(|class| class.iter().filter(|item| fold.test.contains(item)).count()).collect()
        };
        assert_eq!(tested(&[100, 50, 10], 0.2), [20, 10, 2]);
        // 3.5 + 1.75 + 1.75 = 7: the larger remainders get what rounding down left over.
        assert_eq!(tested(&[14, 7, 7], 0.25), [3, 2, 2]);
        assert_eq!(tested(&[100, 2], 0.01), [1, 1]);
        assert_eq!(tested(&[100, 2], 0.99), [99, 1]);
        assert_eq!(tested(&[2, 2], 1e-9), [1, 1]);
    }
}
