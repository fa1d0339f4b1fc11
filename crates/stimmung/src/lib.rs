//! Speech emotion recognition, from a corpus to a prediction.
