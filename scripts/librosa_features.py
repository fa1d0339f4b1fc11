#!/usr/bin/env python3
"""Compute a named feature set with librosa, one row per recording.

    python scripts/librosa_features.py DIR --set issa-50-80-50 --out librosa.csv

The first column is ``file`` (the path inside DIR); the others have the names that ``stimmung features`` gives them.
Needs librosa 0.11 and soundfile. ``stimmung check librosa`` compares with what it writes.
"""

import argparse
import csv
import os
import sys
import warnings
from pathlib import Path

# The oracle must not depend on the processor. NumPy's log2 of single precision for AVX-512 misses the correctly rounded
# value for 1.4 % of numbers, and one such digit can move the maximum of the tuning histogram, and with it every chroma
# value of a recording (it does for one of the 535 recordings of Emo-DB). Everywhere else log2 is the C library's.
os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512_SKX")
warnings.filterwarnings("ignore", message=".*NPY_DISABLE_CPU_FEATURES.*")
warnings.filterwarnings("ignore", message="n_fft=.* is too large for input signal.*")
warnings.filterwarnings("ignore", message="Trying to estimate tuning from empty frequency set.*")

import librosa
import numpy as np
import soundfile

ISSA = {"issa-40-12-128": (40, 12, 128), "issa-60-60-60": (60, 60, 60), "issa-50-80-50": (50, 80, 50)}
SETS = ["mfcc", "mel", *ISSA]


def issa(y, sr, layout):
    """The 193 time means: MFCC, chroma, mel, contrast, tonnetz."""
    n_mfcc, n_chroma, n_mels = ISSA[layout]
    S = np.abs(librosa.stft(y))
    chroma = librosa.feature.chroma_stft(S=S, sr=sr, n_chroma=n_chroma)
    if layout == "issa-50-80-50":
        tonnetz = librosa.feature.tonnetz(y=y, sr=sr, chroma=chroma)
    else:
        tonnetz = librosa.feature.tonnetz(y=librosa.effects.harmonic(y), sr=sr)
    return np.concatenate(
        [
            librosa.feature.mfcc(y=y, sr=sr, n_mfcc=n_mfcc).mean(1),
            chroma.mean(1),
            librosa.feature.melspectrogram(y=y, sr=sr, n_mels=n_mels).mean(1),
            librosa.feature.spectral_contrast(S=S, sr=sr).mean(1),
            tonnetz.mean(1),
        ]
    )


def mfcc(y, sr, n, sd):
    """Time means of MFCC, and standard deviations after them if asked for."""
    table = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=n)
    return np.concatenate([table.mean(1), table.std(1)]) if sd else table.mean(1)


def mel(y, sr, n_fft=2048, hop=1024, bands=128, seconds=3.0):
    """Mel spectrogram in dB of the middle of the recording, or of all of it with silence on both sides."""
    size = round(seconds * sr)
    if len(y) >= size:
        start = (len(y) - size) // 2
        y = y[start : start + size]
    else:
        y = librosa.util.pad_center(y, size=size)
    table = librosa.feature.melspectrogram(y=y, sr=sr, n_fft=n_fft, hop_length=hop, n_mels=bands)
    return librosa.power_to_db(table).T


def numbered(kind, count, end):
    width = max(len(str(count)), 2)
    return [f"{kind}_{index:0{width}}_{end}" for index in range(1, count + 1)]


def columns(name, args, shape):
    if name in ISSA:
        n_mfcc, n_chroma, n_mels = ISSA[name]
        return [
            *numbered("mfcc", n_mfcc, "mean"),
            *numbered("chroma", n_chroma, "mean"),
            *numbered("mel", n_mels, "mean"),
            *(f"contrast_{band}_mean" for band in range(7)),
            *(f"tonnetz_{dimension}_mean" for dimension in range(1, 7)),
        ]
    if name == "mfcc":
        return numbered("mfcc", args.n, "mean") + (numbered("mfcc", args.n, "sd") if args.sd else [])
    frames, bands = shape
    wide, narrow = max(len(str(frames)), 3), max(len(str(bands)), 3)
    return [f"frame_{t:0{wide}}_mel_{b:0{narrow}}" for t in range(1, frames + 1) for b in range(1, bands + 1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--set", required=True, choices=SETS, dest="name")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--n", type=int, default=40, help="coefficients of the set mfcc (default 40)")
    parser.add_argument("--sd", action="store_true", help="standard deviations in the set mfcc")
    args = parser.parse_args()

    files = sorted(p for p in args.folder.rglob("*") if p.suffix.lower() in {".wav", ".flac", ".ogg", ".aiff", ".aif"})
    if not files:
        sys.exit(f"no recordings in {args.folder}")
    with args.out.open("w", newline="") as out:
        writer = None
        for file in files:
            try:
                y, sr = soundfile.read(file, dtype="float32", always_2d=True)
            except soundfile.SoundFileError as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            y = y.mean(axis=1)
            if len(y) == 0:
                print(f"left out: {file} has no samples", file=sys.stderr)
                continue
            if args.name in ISSA:
                values = issa(y, sr, args.name)
            elif args.name == "mfcc":
                values = mfcc(y, sr, args.n, args.sd)
            else:
                values = mel(y, sr)
            if writer is None:
                writer = csv.writer(out)
                writer.writerow(["file", *columns(args.name, args, values.shape)])
            writer.writerow([file.relative_to(args.folder).as_posix(), *(repr(float(v)) for v in values.ravel())])


if __name__ == "__main__":
    main()
