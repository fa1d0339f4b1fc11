//! Classifiers of emotion and the model file.
