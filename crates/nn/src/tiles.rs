//! The products of a convolution over pictures, in tiles that stay in registers.
//!
//! A general matrix product first copies both operands into an order that suits it. Here neither needs it: the patches
//! under a kernel are runs of adjacent values, read one value at a time, and the kernel is put into order once a batch.
//! A tile is a few positions by one or two vectors of columns; for each value of the patches, a vector of the kernel is
//! multiplied by that value at every position of the tile (as in Georganas et al., SC 2018, section II, where the channels
//! are the vectors as well).
#![allow(clippy::inline_always)] // As in `simd`.

use pulp::{Arch, Simd, WithSimd};

use crate::matmul::{self, View};
use crate::simd::transpose;

/// Columns that are worked on at once: two of the widest vectors. What is left of a number of columns that this does not
/// divide goes to the general product.
const BLOCK: usize = 32;

/// Vectors in a tile.
const VECTORS: usize = 2;

/// The patches under a kernel at a rectangle of positions. A patch is `runs` runs of `run` adjacent values, one run for
/// each row of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patches<'a> {
    pub(crate) data: &'a [f32],
    /// Rows and columns of positions.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Values from a row of positions to the next, and from a position to the next.
    pub(crate) row_step: usize,
    pub(crate) step: usize,
    /// Runs in a patch.
    pub(crate) runs: usize,
    /// Values from a run to the next.
    pub(crate) pitch: usize,
    /// Values in a run.
    pub(crate) run: usize,
}

impl<'a> Patches<'a> {
    /// Values in a patch.
    fn len(&self) -> usize {
        self.runs * self.run
    }

    /// One run of all patches of a row, as a matrix with a patch in each row.
    fn view(&self, row: usize, run: usize) -> View<'a> {
        View::new(&self.data[row * self.row_step + run * self.pitch..], self.columns, self.run, self.step)
    }
}

/// Puts a matrix of `columns` columns into the order that [`multiply`] reads: blocks of columns, each by rows.
pub(crate) fn pack(packed: &mut [f32], matrix: &[f32], columns: usize) {
    let rows = matrix.len() / columns;
    for (first, block) in (0..columns).step_by(BLOCK).zip(packed.chunks_mut(rows * BLOCK)) {
        let width = BLOCK.min(columns - first);
        for (to, from) in block.chunks_exact_mut(width).zip(matrix.chunks_exact(columns)) {
            to.copy_from_slice(&from[first..first + width]);
        }
    }
}

/// Puts a kernel (`taps` × `channels` × `filters`) into the order that [`multiply`] reads, turned round: a matrix with the
/// taps in reverse and the filters as rows, and the channels as columns.
pub(crate) fn pack_turned(packed: &mut [f32], kernel: &[f32], taps: usize, channels: usize, filters: usize) {
    for (first, block) in (0..channels).step_by(BLOCK).zip(packed.chunks_mut(taps * filters * BLOCK)) {
        let width = BLOCK.min(channels - first);
        for (to, from) in block.chunks_exact_mut(filters * width).zip(kernel.chunks_exact(channels * filters).rev()) {
            transpose(to, &from[first * filters..(first + width) * filters], width, filters);
        }
    }
}

/// Writes `start + patches · matrix` to `destination`: a row of `columns` values for each position, the matrix
/// [packed](pack), `start` a row or nothing.
pub(crate) fn multiply(
    destination: &mut [f32],
    columns: usize,
    patches: Patches<'_>,
    packed: &[f32],
    start: Option<&[f32]>,
) {
    let whole = columns / BLOCK * BLOCK;
    let (blocks, rest) = packed.split_at(patches.len() * whole);
    if whole > 0 {
        Arch::new().dispatch(Multiply { destination: &mut *destination, columns, patches, blocks, start });
    }
    let width = columns - whole;
    if width == 0 {
        return;
    }
    for (row, destination) in destination.chunks_exact_mut(patches.columns * columns).enumerate() {
        for to in destination.chunks_exact_mut(columns) {
            match start {
                Some(start) => to[whole..].copy_from_slice(&start[whole..]),
                None => to[whole..].fill(0.0),
            }
        }
        for (run, rest) in rest.chunks_exact(patches.run * width).enumerate() {
            let rest = View::new(rest, patches.run, width, width);
            matmul::multiply(&mut destination[whole..], columns, true, patches.view(row, run), rest);
        }
    }
}

/// Adds `patchesᵀ · factors` to `destination`: a row of `columns` values for each value of a patch; `factors` has a row
/// for each position.
pub(crate) fn add_outer(destination: &mut [f32], columns: usize, patches: Patches<'_>, factors: &[f32]) {
    let whole = columns / BLOCK * BLOCK;
    if whole > 0 {
        Arch::new().dispatch(AddOuter { destination: &mut *destination, columns, patches, factors });
    }
    let width = columns - whole;
    if width == 0 {
        return;
    }
    for (row, factors) in factors.chunks_exact(patches.columns * columns).enumerate() {
        for (run, destination) in destination.chunks_exact_mut(patches.run * columns).enumerate() {
            let factors = View::new(&factors[whole..], patches.columns, width, columns);
            let patches = patches.view(row, run).transposed();
            matmul::multiply(&mut destination[whole..], columns, true, patches, factors);
        }
    }
}

struct Multiply<'a> {
    destination: &'a mut [f32],
    columns: usize,
    patches: Patches<'a>,
    blocks: &'a [f32],
    start: Option<&'a [f32]>,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many sums as registers allow beside the factors.
        if S::REGISTER_COUNT >= 32 { self.rows::<S, 8>(simd) } else { self.rows::<S, 4>(simd) }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn rows<S: Simd, const P: usize>(&mut self, simd: S) {
        let patches = self.patches;
        let width = VECTORS * S::F32_LANES;
        for row in 0..patches.rows {
            for (block, matrix) in self.blocks.chunks_exact(patches.len() * BLOCK).enumerate() {
                for within in (0..BLOCK).step_by(width) {
                    let column = block * BLOCK + within;
                    let mut first = 0;
                    while first + P <= patches.columns {
                        self.tile::<S, P>(simd, row, first, column, matrix, within);
                        first += P;
                    }
                    match patches.columns - first {
                        0 => {}
                        1 => self.tile::<S, 1>(simd, row, first, column, matrix, within),
                        2 => self.tile::<S, 2>(simd, row, first, column, matrix, within),
                        3 => self.tile::<S, 3>(simd, row, first, column, matrix, within),
                        4 => self.tile::<S, 4>(simd, row, first, column, matrix, within),
                        5 => self.tile::<S, 5>(simd, row, first, column, matrix, within),
                        6 => self.tile::<S, 6>(simd, row, first, column, matrix, within),
                        _ => self.tile::<S, 7>(simd, row, first, column, matrix, within),
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const P: usize>(
        &mut self,
        simd: S,
        row: usize,
        first: usize,
        column: usize,
        matrix: &[f32],
        within: usize,
    ) {
        let Patches { data, row_step, step, pitch, run, .. } = self.patches;
        let width = VECTORS * S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; P];
        if let Some(start) = self.start {
            let start = S::as_simd_f32s(&start[column..column + width]).0;
            for sums in &mut sums {
                sums.copy_from_slice(&start[..VECTORS]);
            }
        }
        for (index, matrix) in matrix.chunks_exact(run * BLOCK).enumerate() {
            let mut values = [&data[..0]; P];
            for (p, values) in values.iter_mut().enumerate() {
                *values = &data[row * row_step + (first + p) * step + index * pitch..][..run];
            }
            let matrix = &matrix.as_chunks::<BLOCK>().0[..run];
            for k in 0..run {
                let vectors = S::as_simd_f32s(&matrix[k][within..within + width]).0;
                for p in 0..P {
                    let value = simd.splat_f32s(values[p][k]);
                    for v in 0..VECTORS {
                        sums[p][v] = simd.mul_add_e_f32s(value, vectors[v], sums[p][v]);
                    }
                }
            }
        }
        let position = row * self.patches.columns + first;
        for (p, sums) in sums.iter().enumerate() {
            let to = (position + p) * self.columns + column;
            let to = S::as_mut_simd_f32s(&mut self.destination[to..to + width]).0;
            to[..VECTORS].copy_from_slice(sums);
        }
    }
}

struct AddOuter<'a> {
    destination: &'a mut [f32],
    columns: usize,
    patches: Patches<'a>,
    factors: &'a [f32],
}

impl WithSimd for AddOuter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.runs::<S, 8>(simd) } else { self.runs::<S, 4>(simd) }
    }
}

impl AddOuter<'_> {
    #[inline(always)]
    fn runs<S: Simd, const K: usize>(&mut self, simd: S) {
        let Patches { runs, run, .. } = self.patches;
        for column in (0..self.columns / BLOCK * BLOCK).step_by(VECTORS * S::F32_LANES) {
            for index in 0..runs {
                let mut first = 0;
                while first + K <= run {
                    self.tile::<S, K>(simd, index, first, column);
                    first += K;
                }
                match run - first {
                    0 => {}
                    1 => self.tile::<S, 1>(simd, index, first, column),
                    2 => self.tile::<S, 2>(simd, index, first, column),
                    3 => self.tile::<S, 3>(simd, index, first, column),
                    4 => self.tile::<S, 4>(simd, index, first, column),
                    5 => self.tile::<S, 5>(simd, index, first, column),
                    6 => self.tile::<S, 6>(simd, index, first, column),
                    _ => self.tile::<S, 7>(simd, index, first, column),
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const K: usize>(&mut self, simd: S, index: usize, first: usize, column: usize) {
        let Patches { data, rows, columns: positions, row_step, step, pitch, run, .. } = self.patches;
        let width = VECTORS * S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; K];
        for row in 0..rows {
            let factors = self.factors[row * positions * self.columns..].chunks_exact(self.columns);
            let data = &data[row * row_step + index * pitch + first..];
            for (position, factors) in factors.take(positions).enumerate() {
                let values = &data[position * step..][..K];
                let vectors = S::as_simd_f32s(&factors[column..column + width]).0;
                for k in 0..K {
                    let value = simd.splat_f32s(values[k]);
                    for v in 0..VECTORS {
                        sums[k][v] = simd.mul_add_e_f32s(value, vectors[v], sums[k][v]);
                    }
                }
            }
        }
        for (k, sums) in sums.iter().enumerate() {
            let to = (index * run + first + k) * self.columns + column;
            let to = S::as_mut_simd_f32s(&mut self.destination[to..to + width]).0;
            for v in 0..VECTORS {
                to[v] = simd.add_f32s(to[v], sums[v]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, so that sums are exact in any order.
    fn numbers(n: usize, factor: usize) -> Vec<f32> {
        (0..n).map(|i| (i * factor % 11) as f32 - 5.0).collect()
    }

    /// Positions in two rows, a kernel of three rows and two columns, at steps of two rows and one column.
    fn patches(data: &[f32], columns: usize, channels: usize) -> Patches<'_> {
        let pitch = (columns + 1) * channels;
        Patches { data, rows: 2, columns, row_step: 2 * pitch, step: channels, runs: 3, pitch, run: 2 * channels }
    }

    fn value(patches: Patches<'_>, position: usize, k: usize) -> f32 {
        let (row, column) = (position / patches.columns, position % patches.columns);
        let at = row * patches.row_step + column * patches.step + k / patches.run * patches.pitch + k % patches.run;
        patches.data[at]
    }

    /// Calls `check` with patches, their number, and a number of columns.
    fn over_sizes(check: impl Fn(Patches<'_>, usize, usize)) {
        for positions in [1, 3, 7, 8, 13] {
            for channels in [1, 2, 5] {
                let data = numbers(5 * (positions + 1) * channels, 7);
                for columns in [1, 31, 32, 64, 70] {
                    check(patches(&data, positions, channels), 2 * positions, columns);
                }
            }
        }
    }

    #[test]
    fn products_are_what_the_sums_say() {
        over_sizes(|patches, positions, columns| {
            let (matrix, start) = (numbers(patches.len() * columns, 5), numbers(columns, 3));
            let mut packed = vec![f32::NAN; matrix.len()];
            pack(&mut packed, &matrix, columns);
            for start in [Some(start.as_slice()), None] {
                let expected = |place: usize| {
                    let (position, f) = (place / columns, place % columns);
                    let products = (0..patches.len()).map(|k| value(patches, position, k) * matrix[k * columns + f]);
                    start.map_or(0.0, |start| start[f]) + products.sum::<f32>()
                };
                let expected: Vec<f32> = (0..positions * columns).map(expected).collect();
                let mut actual = vec![f32::NAN; expected.len()];
                multiply(&mut actual, columns, patches, &packed, start);
                assert_eq!(actual, expected, "{columns} columns of {patches:?}");
                // Without vectors, as on a processor that has none.
                let whole = columns / BLOCK * BLOCK;
                let blocks = &packed[..patches.len() * whole];
                let mut scalar = expected.clone();
                scalar.chunks_exact_mut(columns).for_each(|row| row[..whole].fill(f32::NAN));
                Multiply { destination: &mut scalar, columns, patches, blocks, start }.with_simd(pulp::Scalar);
                assert_eq!(scalar, expected);
            }
        });
    }

    #[test]
    fn outer_products_are_what_the_sums_say() {
        over_sizes(|patches, positions, columns| {
            let factors = numbers(positions * columns, 5);
            let expected = |place: usize| {
                let (k, f) = (place / columns, place % columns);
                1.0 + (0..positions).map(|p| value(patches, p, k) * factors[p * columns + f]).sum::<f32>()
            };
            let expected: Vec<f32> = (0..patches.len() * columns).map(expected).collect();
            let mut actual = vec![1.0; expected.len()];
            add_outer(&mut actual, columns, patches, &factors);
            assert_eq!(actual, expected, "{columns} columns of {patches:?}");
            let whole = columns / BLOCK * BLOCK;
            let mut scalar = expected.clone();
            scalar.chunks_exact_mut(columns).for_each(|row| row[..whole].fill(1.0));
            AddOuter { destination: &mut scalar, columns, patches, factors: &factors }.with_simd(pulp::Scalar);
            assert_eq!(scalar, expected);
        });
    }

    #[test]
    fn a_turned_kernel_has_its_taps_in_reverse_and_its_channels_as_columns() {
        for (taps, channels, filters) in [(6, 35, 3), (1, 32, 2), (4, 2, 33)] {
            let kernel = numbers(taps * channels * filters, 3);
            let turned: Vec<f32> = (0..kernel.len())
                .map(|place| {
                    let (tap, f, c) = (place / channels / filters, place / channels % filters, place % channels);
                    kernel[((taps - 1 - tap) * channels + c) * filters + f]
                })
                .collect();
            let (mut expected, mut actual) = (vec![0.0; kernel.len()], vec![0.0; kernel.len()]);
            pack(&mut expected, &turned, channels);
            pack_turned(&mut actual, &kernel, taps, channels, filters);
            assert_eq!(actual, expected);
        }
    }
}
