#!/usr/bin/env python3
"""Times librosa's features of a folder, on one thread.

    python scripts/bench_librosa.py DIR RECIPE

Every WAV file of the folder is decoded before the clock starts, and one is computed first, so that compiled code and caches
are there. RECIPE is issa-50-80-50-as-published (the harmonic part first, although the tonnetz of a given chromagram does not
need it), issa-50-80-50 (the same without that part), issa-40-12-128, or mfcc (40 means). Prints one line of JSON with the seconds
that all recordings took together and how many times faster than real time that is.
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import librosa
import numpy as np
import soundfile


def values(y, sr, harmonic):
    """The set issa-50-80-50 from librosa's own functions, as its users write it."""
    S = np.abs(librosa.stft(y))
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=50).mean(1)
    chroma = librosa.feature.chroma_stft(S=S, sr=sr, n_chroma=80)
    mel = librosa.feature.melspectrogram(y=y, sr=sr, n_mels=50).mean(1)
    contrast = librosa.feature.spectral_contrast(S=S, sr=sr).mean(1)
    part = librosa.effects.harmonic(y) if harmonic else y
    tonnetz = librosa.feature.tonnetz(y=part, sr=sr, chroma=chroma).mean(1)
    return np.concatenate([mfcc, chroma.mean(1), mel, contrast, tonnetz])


def values_by_constant_q(y, sr):
    """The set issa-40-12-128: librosa's defaults, with its default tonnetz of the harmonic part."""
    S = np.abs(librosa.stft(y))
    return np.concatenate(
        [
            librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40).mean(1),
            librosa.feature.chroma_stft(S=S, sr=sr).mean(1),
            librosa.feature.melspectrogram(y=y, sr=sr).mean(1),
            librosa.feature.spectral_contrast(S=S, sr=sr).mean(1),
            librosa.feature.tonnetz(y=librosa.effects.harmonic(y), sr=sr).mean(1),
        ]
    )


RECIPES = {
    "issa-50-80-50-as-published": lambda y, sr: values(y, sr, harmonic=True),
    "issa-50-80-50": lambda y, sr: values(y, sr, harmonic=False),
    "issa-40-12-128": values_by_constant_q,
    "mfcc": lambda y, sr: librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40).mean(1),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("recipe", metavar="RECIPE", choices=RECIPES)
    args = parser.parse_args()
    files = sorted(p for p in args.folder.iterdir() if p.suffix.lower() == ".wav")
    if not files:
        sys.exit(f"no WAV file in {args.folder}")
    recordings = []
    for file in files:
        y, sr = soundfile.read(file, dtype="float32", always_2d=True)
        recordings.append((y.mean(axis=1), sr))
    sound = sum(len(y) / sr for y, sr in recordings)
    compute = RECIPES[args.recipe]
    compute(*recordings[0])
    start = time.perf_counter()
    for y, sr in recordings:
        compute(y, sr)
    seconds = time.perf_counter() - start
    timing = {"peer": "librosa", "version": librosa.__version__, "threads": 1, "seconds": round(seconds, 5)}
    print(json.dumps(timing | {"times_real_time": round(sound / seconds)}))


if __name__ == "__main__":
    main()
