//! The set `ComParE` 2016.

// Nothing asks for the functionals until there are descriptors to tell them of.
#![allow(dead_code)]

mod functionals;
mod names;

/// Number of functionals.
pub(crate) const FUNCTIONALS: usize = 6373;
