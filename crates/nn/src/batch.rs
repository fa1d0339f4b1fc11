//! The buffers of a batch: tensors, and what a layer remembers from forward to backward.

/// How many axes a sample has, as the layers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `[features]`
    Flat,
    /// `[length, channels]`
    Sequence,
    /// `[frames, bands, channels]`
    Picture,
}

/// What a sample looks like inside the network: rows of `columns` positions of `channels` adjacent values. A sequence is
/// one column wide, a flat sample one row of one column.
///
/// Samples of every form lie in memory as one run of values, so a picture of `[frames, bands, channels]` is at the same
/// time a sequence of `[frames, bands · channels]` and a flat vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) form: Form,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) channels: usize,
}

impl Geometry {
    pub(crate) fn flat(features: usize) -> Self {
        Self { form: Form::Flat, rows: 1, columns: 1, channels: features }
    }

    pub(crate) fn sequence(length: usize, channels: usize) -> Self {
        Self { form: Form::Sequence, rows: length, columns: 1, channels }
    }

    pub(crate) fn picture(frames: usize, bands: usize, channels: usize) -> Self {
        Self { form: Form::Picture, rows: frames, columns: bands, channels }
    }

    /// From the shape as the user writes it; `None` if it has no or too many axes, or if one of them is empty.
    pub(crate) fn from_shape(shape: &[usize]) -> Option<Self> {
        let geometry = match *shape {
            [features] => Self::flat(features),
            [length, channels] => Self::sequence(length, channels),
            [frames, bands, channels] => Self::picture(frames, bands, channels),
            _ => return None,
        };
        (!shape.contains(&0)).then_some(geometry)
    }

    /// The shape as the user writes it.
    pub(crate) fn shape(self) -> Vec<usize> {
        match self.form {
            Form::Flat => vec![self.channels],
            Form::Sequence => vec![self.rows, self.channels],
            Form::Picture => vec![self.rows, self.columns, self.channels],
        }
    }

    pub(crate) fn is_flat(self) -> bool {
        self.form == Form::Flat
    }

    /// How many positions each channel has.
    pub(crate) fn positions(self) -> usize {
        self.rows * self.columns
    }

    /// How many values a row has.
    pub(crate) fn row_len(self) -> usize {
        self.columns * self.channels
    }

    pub(crate) fn len(self) -> usize {
        self.rows * self.row_len()
    }

    /// [`len`](Self::len), unless it overflows.
    pub(crate) fn checked_len(self) -> Option<usize> {
        self.rows.checked_mul(self.columns)?.checked_mul(self.channels)
    }
}

/// Rows of zeros before and after each sample, so that a convolution over the length can look past its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Margin {
    pub(crate) before: usize,
    pub(crate) after: usize,
}

/// A few samples of one geometry, each between its margins. The margins are zero from the start, and nothing writes
/// to them.
#[derive(Debug, Clone)]
pub(crate) struct Tensor {
    data: Vec<f32>,
    geometry: Geometry,
    margin: Margin,
}

impl Tensor {
    pub(crate) fn new(samples: usize, geometry: Geometry, margin: Margin) -> Self {
        Self { data: vec![0.0; samples * padded_len(geometry, margin)], geometry, margin }
    }

    /// A tensor for which there is no need.
    pub(crate) fn none() -> Self {
        Self { data: Vec::new(), geometry: Geometry::flat(0), margin: Margin::default() }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.data.is_empty()
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Sample `index` without its margins.
    pub(crate) fn sample(&self, index: usize) -> &[f32] {
        let start = index * padded_len(self.geometry, self.margin) + self.margin.before * self.geometry.row_len();
        &self.data[start..start + self.geometry.len()]
    }

    /// Sample `index` without its margins, to write.
    pub(crate) fn sample_mut(&mut self, index: usize) -> &mut [f32] {
        let start = index * padded_len(self.geometry, self.margin) + self.margin.before * self.geometry.row_len();
        &mut self.data[start..start + self.geometry.len()]
    }

    /// Sample `index` with its margins.
    pub(crate) fn padded(&self, index: usize) -> &[f32] {
        let len = padded_len(self.geometry, self.margin);
        &self.data[index * len..(index + 1) * len]
    }

    /// The first `samples` samples as one matrix of flat rows. Only for tensors without margins.
    pub(crate) fn rows(&self, samples: usize) -> &[f32] {
        assert_eq!(self.margin, Margin::default(), "samples between margins are not adjacent");
        &self.data[..samples * self.geometry.len()]
    }

    /// [`rows`](Self::rows), to write.
    pub(crate) fn rows_mut(&mut self, samples: usize) -> &mut [f32] {
        assert_eq!(self.margin, Margin::default(), "samples between margins are not adjacent");
        &mut self.data[..samples * self.geometry.len()]
    }
}

/// How many values a sample takes with its margins.
fn padded_len(geometry: Geometry, margin: Margin) -> usize {
    (margin.before + geometry.rows + margin.after) * geometry.row_len()
}

/// What one layer keeps for one shard from the forward to the backward pass, and its shard's part of the gradients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// Which shard of the batch this is; a part of dropout's key.
    pub(crate) shard: usize,
    /// This shard's sums for the parameters whose gradients are summed over shards.
    pub(crate) partial: Vec<f32>,
    /// The shard's statistics for batch normalisation.
    pub(crate) statistics: Vec<f32>,
    /// Dropout's random numbers.
    pub(crate) bits: Vec<u16>,
    /// Max pooling's winners: the position within the window.
    pub(crate) winners: Vec<u32>,
    /// What the exponential linear unit answered, before layers further on changed it.
    pub(crate) outputs: Vec<f32>,
    /// [`Map::scratch_len`](crate::layers::Map::scratch_len) values of any content, lent for the time of a call.
    pub(crate) scratch: Vec<f32>,
    /// The weights of attention pooling; after them, the gradients of the scores of one sample.
    pub(crate) attention: Vec<f32>,
    /// The inputs of a recurrent layer, step by step and in each step sample by sample.
    pub(crate) inputs: Vec<f32>,
    /// A recurrent layer's directions.
    pub(crate) unrolled: Vec<Unrolled>,
}

/// What one direction of a recurrent layer keeps of every step; all in the order steps, samples, units.
#[derive(Debug, Clone)]
pub(crate) struct Unrolled {
    /// The four gates; in the backward pass, the gradients of the sums that go into them.
    pub(crate) gates: Vec<f32>,
    /// The hidden states, one more than there are steps.
    pub(crate) hidden: Vec<f32>,
    /// The cells, likewise.
    pub(crate) cells: Vec<f32>,
    /// The tangents of the cells.
    pub(crate) squashed: Vec<f32>,
    /// The gradient of the hidden state at the step at hand.
    pub(crate) hidden_gradient: Vec<f32>,
    /// The gradient of the cells at the step at hand.
    pub(crate) cell_gradient: Vec<f32>,
}
