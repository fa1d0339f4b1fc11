//! Acoustic features of speech, from frames to named sets.
