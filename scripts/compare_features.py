#!/usr/bin/env python3
"""Compare two tables of features, ours and librosa's, column by column.

    python scripts/compare_features.py ours.csv librosa.csv

Differences are divided by the standard deviation of the column over the recordings of the second table. Fails (status 1)
where the largest exceeds --largest or the median of all exceeds --median. Rows are matched by the file's name.
"""

import argparse
import csv
import re
import sys
from pathlib import Path

import numpy as np


def read(path):
    with open(path, newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        # Only numbers, and the name without its folder: the tables may have been made from different places.
        return header[1:], {Path(row[0]).name: np.array([float(v) for v in row[1:]]) for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours")
    parser.add_argument("librosa")
    parser.add_argument("--largest", type=float, default=1e-3, help="tolerance of the largest difference (default 1e-3)")
    parser.add_argument("--median", type=float, default=1e-5, help="tolerance of the median difference (default 1e-5)")
    parser.add_argument("--worst", type=int, default=10, help="how many columns to print (default 10)")
    args = parser.parse_args()

    header, ours = read(args.ours)
    header_librosa, librosa = read(args.librosa)
    if header != header_librosa:
        sys.exit(f"the columns differ: {[p for p in zip(header, header_librosa) if p[0] != p[1]][:3]}")
    only = sorted(set(ours) ^ set(librosa))
    if only:
        sys.exit(f"{len(only)} recordings are in one table only, such as {only[:3]}")
    names = sorted(ours)
    a = np.array([ours[n] for n in names])
    b = np.array([librosa[n] for n in names])
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        sys.exit("a table holds values that are not finite")

    sd = b.std(axis=0)
    difference = np.abs(a - b) / np.where(sd > 0, sd, 1.0)
    centred_a, centred_b = a - a.mean(0), b - b.mean(0)
    scale = np.sqrt((centred_a**2).sum(0) * (centred_b**2).sum(0))
    correlation = np.where(scale > 0, (centred_a * centred_b).sum(0) / np.where(scale > 0, scale, 1.0), 1.0)

    print(f"{len(names)} recordings, {len(header)} columns; differences in standard deviations of the column")
    print(f"{'group':<12}{'columns':>8}{'median':>11}{'99.9 %':>11}{'largest':>11}  {'worst column':<24}{'correlation':>12}")
    groups = [re.match(r"[a-z]+", h)[0] for h in header]
    for group in dict.fromkeys(groups):
        columns = [i for i, g in enumerate(groups) if g == group]
        part = difference[:, columns]
        worst = columns[int(part.max(0).argmax())]
        print(
            f"{group:<12}{len(columns):>8}{np.median(part):>11.2e}{np.quantile(part, 0.999):>11.2e}{part.max():>11.2e}"
            f"  {header[worst]:<24}{correlation[columns].min():>12.9f}"
        )
    print("\nworst columns")
    for index in np.argsort(-difference.max(0))[: args.worst]:
        row = int(difference[:, index].argmax())
        print(
            f"{header[index]:<24}largest {difference[row, index]:.2e} in {names[row]} "
            f"({a[row, index]:.7g} against {b[row, index]:.7g}), median {np.median(difference[:, index]):.2e}, "
            f"correlation {correlation[index]:.9f}"
        )

    failures = []
    largest, median = difference.max(), np.median(difference)
    print(f"\nlargest {largest:.2e} (tolerance {args.largest:g}), median {median:.2e} ({args.median:g})")
    if largest > args.largest:
        failures.append(f"{int((difference.max(1) > args.largest).sum())} recordings beyond the largest difference")
    if median > args.median:
        failures.append("median difference")
    if failures:
        sys.exit("FAILED: " + "; ".join(failures))
    print("agrees")


if __name__ == "__main__":
    main()
