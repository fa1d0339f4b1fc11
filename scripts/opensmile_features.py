#!/usr/bin/env python3
"""Writes the values that openSMILE gives for every WAV file of a folder, as CSV.

    python scripts/opensmile_features.py DIR OUT.csv                       # eGeMAPS v02: 88 functionals a recording
    python scripts/opensmile_features.py DIR OUT.csv --level lld           # 25 descriptors a frame
    python scripts/opensmile_features.py DIR OUT.csv --set compare-2016    # 6373 functionals, or 65 descriptors and their deltas
    python scripts/opensmile_features.py DIR OUT.csv --time                # also one line of JSON with the seconds it took, one thread

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


SETS = {"egemaps-v02": opensmile.FeatureSet.eGeMAPSv02, "compare-2016": opensmile.FeatureSet.ComParE_2016}
LLD, DELTAS = opensmile.FeatureLevel.LowLevelDescriptors, opensmile.FeatureLevel.LowLevelDescriptors_Deltas


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
    parser.add_argument("--set", choices=list(SETS), default="egemaps-v02")
    parser.add_argument("--level", choices=["functionals", "lld"], default="functionals")
    parser.add_argument("--limit", type=int, help="take only so many files, evenly spread over their names")
    parser.add_argument("--time", action="store_true")
    args = parser.parse_args()

    lld = args.level == "lld"
    # Descriptors and deltas are two tables, of which the second has rows more.
    levels = [opensmile.FeatureLevel.Functionals] if not lld else [LLD, DELTAS] if args.set == "compare-2016" else [LLD]
    smiles = [opensmile.Smile(SETS[args.set], level, num_workers=1) for level in levels]

    def describe(samples, rate):
        tables = [smile.process_signal(samples, rate).to_numpy() for smile in smiles]
        rows = min(len(table) for table in tables)
        return np.hstack([table[:rows] for table in tables])

    files = sorted(p for p in Path(args.folder).iterdir() if p.suffix.lower() == ".wav")
    if args.limit and args.limit < len(files):
        files = [files[i * len(files) // args.limit] for i in range(args.limit)]
    recordings = [(path.name, *decode(path)) for path in files]

    describe(np.zeros(16000, np.float32), 16000)
    start = time.perf_counter()
    tables = [describe(samples, rate) for _, samples, rate in recordings]
    seconds = time.perf_counter() - start

    with open(args.out, "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        names = [name for smile in smiles for name in smile.feature_names]
        rows.writerow(["file", *(["frame"] if lld else []), *names])
        for (name, _, _), table in zip(recordings, tables):
            for frame, row in enumerate(table):
                rows.writerow([name, *([frame] if lld else []), *(repr(float(v)) for v in row)])
    if args.time:
        sound = sum(len(samples) / rate for _, samples, rate in recordings)
        result = {"peer": "opensmile", "version": opensmile.__version__, "threads": 1}
        print(json.dumps(result | {"seconds": round(seconds, 5), "times_real_time": round(sound / seconds)}))


if __name__ == "__main__":
    main()
