//! Sizes in the plane of a picture.

use serde::{Deserialize, Serialize};

/// A size in both directions of a picture. In a recipe, `[frames, bands]`, or one number for both:
///
/// ```
/// # use stimmung_nn::Extent;
/// # #[derive(serde::Deserialize)] struct Layer { kernel: Extent, size: Extent }
/// let layer: Layer = toml::from_str("kernel = 3\nsize = [2, 4]")?;
/// assert_eq!(layer.kernel, Extent { frames: 3, bands: 3 });
/// assert_eq!(layer.size, Extent { frames: 2, bands: 4 });
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Extent {
    /// Along the first axis, for spectrograms the time.
    pub frames: usize,
    /// Along the second axis, for spectrograms the frequency.
    pub bands: usize,
}

impl Extent {
    /// The same size in both directions.
    pub const fn square(side: usize) -> Self {
        Self { frames: side, bands: side }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.frames == 0 || self.bands == 0
    }
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {}", self.frames, self.bands)
    }
}

/// The two ways to write an extent.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a whole number or two of them, [frames, bands]")]
enum Written {
    Square(usize),
    Sides([usize; 2]),
}

impl From<Written> for Extent {
    fn from(written: Written) -> Self {
        match written {
            Written::Square(side) => Self::square(side),
            Written::Sides([frames, bands]) => Self { frames, bands },
        }
    }
}

impl From<Extent> for Written {
    fn from(Extent { frames, bands }: Extent) -> Self {
        if frames == bands { Self::Square(frames) } else { Self::Sides([frames, bands]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (extent, text) in [(Extent::square(3), "3"), (Extent { frames: 2, bands: 5 }, "[2,5]")] {
            assert_eq!(serde_json::to_string(&extent).unwrap(), text);
            assert_eq!(serde_json::from_str::<Extent>(text).unwrap(), extent);
        }
        assert_eq!(serde_json::from_str::<Extent>("[4,4]").unwrap(), Extent::square(4));
    }

    #[test]
    fn anything_else_is_an_error_that_says_so() {
        for text in ["-1", "2.5", "[3]", "[1,2,3]", "\"3\"", "{\"frames\": 1}"] {
            let error = serde_json::from_str::<Extent>(text).unwrap_err().to_string();
            assert!(error.contains("[frames, bands]"), "{text}: {error}");
        }
    }
}
