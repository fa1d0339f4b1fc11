//! Metrics, protocols, cross-validation and intervals.
