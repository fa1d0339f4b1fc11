//! From samples to the values of a composed set.

use super::{BaseSet, OwnGroup, OwnSet, SeenFrames};
use crate::compare::Compare;
use crate::egemaps::Egemaps;
use crate::error::FeatureError;
use crate::frames::Frames;
use crate::functionals::Evaluator;
use crate::functionals::catalogue::Choice;

/// Plans and scratch of a composed set for one sampling rate.
pub(crate) struct OwnWork {
    /// The standard sets that are needed, each of which hears a recording once.
    sources: Vec<Source>,
    plans: Vec<Plan>,
    /// Places of the descriptors: which source, and which of its columns.
    descriptors: Vec<(usize, usize)>,
    evaluator: Evaluator,
    contour: Vec<f32>,
}

/// A standard set that gives its descriptors.
pub(crate) enum Source {
    Egemaps(Box<Egemaps>),
    Compare(Box<Compare>),
}

impl Source {
    pub(crate) fn new(of: BaseSet, sample_rate: u32) -> Result<Self, FeatureError> {
        match of {
            BaseSet::Egemaps => Ok(Self::Egemaps(Box::new(Egemaps::new(sample_rate)?))),
            BaseSet::Compare2016 => Ok(Self::Compare(Box::new(Compare::new(sample_rate)?))),
        }
    }

    pub(crate) fn descriptors(&mut self, samples: &[f32]) -> Result<Frames, FeatureError> {
        match self {
            Self::Egemaps(source) => source.descriptors(samples),
            Self::Compare(source) => source.descriptors(samples),
        }
    }
}

/// What a group says of the table of one source.
struct Plan {
    source: usize,
    columns: Vec<usize>,
    /// The column that is above 0 in the frames that are seen; none where all are.
    voice: Option<usize>,
    choice: Choice,
}

impl Plan {
    fn new(group: &OwnGroup, source: usize) -> Self {
        let fundamental = || group.of.descriptor_names().iter().position(|name| name == group.of.fundamental());
        Self {
            source,
            columns: group.descriptors.clone(),
            voice: if group.frames == SeenFrames::Voiced { fundamental() } else { None },
            choice: Choice::new(&group.functionals),
        }
    }

    fn sees(&self, frame: &[f32]) -> bool {
        self.voice.is_none_or(|voice| frame[voice] > 0.0)
    }
}

impl OwnWork {
    pub(crate) fn new(set: &OwnSet, sample_rate: u32) -> Result<Self, FeatureError> {
        let needed: Vec<BaseSet> =
            BaseSet::ALL.into_iter().filter(|base| set.groups.iter().any(|group| group.of == *base)).collect();
        let source = |of: BaseSet| needed.iter().position(|base| *base == of).unwrap_or(0);
        Ok(Self {
            plans: set.groups.iter().map(|group| Plan::new(group, source(group.of))).collect(),
            descriptors: set.descriptors().into_iter().map(|(of, column)| (source(of), column)).collect(),
            sources: needed.iter().map(|of| Source::new(*of, sample_rate)).collect::<Result<_, _>>()?,
            evaluator: Evaluator::default(),
            contour: Vec::new(),
        })
    }

    pub(crate) fn functionals(&mut self, samples: &[f32]) -> Result<Vec<f32>, FeatureError> {
        let tables = self.tables(samples)?;
        let Self { plans, evaluator, contour, .. } = self;
        let mut values = Vec::new();
        for plan in plans {
            let frames: Vec<&[f32]> = tables[plan.source].iter().filter(|frame| plan.sees(frame)).collect();
            for column in &plan.columns {
                contour.clear();
                contour.extend(frames.iter().map(|frame| frame[*column]));
                plan.choice.add(evaluator, contour, &mut values);
            }
        }
        Ok(values)
    }

    pub(crate) fn descriptors(&mut self, samples: &[f32]) -> Result<Frames, FeatureError> {
        let tables = self.tables(samples)?;
        // They are as long as each other; the tests see to it.
        let frames = tables.iter().map(Frames::frames).min().unwrap_or(0);
        let mut rows = Vec::with_capacity(frames * self.descriptors.len());
        for frame in 0..frames {
            rows.extend(self.descriptors.iter().map(|(source, column)| tables[*source].frame(frame)[*column]));
        }
        Frames::from_rows(rows, self.descriptors.len())
    }

    fn tables(&mut self, samples: &[f32]) -> Result<Vec<Frames>, FeatureError> {
        self.sources.iter_mut().map(|source| source.descriptors(samples)).collect()
    }
}
