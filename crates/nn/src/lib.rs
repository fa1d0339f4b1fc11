//! Neural network layers with explicit forward and backward passes.
