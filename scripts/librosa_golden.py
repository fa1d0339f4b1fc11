#!/usr/bin/env python3
"""Make the golden values of crates/features/tests/golden from librosa.

    python scripts/librosa_golden.py [--out crates/features/tests/golden]

One JSON file per synthesised signal. The signals are given by formulas, here and in crates/features/tests/librosa.rs, so
no sound is stored. Filter banks are stored as their product with a fixed vector, tables as every n-th value. Prints the
versions that it ran with; they are in every file too.
"""

import argparse
import json
import os
import platform
import warnings
from pathlib import Path

# As in librosa_features.py: the golden values must not depend on the processor.
os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512_SKX")
# Matrix products take the kernels of the processor unless one is named. The files were made with these, which need
# AVX-512; with others (Haswell) the mel bands and what follows from them differ in the last digits.
os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
warnings.filterwarnings("ignore")

import librosa
import numpy as np
import scipy
import soxr

from librosa_features import ISSA, issa, mel, mfcc


def chirp():
    """16 kHz, 0.6 s, 100 Hz to 6 kHz."""
    t = np.arange(9600) / 16000
    return (0.5 * np.sin(2 * np.pi * (100 * t + (6000 - 100) * t * t / (2 * 0.6)))).astype(np.float32), 16000


def voice():
    """22.05 kHz, 0.8 s: twenty harmonics of 180 Hz with vibrato, fading in and out."""
    t = np.arange(17640) / 22050
    phase = 2 * np.pi * 180 * t + 3 * np.sin(2 * np.pi * 5.5 * t)
    tone = sum(np.sin(h * phase) / h for h in range(1, 21))
    return (0.3 * np.sin(np.pi * t / 0.8) * tone).astype(np.float32), 22050


def noise():
    """44.1 kHz, 0.3 s: a linear congruential generator (Numerical Recipes), uniform in ±0.5."""
    state, values = 1, []
    for _ in range(13230):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**32 - 0.5)
    return np.array(values).astype(np.float32), 44100


def impulse():
    """16 kHz: a single one among 6000 samples."""
    y = np.zeros(6000, np.float32)
    y[3000] = 1.0
    return y, 16000


def silence():
    """16 kHz: 4000 zeros."""
    return np.zeros(4000, np.float32), 16000


def sample():
    """16 kHz: one sample."""
    return np.array([0.5], np.float32), 16000


def short():
    """16 kHz: 1200 samples, less than a frame. (Of two columns SciPy's median filter returns the wrong one; this has three.)"""
    return (0.4 * np.sin(0.07 * np.arange(1200))).astype(np.float32), 16000


SIGNALS = [chirp, voice, noise, impulse, silence, sample, short]
TABLE_STEP = 23  # keep every 23rd value of a table; a prime, so that all bands and frames come in turn


def probe(count):
    """The vector that filter banks are multiplied with."""
    return 1.0 + np.sin(np.arange(count))


def rows(table, step=TABLE_STEP):
    """A (bands, frames) table frame after frame, thinned."""
    return np.ascontiguousarray(table.T).ravel()[::step]


def values_of(y, sr):
    """All golden values of one signal, by name."""
    v = {}
    D = librosa.stft(y)
    S = np.abs(D)
    v["stft_real"], v["stft_imaginary"] = rows(D.real, 97), rows(D.imag, 97)
    v["magnitude"] = rows(S, 97)
    for n in (50, 128):
        v[f"mel_bank_slaney_{n}"] = librosa.filters.mel(sr=sr, n_fft=2048, n_mels=n).astype(float) @ probe(1025)
    v["mel_bank_htk_40"] = librosa.filters.mel(sr=sr, n_fft=2048, n_mels=40, htk=True, norm=None, fmin=60, fmax=7000).astype(float) @ probe(1025)
    v["mel_power"] = rows(librosa.feature.melspectrogram(y=y, sr=sr, n_mels=64))
    v["amplitude_db"] = rows(librosa.amplitude_to_db(S.copy()), 97)
    v["mfcc_13"] = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13).T.ravel()
    for n in (12, 36, 60, 80):
        v[f"tuning_{n}"] = np.array([librosa.estimate_tuning(S=S, sr=sr, bins_per_octave=n)])
    for n in (12, 60, 80):
        for tuning in (0.0, 0.13):
            bank = librosa.filters.chroma(sr=sr, n_fft=2048, n_chroma=n, tuning=tuning)
            v[f"chroma_bank_{n}_{round(100 * tuning)}"] = bank.astype(float) @ probe(1025)
    chroma = librosa.feature.chroma_stft(S=S, sr=sr, n_chroma=60)
    v["chroma_60"] = rows(chroma, 7)
    v["contrast"] = librosa.feature.spectral_contrast(S=S, sr=sr).T.ravel()
    v["tonnetz_60"] = librosa.feature.tonnetz(chroma=chroma).T.ravel()
    harmonic, _ = librosa.decompose.hpss(S, mask=True)
    v["harmonic_mask"] = rows(harmonic, 97)
    v["harmonic_signal"] = librosa.effects.harmonic(y)[::31]
    v["rms"] = librosa.feature.rms(y=y)[0]
    v["zero_crossing_rate"] = librosa.feature.zero_crossing_rate(y)[0]
    table = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=5)
    if table.shape[1] >= 9:
        v["delta_1"] = librosa.feature.delta(table).T.ravel()
        v["delta_2"] = librosa.feature.delta(table, order=2).T.ravel()
    if len(y) > 1 or sr < 40000:
        cqt = np.abs(librosa.cqt(y, sr=sr, n_bins=252, bins_per_octave=36, tuning=0.21))
        v["constant_q"] = rows(cqt, 29)
        v["chroma_cqt"] = librosa.feature.chroma_cqt(C=cqt, bins_per_octave=36).T.ravel()
    for name, limits in (("pyin", {"fmin": 65, "fmax": 600}), ("pyin_wide", {"fmin": 50, "fmax": 2000, "hop_length": 256})):
        # JSON has no NaN, so unvoiced frames have 0.
        hertz, voiced, probability = librosa.pyin(y, sr=sr, fill_na=0.0, **limits)
        v[f"{name}_f0"], v[f"{name}_voiced"], v[f"{name}_probability"] = hertz, voiced, probability
    for name in ISSA:
        v[name] = issa(y, sr, name)
    v["mfcc"] = mfcc(y, sr, 30, True)
    v["mel"] = mel(y, sr, n_fft=1024, hop=1000, bands=32, seconds=0.5).ravel()[::7]
    return v


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent / "crates/features/tests/golden"
    parser.add_argument("--out", type=Path, default=default)
    args = parser.parse_args()
    versions = {
        "python": platform.python_version(),
        "librosa": librosa.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "soxr": soxr.__version__,
    }
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    args.out.mkdir(parents=True, exist_ok=True)
    for signal in SIGNALS:
        y, sr = signal()
        values = {name: [float(f"{x:.8g}") for x in np.asarray(table, float)] for name, table in values_of(y, sr).items()}
        golden = {"made_with": versions, "samples": len(y), "sample_rate": sr, "values": values}
        path = args.out / f"{signal.__name__}.json"
        path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
        print(f"{path.name}: {sum(map(len, values.values()))} values, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
