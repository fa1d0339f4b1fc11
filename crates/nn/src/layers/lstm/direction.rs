//! One direction of an LSTM, step by step.

use crate::activation::{flushed, logistic, tanh};
use crate::batch::Unrolled;
use crate::matmul::{View, multiply};
use crate::simd::{add, fill_rows, vectorised};

/// The parameters of one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) kernel: &'a [f32],
    pub(super) recurrent: &'a [f32],
    pub(super) bias: &'a [f32],
}

/// The sizes of one direction's work on one shard, and which end of the samples it starts from.
///
/// States lie in slots, one more than there are steps: forward, step `t` goes from slot `t` to slot `t + 1`, and in reverse
/// from slot `t + 1` to slot `t`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Direction {
    pub(super) reversed: bool,
    pub(super) steps: usize,
    pub(super) samples: usize,
    pub(super) channels: usize,
    pub(super) units: usize,
}

impl Direction {
    /// The step that is taken as number `turn`.
    fn step(self, turn: usize) -> usize {
        if self.reversed { self.steps - 1 - turn } else { turn }
    }

    /// The step that is taken last.
    pub(super) fn last(self) -> usize {
        self.step(self.steps - 1)
    }

    /// The values of one state.
    fn state_len(self) -> usize {
        self.samples * self.units
    }

    /// Where the state before a step lies.
    fn before(self, step: usize) -> usize {
        (step + usize::from(self.reversed)) * self.state_len()
    }

    /// Where the state after a step lies.
    pub(super) fn after(self, step: usize) -> usize {
        (step + usize::from(!self.reversed)) * self.state_len()
    }

    /// The hidden states before all steps, in the order of the steps.
    pub(super) fn hidden_before(self, hidden: &[f32]) -> &[f32] {
        &hidden[self.before(0)..][..self.steps * self.state_len()]
    }

    /// The states before and after a step.
    fn states(self, states: &mut [f32], step: usize) -> (&[f32], &mut [f32]) {
        let (early, late) = states.split_at_mut((step + 1) * self.state_len());
        let (early, late) = (&mut early[step * self.state_len()..], &mut late[..self.state_len()]);
        if self.reversed { (late, early) } else { (early, late) }
    }

    /// From the inputs of all steps, computes all states.
    pub(super) fn forward(self, inputs: &[f32], weights: Weights<'_>, unrolled: &mut Unrolled) {
        let Self { steps, samples, channels, units, .. } = self;
        let (gates, rows) = (4 * units, steps * samples);
        let all = &mut unrolled.gates[..rows * gates];
        fill_rows(all, weights.bias);
        let kernel = View::new(weights.kernel, channels, gates, gates);
        multiply(all, gates, true, View::new(inputs, rows, channels, channels), kernel);
        let start = self.before(self.step(0));
        unrolled.hidden[start..][..self.state_len()].fill(0.0);
        unrolled.cells[start..][..self.state_len()].fill(0.0);
        for turn in 0..steps {
            let step = self.step(turn);
            let sums = &mut unrolled.gates[step * samples * gates..][..samples * gates];
            let (before, hidden) = self.states(&mut unrolled.hidden, step);
            if turn > 0 {
                let recurrent = View::new(weights.recurrent, units, gates, gates);
                multiply(sums, gates, true, View::new(before, samples, units, units), recurrent);
            }
            let (before, cells) = self.states(&mut unrolled.cells, step);
            let squashed = &mut unrolled.squashed[step * self.state_len()..][..self.state_len()];
            vectorised(
                #[inline(always)]
                || {
                    let states = cells.chunks_exact_mut(units).zip(before.chunks_exact(units));
                    let outputs = hidden.chunks_exact_mut(units).zip(squashed.chunks_exact_mut(units));
                    for ((gates, (cells, before)), (hidden, squashed)) in
                        sums.chunks_exact_mut(gates).zip(states).zip(outputs)
                    {
                        activate(Gates::new(gates, units), before, cells, squashed, hidden);
                    }
                },
            );
        }
    }

    /// From the gradients of the hidden states, `given(step, sample)` where there are any, computes those of the sums that go
    /// into the gates, which take the gates' place. `recurrent` is the transposed kernel.
    pub(super) fn backward<'a>(
        self,
        recurrent: &[f32],
        unrolled: &mut Unrolled,
        given: impl Fn(usize, usize) -> Option<&'a [f32]>,
    ) {
        let Self { steps, samples, units, .. } = self;
        let gates = 4 * units;
        let hidden_gradient = &mut unrolled.hidden_gradient[..self.state_len()];
        let cell_gradient = &mut unrolled.cell_gradient[..self.state_len()];
        hidden_gradient.fill(0.0);
        cell_gradient.fill(0.0);
        for turn in (0..steps).rev() {
            let step = self.step(turn);
            for (sample, sum) in hidden_gradient.chunks_exact_mut(units).enumerate() {
                if let Some(gradient) = given(step, sample) {
                    add(sum, gradient);
                }
            }
            let values = &mut unrolled.gates[step * samples * gates..][..samples * gates];
            let before = &unrolled.cells[self.before(step)..][..self.state_len()];
            let squashed = &unrolled.squashed[step * self.state_len()..][..self.state_len()];
            vectorised(
                #[inline(always)]
                || {
                    let states = before.chunks_exact(units).zip(squashed.chunks_exact(units));
                    let gradients = hidden_gradient.chunks_exact(units).zip(cell_gradient.chunks_exact_mut(units));
                    for ((gates, (before, squashed)), (hidden, cells)) in
                        values.chunks_exact_mut(gates).zip(states).zip(gradients)
                    {
                        differentiate(Gates::new(gates, units), before, squashed, hidden, cells);
                    }
                },
            );
            if turn > 0 {
                let recurrent = View::new(recurrent, gates, units, units);
                multiply(hidden_gradient, units, false, View::new(values, samples, gates, gates), recurrent);
            }
        }
    }
}

/// One sample's gates.
struct Gates<'a> {
    input: &'a mut [f32],
    forget: &'a mut [f32],
    cell: &'a mut [f32],
    output: &'a mut [f32],
}

impl<'a> Gates<'a> {
    #[allow(clippy::inline_always)] // As in `simd`.
    #[inline(always)]
    fn new(values: &'a mut [f32], units: usize) -> Self {
        let (input, rest) = values.split_at_mut(units);
        let (forget, rest) = rest.split_at_mut(units);
        let (cell, output) = rest.split_at_mut(units);
        Self { input, forget, cell, output }
    }
}

/// Turns the sums into gates, and takes one sample a step on.
///
/// One loop over everything would have more slices than the compiler cares to prove apart, and so not be vectorised; these
/// loops are short enough.
#[allow(clippy::inline_always)] // As in `simd`.
#[inline(always)]
fn activate(gates: Gates<'_>, before: &[f32], cells: &mut [f32], squashed: &mut [f32], hidden: &mut [f32]) {
    let Gates { input, forget, cell, output } = gates;
    for gate in [&mut *input, &mut *forget, &mut *output] {
        for x in gate {
            *x = logistic(*x);
        }
    }
    for x in &mut *cell {
        *x = tanh(*x);
    }
    for ((c, before), ((i, f), g)) in cells.iter_mut().zip(before).zip(input.iter().zip(forget).zip(cell)) {
        *c = flushed(*f * before + i * *g);
    }
    for (((h, squashed), c), o) in hidden.iter_mut().zip(squashed).zip(cells).zip(output) {
        *squashed = tanh(*c);
        *h = *o * *squashed;
    }
}

/// Turns the gates into the gradients of the sums, and the gradient of the cells after the step into that before. In loops as
/// in [`activate`].
///
/// With `σ' = σ·(1 - σ)` and `tanh' = 1 - tanh²`.
#[allow(clippy::inline_always)] // As in `simd`.
#[inline(always)]
fn differentiate(gates: Gates<'_>, before: &[f32], squashed: &[f32], hidden: &[f32], cells: &mut [f32]) {
    let Gates { input, forget, cell, output } = gates;
    for (((o, dc), dh), squashed) in output.iter_mut().zip(&mut *cells).zip(hidden).zip(squashed) {
        *dc += dh * *o * (1.0 - squashed * squashed);
        *o = flushed(dh * squashed * (*o * (1.0 - *o)));
    }
    for ((i, g), dc) in input.iter_mut().zip(cell).zip(&*cells) {
        let gate = *i;
        *i = flushed(dc * *g * (gate * (1.0 - gate)));
        *g = flushed(dc * gate * (1.0 - *g * *g));
    }
    for ((f, dc), before) in forget.iter_mut().zip(cells).zip(before) {
        let gate = *f;
        *f = flushed(*dc * before * (gate * (1.0 - gate)));
        *dc = flushed(*dc * gate);
    }
}
