//! What may be chosen: the section `[select]` of a recipe.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use stimmung_evaluation::Metric;

/// The most settings that are tried.
const MOST_TRIALS: usize = 100_000;

/// A value for every key of the space.
pub(super) type Setting = Vec<(String, toml::Value)>;

/// The section `[select]` of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectSection {
    /// The figure that decides: `uar` (the default), `war` or `macro_f1`.
    #[serde(default = "default_metric")]
    pub metric: Metric,
    /// Inner folds, at least 2: groups of training speakers, or random parts where one of them is unknown or there is only one. Default 5;
    /// never more than there are speakers, or recordings.
    #[serde(default = "default_folds")]
    pub folds: usize,
    /// How many settings are drawn at random from the space. Absent: the whole grid is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// The keys of the recipe to choose, such as `"model.c"`, with what they may be.
    pub space: BTreeMap<String, Choice>,
}

/// What a key may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a list of values, or a range such as { low = 0.1, high = 10.0, log = true }")]
pub enum Choice {
    /// One of these values; whole sections are values too.
    Values(Vec<toml::Value>),
    /// A number between two; only where settings are drawn at random.
    Range(Range),
}

/// A range of numbers to draw from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Whether the logarithm is drawn evenly, not the number. Default no.
    #[serde(default)]
    pub log: bool,
    /// Whether only whole numbers are drawn, both ends included. Default no.
    #[serde(default)]
    pub whole: bool,
}

fn default_metric() -> Metric {
    Metric::Uar
}

fn default_folds() -> usize {
    5
}

impl SelectSection {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.folds < 2 {
            return Err(format!("[select] folds = {}: at least 2 are needed", self.folds));
        }
        if self.space.is_empty() {
            return Err("[select.space] names no key to choose, such as \"model.c\" = [0.1, 1.0]".into());
        }
        if self.trials.is_some_and(|trials| !(1..=MOST_TRIALS).contains(&trials)) {
            return Err(format!("[select] trials: from 1 to {MOST_TRIALS}"));
        }
        for (key, choice) in &self.space {
            let forbidden = ["select", "reference", "protocol", "adaptation", "corpus", "name", "seed"];
            if forbidden.contains(&key.split('.').next().unwrap_or_default()) {
                return Err(format!("[select.space] {key}: it decides what is compared, so it cannot be chosen"));
            }
            match choice {
                Choice::Values(values) if values.is_empty() => {
                    return Err(format!("[select.space] {key}: an empty list leaves nothing to choose"));
                }
                Choice::Range(_) if self.trials.is_none() => {
                    return Err(format!("[select.space] {key}: a range has no grid; give `trials` to draw from it"));
                }
                Choice::Range(range) => range.check().map_err(|message| format!("[select.space] {key}: {message}"))?,
                Choice::Values(_) => {}
            }
        }
        if self.trials.is_none() && self.grid_size().is_none_or(|size| size > MOST_TRIALS) {
            return Err(format!("[select.space] the grid has more than {MOST_TRIALS} settings; give `trials`"));
        }
        Ok(())
    }

    fn grid_size(&self) -> Option<usize> {
        self.space.values().try_fold(1_usize, |product, choice| match choice {
            Choice::Values(values) => product.checked_mul(values.len()),
            Choice::Range(_) => None,
        })
    }

    /// The settings to try, without repetitions.
    pub(super) fn settings(&self, seed: u64) -> Vec<Setting> {
        let Some(trials) = self.trials else { return self.grid() };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut settings, mut known) = (Vec::new(), BTreeSet::new());
        // Small spaces run out of new settings; then fewer are tried.
        for _ in 0..trials.saturating_mul(20) {
            let drawn: Setting = self.space.iter().map(|(key, it)| (key.clone(), it.draw(&mut rng))).collect();
            let values: Vec<String> = drawn.iter().map(|(_, value)| value.to_string()).collect();
            if known.insert(values) {
                settings.push(drawn);
            }
            if settings.len() == trials {
                break;
            }
        }
        settings
    }

    /// All settings, the last key changing fastest.
    fn grid(&self) -> Vec<Setting> {
        self.space.iter().fold(vec![Vec::new()], |settings, (key, choice)| {
            let Choice::Values(values) = choice else { return settings };
            let with = |setting: &Setting, value: &toml::Value| {
                let mut setting = setting.clone();
                setting.push((key.clone(), value.clone()));
                setting
            };
            settings.iter().flat_map(|setting| values.iter().map(move |value| with(setting, value))).collect()
        })
    }
}

impl Range {
    fn check(&self) -> Result<(), String> {
        let Self { low, high, log, whole } = *self;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(format!("{low} to {high} is no range"));
        }
        if whole && low.ceil() > high.floor() {
            return Err(format!("no whole number lies between {low} and {high}"));
        }
        if log && low <= 0.0 {
            return Err(format!("the logarithm of {low} cannot be drawn; begin above 0"));
        }
        Ok(())
    }
}

impl Choice {
    fn draw(&self, rng: &mut ChaCha8Rng) -> toml::Value {
        // 53 bits: as many as the fraction of an f64 has.
        let share = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        match self {
            Self::Values(values) => values[((share * values.len() as f64) as usize).min(values.len() - 1)].clone(),
            Self::Range(Range { low, high, log, whole }) => {
                // A whole number stands for all up to the next, so that the ends are drawn as often as the others.
                let (first, last) = if *whole { (low.ceil(), high.floor()) } else { (*low, *high) };
                let end = if *whole { last + 1.0 } else { last };
                let between = |low: f64, high: f64| low + share * (high - low);
                let number = if *log { between(first.ln(), end.ln()).exp() } else { between(first, end) };
                if *whole {
                    toml::Value::Integer(number.floor().clamp(first, last) as i64)
                } else {
                    toml::Value::Float(number)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> SelectSection {
        let section: SelectSection = toml::from_str(text).unwrap();
        section.check().unwrap();
        section
    }

    fn words(settings: &[Setting]) -> Vec<String> {
        let line = |setting: &Setting| setting.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ");
        settings.iter().map(line).collect()
    }

    #[test]
    fn a_grid_is_every_setting_with_the_last_key_fastest() {
        let grid = section("[space]\nb = [1, 2]\na = [\"x\", \"y\", \"z\"]").settings(1);
        assert_eq!(grid[0].iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(words(&grid), ["\"x\" 1", "\"x\" 2", "\"y\" 1", "\"y\" 2", "\"z\" 1", "\"z\" 2"]);
    }

    #[test]
    fn drawn_settings_depend_on_the_seed_and_do_not_repeat() {
        let space = section(
            "trials = 50\n[space]\nc = { low = 0.01, high = 100, log = true }\nn = { low = 1, high = 9, whole = true }\n\
             kind = [\"a\", \"b\"]\nshare = { low = -1, high = 1 }",
        );
        let drawn = space.settings(7);
        assert_eq!(drawn, space.settings(7));
        assert_ne!(drawn, space.settings(8));
        let mut distinct = words(&drawn);
        distinct.sort();
        distinct.dedup();
        assert_eq!((drawn.len(), distinct.len()), (50, 50));
        let number = |key: usize| drawn.iter().map(move |setting| setting[key].1.as_float().unwrap());
        assert!(number(0).all(|c| (0.01..=100.0).contains(&c)));
        let below_one = number(0).filter(|&c| c < 1.0).count();
        assert!((15..=35).contains(&below_one), "the logarithm is even: {below_one}");
        assert!(drawn.iter().all(|setting| (1..=9).contains(&setting[2].1.as_integer().unwrap())));
        assert!(number(3).all(|share| (-1.0..=1.0).contains(&share)) && number(3).any(|share| share < 0.0));
        assert!(["a", "b"].iter().all(|kind| drawn.iter().any(|setting| setting[1].1.as_str() == Some(kind))));
    }

    #[test]
    fn whole_numbers_are_drawn_evenly_ends_included() {
        let range = |text: &str| toml::from_str::<Range>(text).unwrap();
        let draws = |range: Range| {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut counts = BTreeMap::<i64, usize>::new();
            for _ in 0..3000 {
                *counts.entry(Choice::Range(range).draw(&mut rng).as_integer().unwrap()).or_default() += 1;
            }
            counts
        };
        let even = draws(range("low = 0.5\nhigh = 3.9\nwhole = true"));
        assert_eq!(even.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(even.values().all(|count| (900..1100).contains(count)), "{even:?}");
        let log = draws(range("low = 1\nhigh = 3\nlog = true\nwhole = true"));
        assert_eq!(log.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(log[&1] > log[&2] && log[&2] > log[&3], "{log:?}");
        let message = range("low = 1.2\nhigh = 1.8\nwhole = true").check().unwrap_err();
        assert!(message.contains("no whole number"), "{message}");
    }

    #[test]
    fn a_small_space_is_tried_whole_and_no_more() {
        let mut drawn = words(&section("trials = 100\n[space]\na = [1, 2, 3]").settings(1));
        drawn.sort();
        assert_eq!(drawn, ["1", "2", "3"]);
    }
}
