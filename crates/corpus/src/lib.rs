//! Corpora of labelled recordings: layouts, manifests and a synthetic corpus.
