#!/usr/bin/env python3
"""Writes the eGeMAPS v02 values that openSMILE gives for every WAV file of a folder, as CSV.

    python scripts/opensmile_features.py DIR OUT.csv                    # 88 functionals a recording
    python scripts/opensmile_features.py DIR OUT.csv --level lld        # 25 descriptors a frame
    python scripts/opensmile_features.py DIR OUT.csv --time             # also one line of JSON with the seconds it took, one thread

``stimmung check opensmile`` compares with what it writes. Files are decoded before the clock starts. 16-bit files only.
"""

import argparse
import csv
import json
import sys
import time
import wave
from pathlib import Path

import numpy as np
import opensmile


def decode(path):
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2:
            sys.exit(f"{path}: {8 * file.getsampwidth()} bits, expected 16")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return samples[:, 0].astype(np.float32) / 32768, file.getframerate()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--level", choices=["functionals", "lld"], default="functionals")
    parser.add_argument("--limit", type=int, help="take only so many files, evenly spread over their names")
    parser.add_argument("--time", action="store_true")
    args = parser.parse_args()

    levels = {
        "functionals": opensmile.FeatureLevel.Functionals,
        "lld": opensmile.FeatureLevel.LowLevelDescriptors,
    }
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, levels[args.level], num_workers=1)
    files = sorted(p for p in Path(args.folder).iterdir() if p.suffix.lower() == ".wav")
    if args.limit and args.limit < len(files):
        files = [files[i * len(files) // args.limit] for i in range(args.limit)]
    recordings = [(path.name, *decode(path)) for path in files]

    smile.process_signal(np.zeros(16000, np.float32), 16000)
    start = time.perf_counter()
    tables = [smile.process_signal(samples, rate) for _, samples, rate in recordings]
    seconds = time.perf_counter() - start

    with open(args.out, "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        lld = args.level == "lld"
        rows.writerow(["file", *(["frame"] if lld else []), *smile.feature_names])
        for (name, _, _), table in zip(recordings, tables):
            for frame, row in enumerate(table.to_numpy()):
                rows.writerow([name, *([frame] if lld else []), *(repr(float(v)) for v in row)])
    if args.time:
        sound = sum(len(samples) / rate for _, samples, rate in recordings)
        result = {"peer": "opensmile", "version": opensmile.__version__, "threads": 1}
        print(json.dumps(result | {"seconds": round(seconds, 5), "times_real_time": round(sound / seconds)}))


if __name__ == "__main__":
    main()
