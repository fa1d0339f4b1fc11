//! How much of an effect: one number, or a draw.

use std::fmt;
use std::ops::RangeInclusive;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::{AudioError, check_range};

/// The strength of an [`Effect`](crate::Effect), drawn anew for every copy.
///
/// | in a recipe | is |
/// | --- | --- |
/// | `0.05` | this number |
/// | `[0.0, 0.2]` | a number between the two, every one as likely |
/// | `{ any = [0.81, 1.23] }` | one of these, with even odds |
///
/// ```
/// use stimmung_audio::{Amount, Effect};
///
/// let effect: Effect = toml::from_str("effect = 'stretch'\nrate = { any = [0.81, 1.23] }").unwrap();
/// assert_eq!(effect, Effect::Stretch { rate: Amount::Any(vec![0.81, 1.23]) });
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Amount {
    /// Always this number.
    Fixed(f64),
    /// Uniform from `low` to `high`.
    Uniform {
        /// The least number.
        low: f64,
        /// The largest number, not below the least.
        high: f64,
    },
    /// One of these numbers, of which there is at least one. A number that stands twice is twice as likely.
    Any(Vec<f64>),
}

impl From<f64> for Amount {
    fn from(value: f64) -> Self {
        Self::Fixed(value)
    }
}

impl Amount {
    /// Checks that every number it can give is in `range`; `name` is the key in the recipe.
    pub(super) fn check(&self, name: &'static str, range: &RangeInclusive<f64>) -> Result<(), AudioError> {
        match self {
            Self::Fixed(value) => check_range(name, *value, range),
            Self::Uniform { low, high } => {
                check_range(name, *low, range)?;
                check_range(name, *high, range)?;
                if low <= high {
                    return Ok(());
                }
                Err(AudioError::parameter(name, "[low, high] with the lower number first", format!("[{low}, {high}]")))
            }
            Self::Any(values) if values.is_empty() => {
                Err(AudioError::parameter(name, "at least one number to choose from", "{ any = [] }"))
            }
            Self::Any(values) => values.iter().try_for_each(|value| check_range(name, *value, range)),
        }
    }

    /// The least number it can give.
    pub(super) fn least(&self) -> f64 {
        match self {
            Self::Fixed(value) => *value,
            Self::Uniform { low, .. } => *low,
            Self::Any(values) => values.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }

    /// Draws one number; a fixed one takes nothing from the generator. An empty choice gives 0, but never passes `check`.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Fixed(value) => *value,
            Self::Uniform { low, high } => low + (high - low) * unit(rng),
            Self::Any(values) => {
                // Lemire's multiply-shift; its bias for lengths below 2^32 is under 2^-32.
                let index = (u128::from(rng.next_u64()) * values.len() as u128) >> 64;
                values.get(index as usize).copied().unwrap_or(0.0)
            }
        }
    }
}

/// A uniform number in [0, 1).
pub(super) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    // The upper 53 bits fill the significand exactly.
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(value) => serializer.serialize_f64(*value),
            Self::Uniform { low, high } => [low, high].serialize(serializer),
            Self::Any(values) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("any", values)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

/// By hand rather than `#[serde(untagged)]`, which forgets what was wrong with each form.
struct AmountVisitor;

impl<'de> Visitor<'de> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, [low, high] or { any = [number, …] }")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Amount, E> {
        Ok(Amount::Fixed(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Amount, E> {
        Ok(Amount::Fixed(value as f64))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Amount, E> {
        Ok(Amount::Fixed(value as f64))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Amount, A::Error> {
        let mut next = |index| seq.next_element()?.ok_or_else(|| de::Error::invalid_length(index, &"[low, high]"));
        let (low, high) = (next(0)?, next(1)?);
        match seq.next_element::<f64>()? {
            None => Ok(Amount::Uniform { low, high }),
            Some(_) => {
                Err(de::Error::custom("a list is [low, high]; to choose among numbers write { any = [number, …] }"))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Amount, A::Error> {
        let Some(key) = map.next_key::<String>()? else { return Err(de::Error::missing_field("any")) };
        if key != "any" {
            return Err(de::Error::unknown_field(&key, &["any"]));
        }
        let values = map.next_value()?;
        match map.next_key::<String>()? {
            None => Ok(Amount::Any(values)),
            Some(other) => Err(de::Error::unknown_field(&other, &["any"])),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn read(json: &str) -> Result<Amount, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_form_is_read_back_as_it_was_written() {
        let forms = [
            ("0.05", Amount::Fixed(0.05)),
            ("-3", Amount::Fixed(-3.0)),
            ("[0,6200]", Amount::Uniform { low: 0.0, high: 6_200.0 }),
            (r#"{"any":[0.81,1.23]}"#, Amount::Any(vec![0.81, 1.23])),
        ];
        for (json, amount) in forms {
            assert_eq!(read(json).unwrap(), amount);
            assert_eq!(read(&serde_json::to_string(&amount).unwrap()).unwrap(), amount);
        }
    }

    #[test]
    fn what_is_no_amount_says_why() {
        let cases = [
            ("true", "expected a number, [low, high] or { any = [number, …] }"),
            ("\"loud\"", "expected a number, [low, high] or { any = [number, …] }"),
            ("[]", "invalid length 0, expected [low, high]"),
            ("[1]", "invalid length 1, expected [low, high]"),
            ("[1, 2, 3]", "to choose among numbers write { any = [number, …] }"),
            ("[1, \"a\"]", "expected f64"),
            ("{}", "missing field `any`"),
            (r#"{"some": [1]}"#, "unknown field `some`, expected `any`"),
            (r#"{"any": [1], "all": [2]}"#, "unknown field `all`, expected `any`"),
            (r#"{"any": 1}"#, "expected a sequence"),
        ];
        for (json, message) in cases {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(message), "{json}: {error}");
        }
    }

    #[test]
    fn every_number_must_be_in_range() {
        let range = 0.0..=1.0;
        for good in [Amount::Fixed(1.0), Amount::Uniform { low: 0.5, high: 0.5 }, Amount::Any(vec![0.0])] {
            good.check("amount", &range).unwrap();
        }
        let bad = [
            (Amount::Fixed(1.1), "parameter `amount` is 1.1, expected 0 to 1"),
            (Amount::Fixed(f64::NAN), "parameter `amount` is NaN, expected 0 to 1"),
            (Amount::Uniform { low: -1.0, high: 1.0 }, "parameter `amount` is -1, expected 0 to 1"),
            (Amount::Uniform { low: 0.0, high: f64::NAN }, "parameter `amount` is NaN, expected 0 to 1"),
            (
                Amount::Uniform { low: 0.6, high: 0.5 },
                "parameter `amount` is [0.6, 0.5], expected [low, high] with the lower number first",
            ),
            (Amount::Any(vec![]), "parameter `amount` is { any = [] }, expected at least one number to choose from"),
            (Amount::Any(vec![0.5, 2.0]), "parameter `amount` is 2, expected 0 to 1"),
        ];
        for (amount, message) in bad {
            assert_eq!(amount.check("amount", &range).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn draws_fill_their_range_evenly() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let uniform = Amount::Uniform { low: -2.0, high: 6.0 };
        let draws: Vec<f64> = (0..10_000).map(|_| uniform.draw(&mut rng)).collect();
        assert!(draws.iter().all(|draw| (-2.0..6.0).contains(draw)));
        assert!((draws.iter().sum::<f64>() / 1e4 - 2.0).abs() < 0.1);
        let any = Amount::Any(vec![1.0, 2.0, 3.0]);
        let mut counts = [0; 3];
        (0..9_000).for_each(|_| counts[any.draw(&mut rng) as usize - 1] += 1);
        assert!(counts.iter().all(|count| (2_800..3_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_fixed_amount_leaves_the_generator_alone() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(Amount::from(0.3).draw(&mut rng), 0.3);
        assert_eq!(rng.next_u64(), ChaCha8Rng::seed_from_u64(1).next_u64());
    }
}
