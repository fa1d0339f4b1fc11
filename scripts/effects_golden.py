#!/usr/bin/env python3
"""Make the golden values of crates/audio/tests/golden/effects.json from librosa and SciPy.

    python scripts/effects_golden.py [--out crates/audio/tests/golden/effects.json]

The signals are given by formulas, here and in crates/audio/tests/effects.rs, so no sound is stored. Of changed signals the
length and every n-th value are kept. Prints the versions that it ran with; they are in the file too.
"""

import argparse
import json
import os
import platform
import warnings
from pathlib import Path

# As in librosa_features.py: the golden values must not depend on the processor.
os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512_SKX")
warnings.filterwarnings("ignore")

import librosa
import numpy as np
import scipy
import scipy.signal
import soxr

SAMPLE_RATE = 16000


def lcg(count):
    """A linear congruential generator (Numerical Recipes), uniform in ±1."""
    state, values = 1, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**31 - 1)
    return np.array(values)


def voice():
    """1.5 s: digital silence, faint noise, fifteen harmonics of a gliding pitch in two syllables, faint noise."""
    n = np.arange(24000)
    t = n / SAMPLE_RATE
    phase = 2 * np.pi * (120 * t + 40 * t * t)
    tone = sum(np.sin(h * phase + h * h) / h for h in range(1, 16))
    syllables = np.maximum(0, np.sin(2 * np.pi * (t - 0.25))) * ((n >= 4000) & (n < 20000))
    faint = 0.0005 * lcg(24000) * (n >= 1500)
    return (0.6 * syllables * tone + faint).astype(np.float32)


def chirp():
    """1 s, 100 Hz to 6 kHz at full scale."""
    t = np.arange(16000) / SAMPLE_RATE
    return np.sin(2 * np.pi * (100 * t + 5900 * t * t / 2)).astype(np.float32)


def noise():
    """0.5 s of white noise that fades in over four orders of magnitude."""
    n = np.arange(8000)
    return (lcg(8000) * 10 ** (-4 * (1 - n / 8000))).astype(np.float32)


def clicks():
    """0.4 s with three clicks."""
    y = np.zeros(6400, np.float32)
    y[[2600, 2601, 4000]] = [1.0, -0.5, 0.02]
    return y


def short():
    """300 samples, less than a hop."""
    return np.sin(0.07 * np.arange(300)).astype(np.float32)


SIGNALS = [voice, chirp, noise, clicks, short]
STEP = 97  # keep every 97th value; a prime, so that all places in a hop come in turn


def changed(signal, y):
    """Every change of one signal, by its name and its parameter."""
    for window in (3, 5, 29):
        yield f"wiener {window}", scipy.signal.wiener(y.astype(float), window)
    for rate in (0.5, 0.81, 1.23, 2.7):
        yield f"stretch {rate}", librosa.effects.time_stretch(y, rate=rate)
    for semitones in (-4, 4) if signal is voice else ():  # the resamplers differ at the top of the spectrum
        yield f"pitch {semitones}", librosa.effects.pitch_shift(y, sr=SAMPLE_RATE, n_steps=semitones)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent / "crates/audio/tests/golden/effects.json"
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
    signals = {}
    for signal in SIGNALS:
        y = signal()
        trims = {str(db): librosa.effects.trim(y, top_db=db)[1].tolist() for db in (10, 20, 40, 60)}
        tables = {
            name: {"len": len(z), "values": [float(f"{x:.8g}") for x in z[::STEP].astype(float)]} for name, z in changed(signal, y)
        }
        signals[signal.__name__] = {"trim": trims, "changed": tables}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps({"made_with": versions, "signals": signals}, separators=(",", ":")) + "\n")
    print(f"{args.out.name}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
