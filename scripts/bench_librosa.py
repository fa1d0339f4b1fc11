#!/usr/bin/env python3
"""How many times faster than real time librosa computes the feature sets, on one thread.

    python scripts/bench_librosa.py DIR [--repeats 3] [--files 100] [--json]

Recordings are decoded before the clock starts, and one is computed first, so that compiled code and caches are there. The
best of the repeats counts. Rows: the 193 values as published (the harmonic part first, although the tonnetz of a given
chromagram does not need it), the same without that part, and mean MFCC (40).
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


ROWS = {
    "issa-50-80-50 as published": lambda y, sr: values(y, sr, harmonic=True),
    "issa-50-80-50 without the dead part": lambda y, sr: values(y, sr, harmonic=False),
    "mfcc 40": lambda y, sr: librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40).mean(1),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--files", type=int, default=None, help="only the first so many")
    parser.add_argument("--json", action="store_true", help="one object: row to times real time")
    args = parser.parse_args()
    files = sorted(p for p in args.folder.rglob("*") if p.suffix.lower() == ".wav")[: args.files]
    if not files:
        sys.exit(f"no WAV file in {args.folder}")
    recordings = []
    for file in files:
        y, sr = soundfile.read(file, dtype="float32", always_2d=True)
        recordings.append((y.mean(axis=1), sr))
    seconds = sum(len(y) / sr for y, sr in recordings)
    result = {}
    for name, compute in ROWS.items():
        compute(*recordings[0])
        best = float("inf")
        for _ in range(max(args.repeats, 1)):
            start = time.perf_counter()
            for y, sr in recordings:
                compute(y, sr)
            best = min(best, time.perf_counter() - start)
        result[name] = seconds / best
        if not args.json:
            print(f"{name}: {len(files)} files, {seconds:.1f} s of sound in {best:.3f} s, {seconds / best:.0f} times real time")
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
