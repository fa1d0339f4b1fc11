//! Labelled samples, and where their values come from.

use std::fmt;

use crate::{Network, NnError};

/// Samples that are worked out when their batch comes, for those that lie elsewhere in another form: so they need not lie
/// in memory twice.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use stimmung_nn::{LayerSpec, Network, SampleSource, Samples, TrainParams, train};
///
/// /// Bytes as numbers from 0 to 1, four to a sample.
/// #[derive(Debug)]
/// struct Bytes(Vec<u8>);
///
/// impl SampleSource for Bytes {
///     fn len(&self) -> usize {
///         self.0.len()
///     }
///     fn load(&self, sample: usize, to: &mut [f32]) {
///         for (to, &byte) in to.iter_mut().zip(&self.0[sample * 4..]) {
///             *to = f32::from(byte) / 255.0;
///         }
///     }
/// }
///
/// let bytes = Bytes(vec![0, 10, 20, 30, 200, 210, 220, 230]);
/// let mut network = Network::new(&[4], &[LayerSpec::dense(2)], 1)?;
/// let samples = Samples::of(&bytes, &[0, 1]);
/// train(&mut network, samples, None, &TrainParams::default(), &mut |_, _| ControlFlow::Continue(()))?;
/// # Ok::<(), stimmung_nn::NnError>(())
/// ```
pub trait SampleSource: fmt::Debug + Sync {
    /// Values of all samples together.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the values of a sample, counted from 0, to `to`, which holds [`Network::input_len`] of them; the same ones each
    /// time, all finite. It is called by several threads at once.
    fn load(&self, sample: usize, to: &mut [f32]);
}

#[derive(Debug, Clone, Copy)]
enum Inputs<'a> {
    Values(&'a [f32]),
    Source(&'a dyn SampleSource),
}

/// Labelled samples.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    inputs: Inputs<'a>,
    labels: &'a [usize],
}

impl<'a> Samples<'a> {
    /// Samples that lie one after the other, each of [`Network::input_len`] values, and a class for each, below
    /// [`Network::output_len`].
    pub fn new(inputs: &'a [f32], labels: &'a [usize]) -> Self {
        Self { inputs: Inputs::Values(inputs), labels }
    }

    /// Samples from elsewhere, and a class for each.
    pub fn of(source: &'a dyn SampleSource, labels: &'a [usize]) -> Self {
        Self { inputs: Inputs::Source(source), labels }
    }

    /// The class of each sample.
    pub fn labels(&self) -> &'a [usize] {
        self.labels
    }

    /// Writes the values of a sample, counted from 0, to `to`, which holds as many.
    pub fn load(&self, sample: usize, to: &mut [f32]) {
        match self.inputs {
            Inputs::Values(values) => to.copy_from_slice(&values[sample * to.len()..(sample + 1) * to.len()]),
            Inputs::Source(source) => source.load(sample, to),
        }
    }

    fn len(&self) -> usize {
        match self.inputs {
            Inputs::Values(values) => values.len(),
            Inputs::Source(source) => source.len(),
        }
    }

    /// Checks that the network can take the inputs.
    pub(crate) fn check_inputs(&self, width: usize) -> Result<(), NnError> {
        let expected = self.labels.len().saturating_mul(width);
        if self.len() != expected {
            return Err(NnError::Length { what: "inputs", expected, actual: self.len() });
        }
        let mut values = vec![0.0; width];
        for sample in 0..self.labels.len() {
            self.load(sample, &mut values);
            if let Some(position) = values.iter().position(|value| !value.is_finite()) {
                return Err(NnError::NonFiniteInput { sample, position, value: values[position].to_string() });
            }
        }
        Ok(())
    }

    /// Checks that the network can learn from the samples.
    pub(crate) fn check(&self, network: &Network) -> Result<(), NnError> {
        self.check_inputs(network.input_len())?;
        let classes = network.output_len();
        match self.labels.iter().position(|label| *label >= classes) {
            None => Ok(()),
            Some(sample) => Err(NnError::Label { sample, label: self.labels[sample], classes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::{LayerSpec, SpecAugment, TrainParams, train};

    /// Samples of a table in another order.
    #[derive(Debug)]
    struct Picked {
        table: Vec<f32>,
        rows: Vec<usize>,
        width: usize,
    }

    impl SampleSource for Picked {
        fn len(&self) -> usize {
            self.rows.len() * self.width
        }

        fn load(&self, sample: usize, to: &mut [f32]) {
            let row = self.rows[sample];
            to.copy_from_slice(&self.table[row * self.width..(row + 1) * self.width]);
        }
    }

    fn picked() -> (Picked, Vec<f32>, Vec<usize>) {
        let width = 12;
        let table: Vec<f32> = (0..20 * width).map(|i| ((i * 7919) % 101) as f32 / 101.0).collect();
        let rows: Vec<usize> = (0..20).rev().filter(|row| row % 3 > 0).collect();
        let copy = rows.iter().flat_map(|&row| table[row * width..(row + 1) * width].to_vec()).collect();
        let labels = rows.iter().map(|row| row % 2).collect();
        (Picked { table, rows, width }, copy, labels)
    }

    #[test]
    fn a_source_gives_the_bits_of_a_copy() {
        let (source, copy, labels) = picked();
        let masks = SpecAugment { frame_masks: 1, frame_width: 2, band_masks: 1, band_width: 1 };
        for (mixup, spec_augment) in [(None, None), (Some(0.3), None), (None, Some(masks)), (Some(0.3), Some(masks))] {
            let params = TrainParams { epochs: 3, batch_size: 4, mixup, spec_augment, ..TrainParams::default() };
            let trained = |samples: Samples<'_>| {
                let mut network = Network::new(&[4, 3], &[LayerSpec::Flatten, LayerSpec::dense(2)], 1).unwrap();
                let history =
                    train(&mut network, samples, Some(samples), &params, &mut |_, _| ControlFlow::Continue(()));
                (network.state(), history.unwrap())
            };
            assert_eq!(trained(Samples::of(&source, &labels)), trained(Samples::new(&copy, &labels)));
        }
    }

    #[test]
    fn a_source_is_checked_like_a_copy() {
        let (mut source, _, labels) = picked();
        let network = Network::new(&[12], &[LayerSpec::dense(2)], 1).unwrap();
        let expected = NnError::Length { what: "inputs", expected: 12, actual: 12 * labels.len() };
        assert_eq!(Samples::of(&source, &labels[..1]).check(&network), Err(expected));
        let row = source.rows[2];
        source.table[row * 12 + 5] = f32::INFINITY;
        let expected = NnError::NonFiniteInput { sample: 2, position: 5, value: "inf".to_owned() };
        assert_eq!(Samples::of(&source, &labels).check(&network), Err(expected));
    }
}
