//! Matrix products on strided views.
//!
//! The only module with `unsafe`: [`gemm::gemm`] takes raw pointers. [`View::new`] and [`multiply`] check
//! that the farthest element of every operand lies inside its slice, and the borrow rules keep the destination apart
//! from the operands.
//!
//! # Example
//!
//! ```
//! use stimmung_nn::matmul::{View, multiply};
//!
//! // The products of all pairs of two rows of three values.
//! let rows = [1.0, 2.0, 3.0, 0.0, 1.0, 0.0];
//! let view = View::new(&rows, 2, 3, 3);
//! let mut products = [0.0f64; 4];
//! multiply(&mut products, 2, false, view, view.transposed());
//! assert_eq!(products, [14.0, 2.0, 2.0, 1.0]);
//! ```

mod sealed {
    /// Keeps [`Real`](super::Real) to the types that [`gemm::gemm`] knows: it panics on others.
    pub trait Sealed {}

    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// What matrices are made of: `f32` or `f64`.
pub trait Real: sealed::Sealed + Copy + 'static {
    /// 1.
    const ONE: Self;
}

impl Real for f32 {
    const ONE: Self = 1.0;
}

impl Real for f64 {
    const ONE: Self = 1.0;
}

/// A matrix to read: element `(r, c)` lies at `r * row_stride + c * column_stride`. Rows may overlap, which is what makes
/// the patches of a convolution a view.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T = f32> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T: Real> View<'a, T> {
    /// A view of rows that start `row_stride` values apart, with adjacent columns.
    ///
    /// # Panics
    /// If the matrix does not lie inside `data`, as slicing does.
    pub fn new(data: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(span(rows, columns, row_stride, 1) <= data.len(), "a view must lie inside its data");
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same matrix with rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// One past the farthest offset of a matrix.
fn span(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    if rows == 0 || columns == 0 {
        return 0;
    }
    (rows - 1)
        .checked_mul(row_stride)
        .and_then(|rows| (columns - 1).checked_mul(column_stride).and_then(|columns| rows.checked_add(columns)))
        .and_then(|last| last.checked_add(1))
        .expect("matrix sizes are limited when a network is built")
}

/// Writes `lhs · rhs` to `destination` (rows `row_stride` apart, adjacent columns), or adds it when `accumulate`.
///
/// Runs on the calling thread: dividing the work is up to the callers, who do it in ways that do not depend on the number
/// of threads.
///
/// # Panics
/// If the inner sizes of the operands differ, the product does not lie inside `destination`, or its rows would overlap.
#[allow(unsafe_code)]
pub fn multiply<T: Real>(
    destination: &mut [T],
    row_stride: usize,
    accumulate: bool,
    lhs: View<'_, T>,
    rhs: View<'_, T>,
) {
    let (m, n, k) = (lhs.rows, rhs.columns, lhs.columns);
    assert_eq!(k, rhs.rows, "the inner sizes of a product must agree");
    assert!(n <= row_stride || m <= 1, "rows of a destination must not overlap");
    assert!(span(m, n, row_stride, 1) <= destination.len(), "a product must lie inside its destination");
    let stride = |value: usize| isize::try_from(value).expect("a slice is no longer than isize::MAX");
    // SAFETY: every offset that the product reads or writes is at most the `span` of its operand less one, which was
    // checked against the slice's length here and in `View::new` (the fields are private and never change apart from
    // `transposed`, which keeps the span). `destination` is borrowed exclusively, so it overlaps neither operand, and
    // its own rows do not overlap. Strides and the pointers' lifetimes end with this call.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            destination.as_mut_ptr(),
            1,
            stride(row_stride),
            accumulate,
            lhs.data.as_ptr(),
            stride(lhs.column_stride),
            stride(lhs.row_stride),
            rhs.data.as_ptr(),
            stride(rhs.column_stride),
            stride(rhs.row_stride),
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplies_and_accumulates() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let mut c = [10.0; 4];
        multiply(&mut c, 2, false, View::new(&a, 2, 3, 3), View::new(&b, 3, 2, 2));
        assert_eq!(c, [4.0, 5.0, 10.0, 11.0]);
        multiply(&mut c, 2, true, View::new(&a, 2, 3, 3), View::new(&b, 3, 2, 2));
        assert_eq!(c, [8.0, 10.0, 20.0, 22.0]);
    }

    #[test]
    fn overlapping_rows_are_patches() {
        // A moving sum of three over five values.
        let (a, ones) = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0; 3]);
        let mut c = [0.0; 3];
        multiply(&mut c, 1, false, View::new(&a, 3, 3, 1), View::new(&ones, 3, 1, 1));
        assert_eq!(c, [6.0, 9.0, 12.0]);
    }

    #[test]
    fn transposed_views_read_the_same_data() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut c = [0.0; 9];
        multiply(&mut c, 3, false, View::new(&a, 2, 3, 3).transposed(), View::new(&a, 2, 3, 3));
        assert_eq!(c, [17.0, 22.0, 27.0, 22.0, 29.0, 36.0, 27.0, 36.0, 45.0]);
    }

    #[test]
    #[should_panic(expected = "inside its data")]
    fn a_view_past_the_end_is_refused() {
        View::new(&[0.0; 5], 3, 2, 2);
    }

    #[test]
    #[should_panic(expected = "inside its destination")]
    fn a_destination_too_short_is_refused() {
        let a = [0.0; 4];
        multiply(&mut [0.0; 3], 2, false, View::new(&a, 2, 2, 2), View::new(&a, 2, 2, 2));
    }

    #[test]
    #[should_panic(expected = "must not overlap")]
    fn overlapping_destinations_are_refused() {
        let a = [0.0; 4];
        multiply(&mut [0.0; 4], 1, false, View::new(&a, 2, 2, 2), View::new(&a, 2, 2, 2));
    }
}
