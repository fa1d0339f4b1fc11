//! From a list of layers to what the engine runs: shapes checked, memory laid out, work divided.

use std::ops::Range;

use crate::batch::{Form, Geometry, Margin};
use crate::layers::{AttentionPool, BatchNorm, Conv1d, Conv2d, Dense, Dropout, Elu, GlobalAveragePool, Lstm};
use crate::layers::{InPlace, Initial, Map, MaxPool1d, MaxPool2d, ParameterInfo, Relu, Synchronised};
use crate::{LayerSpec, NnError};

/// The most parameters of a network: 1 GiB.
const LARGEST_NETWORK: usize = 1 << 28;

/// The most values that one sample may leave behind on its way through the layers: 128 MiB. A minute of raw audio under
/// 32 filters comes to this.
const LARGEST_SAMPLE: usize = 1 << 25;

const NEEDS_LENGTH: &str = "it needs samples with a length, of shape [length, channels]";
const NEEDS_PICTURES: &str = "it needs pictures, of shape [frames, bands, channels]: give the input three axes";

/// How a batch is divided into shards: by the network alone, so that results do not depend on the number of threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Division {
    /// Multiplications that are worth handing to another thread.
    pub(crate) cost: usize,
    /// Samples in a shard of a flat stage, at least: a product with fewer rows would wait for its weights.
    pub(crate) flat: usize,
    /// Samples in a shard of a recurrent stage, at least. Fewer than in a flat one, although a product of 16 rows is faster
    /// by a tenth than one of 8: a batch makes more shards, and an answer to a single sample does not wait for more.
    pub(crate) recurrent: usize,
}

impl Default for Division {
    fn default() -> Self {
        Self { cost: 1 << 20, flat: 32, recurrent: 8 }
    }
}

/// A layer as the engine runs it.
#[derive(Debug)]
pub(crate) enum Kind {
    Map(Box<dyn Map>),
    InPlace(Box<dyn InPlace>),
}

/// A layer with its place in the network's memory.
#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) kind: Kind,
    /// Position in the list of layers.
    pub(crate) layer: usize,
    /// Where its parameters lie in the network's.
    pub(crate) parameters: Range<usize>,
    /// Where its running statistics lie in the network's.
    pub(crate) statistics: Range<usize>,
    /// The stage's tensor that it reads.
    pub(crate) input: usize,
    /// The stage's tensor that it writes; the same when it works in place.
    pub(crate) output: usize,
}

impl Op {
    pub(crate) fn map(&self) -> Option<&dyn Map> {
        match &self.kind {
            Kind::Map(map) => Some(map.as_ref()),
            Kind::InPlace(_) => None,
        }
    }

    pub(crate) fn synchronised(&self) -> Option<&dyn Synchronised> {
        self.map().and_then(Map::synchronised)
    }
}

/// A tensor of a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) geometry: Geometry,
    pub(crate) margin: Margin,
    pub(crate) gradient_margin: Margin,
}

/// Layers that divide a batch in the same way: those before the samples are flattened, those after, and those from a
/// recurrent layer on.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) ops: Vec<Op>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) flat: bool,
    /// Whether a layer multiplies the samples together step by step.
    pub(crate) recurrent: bool,
    /// Ops whose work on one batch must see all shards first.
    pub(crate) synchronised: Vec<usize>,
}

impl Stage {
    fn new(input: Geometry) -> Self {
        let slot = Slot { geometry: input, margin: Margin::default(), gradient_margin: Margin::default() };
        Self { ops: Vec::new(), slots: vec![slot], flat: input.is_flat(), recurrent: false, synchronised: Vec::new() }
    }

    fn output(&self) -> Geometry {
        self.slots[self.slots.len() - 1].geometry
    }

    /// How many samples a shard has at least, where they are the rows of one matrix.
    pub(crate) fn least_rows(&self, division: Division) -> Option<usize> {
        match (self.flat, self.recurrent) {
            (true, _) => Some(division.flat),
            (false, true) => Some(division.recurrent),
            (false, false) => None,
        }
    }

    /// How many samples make a shard.
    pub(crate) fn samples_per_shard(&self, division: Division) -> usize {
        let cost = self.ops.iter().filter_map(Op::map).fold(1, |sum: usize, map| sum.saturating_add(map.cost()));
        let least = self.ops.iter().filter_map(Op::map).map(Map::least_samples).max().unwrap_or(1);
        division.cost.div_ceil(cost).max(least).max(self.least_rows(division).unwrap_or(1))
    }

    /// Whether the values of a slot must outlast their shard's way through the forward pass, for the backward pass or
    /// for whoever looks at the stage from outside.
    pub(crate) fn keeps_values(&self, slot: usize, training: bool) -> bool {
        let is_read = |(index, op): (usize, &Op)| match &op.kind {
            Kind::Map(map) => map.backward_reads_input() || self.synchronised.contains(&index),
            Kind::InPlace(layer) => layer.backward_reads_data(),
        };
        let mut readers = self.ops.iter().enumerate().filter(|(_, op)| op.input == slot);
        slot + 1 == self.slots.len() || (training && readers.any(is_read))
    }

    /// Whether the gradient of a slot must outlast its shard's way through the backward pass.
    pub(crate) fn keeps_gradient(&self, slot: usize) -> bool {
        let is_written = |(index, op): (usize, &Op)| {
            op.map().is_some_and(|map| map.matrix().is_some()) || self.synchronised.contains(&index)
        };
        let mut writers = self.ops.iter().enumerate().filter(|(_, op)| op.output == slot);
        // The stage before reads the first, the loss writes the last.
        slot == 0 || slot + 1 == self.slots.len() || writers.any(is_written)
    }

    fn push_map(&mut self, map: Box<dyn Map>, layer: usize, offsets: &mut (usize, usize)) {
        let input = self.slots.len() - 1;
        self.slots[input].margin = map.input_margin();
        let gradient_margin = map.gradient_margin();
        self.slots.push(Slot { geometry: map.output(), margin: Margin::default(), gradient_margin });
        let take = |start: &mut usize, infos: Vec<ParameterInfo>| {
            let first = *start;
            *start += infos.iter().map(ParameterInfo::len).sum::<usize>();
            first..*start
        };
        let parameters = take(&mut offsets.0, map.parameters());
        let statistics = take(&mut offsets.1, map.statistics());
        if map.synchronised().is_some() {
            self.synchronised.push(self.ops.len());
        }
        let kind = Kind::Map(map);
        self.ops.push(Op { kind, layer, parameters, statistics, input, output: input + 1 });
    }

    /// Adds a max pooling, and lets the monotone layers just before it work on what it leaves instead.
    fn push_max_pool(&mut self, map: Box<dyn Map>, layer: usize, offsets: &mut (usize, usize)) {
        let is_monotone = |op: &&Op| matches!(&op.kind, Kind::InPlace(layer) if layer.is_monotone());
        let monotone = self.ops.iter().rev().take_while(is_monotone).count();
        let moved = self.ops.split_off(self.ops.len() - monotone);
        self.push_map(map, layer, offsets);
        let slot = self.slots.len() - 1;
        self.ops.extend(moved.into_iter().map(|op| Op { input: slot, output: slot, ..op }));
    }

    fn push_in_place(&mut self, layer: Box<dyn InPlace>, position: usize) {
        let slot = self.slots.len() - 1;
        let kind = Kind::InPlace(layer);
        self.ops.push(Op { kind, layer: position, parameters: 0..0, statistics: 0..0, input: slot, output: slot });
    }
}

/// What the summary says of a layer.
#[derive(Debug, Clone)]
pub(crate) struct PlannedLayer {
    pub(crate) name: String,
    pub(crate) output: Vec<usize>,
    pub(crate) parameters: usize,
}

/// A tensor that a model file keeps.
#[derive(Debug, Clone)]
pub(crate) struct PlannedTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Whether it is trained; otherwise it is a running statistic.
    pub(crate) trainable: bool,
    /// Where it lies among the parameters or the statistics.
    pub(crate) range: Range<usize>,
    pub(crate) initial: Initial,
    pub(crate) layer: usize,
}

/// A network's shape and order of work; shared by everything that runs it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) stages: Vec<Stage>,
    pub(crate) layers: Vec<PlannedLayer>,
    pub(crate) tensors: Vec<PlannedTensor>,
    pub(crate) input: Geometry,
    pub(crate) parameters: usize,
    pub(crate) statistics: usize,
    /// Values that one sample leaves in all tensors.
    pub(crate) sample_len: usize,
    /// The fewest samples of which a batch-norm layer can take a variance.
    pub(crate) smallest_batch: usize,
    pub(crate) division: Division,
}

impl Plan {
    pub(crate) fn new(input_shape: &[usize], specs: &[LayerSpec]) -> Result<Self, NnError> {
        let Some(input) = Geometry::from_shape(input_shape) else {
            return Err(NnError::parameter(
                "input shape",
                format!("{input_shape:?}"),
                "[features], [length, channels] or [frames, bands, channels], each at least 1",
            ));
        };
        if specs.is_empty() {
            return Err(NnError::parameter("layers", "empty", "at least one layer"));
        }
        within_limit(input.checked_len(), LARGEST_SAMPLE, "one input sample", "use fewer features")?;
        let mut plan = Self {
            stages: vec![Stage::new(input)],
            layers: Vec::new(),
            tensors: Vec::new(),
            input,
            parameters: 0,
            statistics: 0,
            sample_len: input.len(),
            smallest_batch: 1,
            division: Division::default(),
        };
        for (position, spec) in specs.iter().enumerate() {
            spec.check()?;
            plan.push(position, spec)?;
        }
        Ok(plan)
    }

    /// The shape of the network's output.
    pub(crate) fn output(&self) -> Geometry {
        self.stages[self.stages.len() - 1].output()
    }

    /// Whether the output is one row of values.
    pub(crate) fn is_output_flat(&self) -> bool {
        self.stages[self.stages.len() - 1].flat
    }

    /// The first op that has something to learn, as (stage, op); no gradient is needed before it.
    pub(crate) fn first_trainable(&self) -> Option<(usize, usize)> {
        self.stages
            .iter()
            .enumerate()
            .find_map(|(index, stage)| stage.ops.iter().position(|op| !op.parameters.is_empty()).map(|op| (index, op)))
    }

    fn push(&mut self, position: usize, spec: &LayerSpec) -> Result<(), NnError> {
        let input = self.output();
        let map = match self.build(position, spec, input)? {
            Some(Kind::Map(map)) => map,
            Some(Kind::InPlace(layer)) => {
                self.last_stage().push_in_place(layer, position);
                self.describe(spec, 0);
                return Ok(());
            }
            None => {
                if !input.is_flat() {
                    self.start_flat_stage(input.len());
                }
                self.describe(spec, 0);
                return Ok(());
            }
        };
        if matches!(spec, LayerSpec::BatchNorm { .. }) && input.positions() == 1 {
            self.smallest_batch = 2;
        }
        if map.is_recurrent() {
            self.start_recurrent_stage(input);
        }
        let (output, margin) = (map.output(), map.input_margin());
        let added = margin
            .before
            .checked_add(margin.after)
            .and_then(|zeros| zeros.checked_mul(input.row_len()))
            .and_then(|zeros| output.checked_len()?.checked_add(zeros)?.checked_add(map.scratch_len()))
            .and_then(|values| values.checked_add(map.memory_len()?));
        let activations = added.and_then(|added| self.sample_len.checked_add(added));
        let remedy = "use fewer filters or units, or shorter kernels";
        self.sample_len = within_limit(activations, LARGEST_SAMPLE, "what one sample leaves in the layers", remedy)?;
        let (first_parameter, first_statistic) = (self.parameters, self.statistics);
        let (trainable, statistics) = (map.parameters(), map.statistics());
        let mut offsets = (self.parameters, self.statistics);
        if matches!(spec, LayerSpec::MaxPool1d { .. } | LayerSpec::MaxPool2d { .. }) {
            self.last_stage().push_max_pool(map, position, &mut offsets);
        } else {
            self.last_stage().push_map(map, position, &mut offsets);
        }
        (self.parameters, self.statistics) = offsets;
        self.describe(spec, self.parameters - first_parameter);
        for (infos, mut start, trainable) in [(trainable, first_parameter, true), (statistics, first_statistic, false)]
        {
            for info in infos {
                let name = format!("{}.{}", self.layers[position].name, info.name);
                let range = start..start + info.len();
                start = range.end;
                let ParameterInfo { shape, initial, .. } = info;
                self.tensors.push(PlannedTensor { name, shape, trainable, range, initial, layer: position });
            }
        }
        // What leaves a layer flat is divided like what `flatten` leaves.
        if output.is_flat() && !input.is_flat() {
            self.start_flat_stage(output.len());
        }
        Ok(())
    }

    /// The layer for a spec that has passed its `check`, if it fits its input; `None` for `flatten`, which only says how
    /// samples are seen from there on.
    fn build(&self, position: usize, spec: &LayerSpec, input: Geometry) -> Result<Option<Kind>, NnError> {
        let refuse = |reason: String| {
            Err(NnError::Layer { position: position + 1, layer: spec.kind(), input: input.shape(), reason })
        };
        let limit = |kernel: &[usize], bias: usize| limit_parameters(self.parameters, kernel, bias);
        let map: Box<dyn Map> = match *spec {
            LayerSpec::Dense { units } => {
                if !input.is_flat() {
                    return refuse(
                        "it needs flat samples: put a `flatten` or a `global-average-pool` before it".to_owned(),
                    );
                }
                limit(&[input.channels, units], units)?;
                Box::new(Dense::new(input.channels, units))
            }
            LayerSpec::Conv1d { filters, kernel, padding, stride } => {
                if input.form != Form::Sequence {
                    return refuse(NEEDS_LENGTH.to_owned());
                }
                limit(&[kernel, input.channels, filters], filters)?;
                match Conv1d::new(input, filters, kernel, padding, stride) {
                    Some(layer) => Box::new(layer),
                    None => {
                        return refuse(format!("a kernel of {kernel} is longer than the sample: use padding `same`"));
                    }
                }
            }
            LayerSpec::Conv2d { filters, kernel, padding, stride } => {
                if input.form != Form::Picture {
                    return refuse(NEEDS_PICTURES.to_owned());
                }
                limit(&[kernel.frames, kernel.bands, input.channels, filters], filters)?;
                match Conv2d::new(input, filters, kernel, padding, stride) {
                    Some(layer) => Box::new(layer),
                    None => {
                        return refuse(format!("a kernel of {kernel} is larger than the sample: use padding `same`"));
                    }
                }
            }
            LayerSpec::BatchNorm { momentum, epsilon } => {
                limit(&[input.channels], input.channels)?;
                Box::new(BatchNorm::new(input, momentum, epsilon))
            }
            LayerSpec::MaxPool1d { size } => {
                if input.form != Form::Sequence {
                    return refuse(NEEDS_LENGTH.to_owned());
                }
                if size > input.rows {
                    return refuse(format!("a window of {size} is longer than the sample"));
                }
                Box::new(MaxPool1d::new(input, size))
            }
            LayerSpec::MaxPool2d { size } => {
                if input.form != Form::Picture {
                    return refuse(NEEDS_PICTURES.to_owned());
                }
                if size.frames > input.rows || size.bands > input.columns {
                    return refuse(format!("a window of {size} is larger than the sample"));
                }
                Box::new(MaxPool2d::new(input, size))
            }
            LayerSpec::GlobalAveragePool => {
                if input.is_flat() {
                    return refuse(
                        "flat samples have no positions to average over: leave out the `flatten`".to_owned(),
                    );
                }
                Box::new(GlobalAveragePool::new(input))
            }
            LayerSpec::Elu { alpha } => return Ok(Some(Kind::InPlace(Box::new(Elu::new(alpha))))),
            LayerSpec::Lstm { units, bidirectional, return_sequences } => {
                if input.is_flat() {
                    return refuse(NEEDS_LENGTH.to_owned());
                }
                let directions = 1 + usize::from(bidirectional);
                let rows = input.row_len().saturating_add(units);
                limit(&[directions, rows, 4, units], units.saturating_mul(4 * directions))?;
                Box::new(Lstm::new(input, units, bidirectional, return_sequences))
            }
            LayerSpec::AttentionPool => {
                if input.is_flat() {
                    return refuse(NEEDS_LENGTH.to_owned());
                }
                limit(&[input.row_len()], 0)?;
                Box::new(AttentionPool::new(input))
            }
            LayerSpec::Relu => return Ok(Some(Kind::InPlace(Box::new(Relu)))),
            LayerSpec::Dropout { rate } => return Ok(Some(Kind::InPlace(Box::new(Dropout::new(rate))))),
            LayerSpec::Flatten => return Ok(None),
        };
        Ok(Some(Kind::Map(map)))
    }

    fn last_stage(&mut self) -> &mut Stage {
        let last = self.stages.len() - 1;
        &mut self.stages[last]
    }

    /// Opens a stage for a recurrent layer, unless the one at hand will do.
    fn start_recurrent_stage(&mut self, input: Geometry) {
        let stage = self.last_stage();
        if !stage.recurrent && !stage.ops.is_empty() {
            self.stages.push(Stage::new(input));
            self.sample_len += input.len();
        }
        self.last_stage().recurrent = true;
    }

    /// Opens the stage of what comes after the samples have become flat.
    fn start_flat_stage(&mut self, features: usize) {
        self.stages.push(Stage::new(Geometry::flat(features)));
        self.sample_len += features;
    }

    /// Adds a layer's line to the summary.
    fn describe(&mut self, spec: &LayerSpec, parameters: usize) {
        let kind = spec.kind();
        let ordinal =
            self.layers.iter().filter(|layer| layer.name.rsplit_once('_').is_some_and(|n| n.0 == kind)).count();
        let layer = PlannedLayer { name: format!("{kind}_{}", ordinal + 1), output: self.output().shape(), parameters };
        self.layers.push(layer);
    }
}

fn limit_parameters(already: usize, kernel: &[usize], bias: usize) -> Result<(), NnError> {
    let kernel = kernel.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let total = kernel.and_then(|kernel| kernel.checked_add(bias)?.checked_add(already));
    let remedy = "use fewer units or filters, or pool before `flatten`";
    within_limit(total, LARGEST_NETWORK, "the network's parameters", remedy).map(|_| ())
}

/// `needed` if it is known and no more than `limit`.
fn within_limit(
    needed: Option<usize>,
    limit: usize,
    what: &'static str,
    remedy: &'static str,
) -> Result<usize, NnError> {
    match needed {
        Some(needed) if needed <= limit => Ok(needed),
        needed => Err(NnError::TooLarge { what, needed: needed.unwrap_or(usize::MAX), limit, remedy }),
    }
}
