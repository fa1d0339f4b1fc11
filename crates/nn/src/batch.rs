//! The buffers of a batch: tensors, and what a layer remembers from forward to backward.

/// What a sample looks like inside the network: `rows` positions of `channels` adjacent values. A flat sample is one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) rows: usize,
    pub(crate) channels: usize,
}

impl Geometry {
    pub(crate) fn len(self) -> usize {
        self.rows * self.channels
    }
}

/// Rows of zeros around each sample, so that a convolution can look past its ends.
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
        Self { data: Vec::new(), geometry: Geometry { rows: 0, channels: 0 }, margin: Margin { before: 0, after: 0 } }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.data.is_empty()
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Sample `index` without its margins.
    pub(crate) fn sample(&self, index: usize) -> &[f32] {
        let start = index * padded_len(self.geometry, self.margin) + self.margin.before * self.geometry.channels;
        &self.data[start..start + self.geometry.len()]
    }

    /// Sample `index` without its margins, to write.
    pub(crate) fn sample_mut(&mut self, index: usize) -> &mut [f32] {
        let start = index * padded_len(self.geometry, self.margin) + self.margin.before * self.geometry.channels;
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
    (margin.before + geometry.rows + margin.after) * geometry.channels
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
}
