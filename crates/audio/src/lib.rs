//! Waveforms: decoding, resampling and writing of recorded speech.
