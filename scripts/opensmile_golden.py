#!/usr/bin/env python3
"""Make the golden values in crates/features/tests/golden: what openSMILE gives for synthesised signals.

    python scripts/opensmile_golden.py [--out crates/features/tests/golden]

opensmile.json has the 88 values of eGeMAPS v02, opensmile_compare.json every eleventh of the 6373 of ComParE 2016: eleven has no factor in
common with the numbers of functionals of a contour, so every functional is among them, of different contours.

The signals are given by formulas, here and in crates/features/tests/opensmile.rs, so no sound is stored. The versions that it
ran with are in the files.
"""

import argparse
import json
import platform
from pathlib import Path

import numpy as np
import opensmile

# Name, sampling rate in hertz, seconds, fundamental in hertz.
SIGNALS = [("low", 16000, 3.0, 110.0), ("high", 44100, 2.0, 230.0), ("telephone", 8000, 2.5, 150.0)]


def voice(rate, seconds, hertz):
    """Thirty harmonics with vibrato and two resonances, in bursts, over uniform noise, rounded to 16 bits."""
    count = round(rate * seconds)
    t = np.arange(count) / rate
    phase = 2 * np.pi * hertz * t + 2 * np.sin(2 * np.pi * 5 * t)
    tone = np.zeros(count)
    for h in range(1, 31):
        f = h * hertz
        if f < 0.45 * rate:
            level = 1 / (1 + ((f - 600) / 200) ** 2) + 0.4 / (1 + ((f - 1500) / 200) ** 2) + 0.02
            tone += level * np.sin(h * phase)
    state, noise = 1, np.empty(count)
    for n in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        noise[n] = state / 2**32 - 0.5
    burst = np.maximum(np.sin(2 * np.pi * 1.3 * t), 0)
    return np.round(32768 * (0.15 * burst * tone + 0.004 * noise)) / 32768


# File, set, and of how many columns one is taken.
SETS = [
    ("opensmile.json", opensmile.FeatureSet.eGeMAPSv02, 1),
    ("opensmile_compare.json", opensmile.FeatureSet.ComParE_2016, 11),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="crates/features/tests/golden", help="the folder to write to")
    args = parser.parse_args()
    versions = {"python": platform.python_version(), "opensmile": opensmile.__version__, "numpy": np.__version__}
    for name, features, stride in SETS:
        smile = opensmile.Smile(features, opensmile.FeatureLevel.Functionals, num_workers=1)
        signals = {}
        for signal, rate, seconds, hertz in SIGNALS:
            table = smile.process_signal(voice(rate, seconds, hertz).astype(np.float32), rate)
            signals[signal] = [float(f"{value:.8g}") for value in table.to_numpy()[0][::stride]]
        golden = {"made_with": versions, "columns": list(smile.feature_names)[::stride], "signals": signals}
        with open(Path(args.out) / name, "w") as file:
            json.dump(golden, file, separators=(",", ":"))
            file.write("\n")
    print(versions)


if __name__ == "__main__":
    main()
