#!/usr/bin/env python3
"""Compare two tables of eGeMAPS v02 or ComParE 2016 values, ours and openSMILE's, column by column.

    cargo run --release -p stimmung-features --example extract -- DIR egemaps-v02 ours.csv
    python scripts/opensmile_features.py DIR opensmile.csv --set egemaps-v02
    python scripts/compare_opensmile.py ours.csv opensmile.csv

    cargo run --release -p stimmung-features --example descriptors -- DIR compare-2016 ours.csv
    python scripts/opensmile_features.py DIR opensmile.csv --set compare-2016 --level lld
    python scripts/compare_opensmile.py ours.csv opensmile.csv

Prints for every column the correlation, and the median and the largest of the differences, each divided by the larger of
openSMILE's value and 1e-3. `differ` is the share of rows that differ by more than 1e-4. --list X prints the columns alone whose correlation is
below X; --by-functional sums the columns up by what follows the last underscore of their names, with the median and the lowest of the
correlations and the share of values that differ.

Only recordings in both tables count. Of descriptors, openSMILE's last frames are edges that repeat: the last three of every recording are
left out. Fails (status 1) where a column falls short of --correlation.
"""

import argparse
import csv
import sys

import numpy as np


def read(path):
    """Header, and per file the rows of values."""
    with open(path, newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        first = 2 if header[1] == "frame" else 1
        tables = {}
        for row in rows:
            tables.setdefault(row[0], []).append([float(v) for v in row[first:]])
    return header[first:], {name: np.array(table) for name, table in tables.items()}, first == 2


def by_functional(header, correlation, difference):
    """Prints what the columns of each functional have in common, in the order of their first columns."""
    groups = {}
    for index, column in enumerate(header):
        groups.setdefault(column.rsplit("_", 1)[-1], []).append(index)
    print(f"{'functional':<20}{'columns':>8}{'median':>13}{'lowest':>13}{'>= 0.9999':>10}{'>= 0.99':>8}{'differ':>9}{'by 1e-2':>9}")
    for functional, columns in groups.items():
        part, values = correlation[columns], difference[:, columns]
        print(
            f"{functional:<20}{len(columns):>8}{np.median(part):>13.8f}{part.min():>13.8f}{(part >= 0.9999).sum():>10}"
            f"{(part >= 0.99).sum():>8}{np.mean(values > 1e-4):>9.2%}{np.mean(values > 1e-2):>9.2%}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours")
    parser.add_argument("opensmile")
    parser.add_argument("--correlation", type=float, default=0.98, help="least correlation of a column (default 0.98)")
    parser.add_argument("--list", type=float, metavar="X", help="print only the columns with a correlation below this")
    parser.add_argument("--by-functional", action="store_true", help="print a line for every functional, not for every column")
    args = parser.parse_args()

    header, ours, frames = read(args.ours)
    header_opensmile, theirs, _ = read(args.opensmile)
    if header != header_opensmile:
        sys.exit(f"the columns differ: {[p for p in zip(header, header_opensmile) if p[0] != p[1]][:3]}")
    names = sorted(set(ours) & set(theirs))
    if not names:
        sys.exit("no recording is in both tables")
    if frames:
        lengths = {name: min(len(ours[name]), len(theirs[name])) - 3 for name in names}
        names = [name for name in names if lengths[name] > 0]
        ours = {name: ours[name][: lengths[name]] for name in names}
        theirs = {name: theirs[name][: lengths[name]] for name in names}
    a = np.concatenate([ours[name] for name in names])
    b = np.concatenate([theirs[name] for name in names])
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        sys.exit("a table holds values that are not finite")

    difference = np.abs(a - b) / np.maximum(np.abs(b), 1e-3)
    centred_a, centred_b = a - a.mean(0), b - b.mean(0)
    scale = np.sqrt((centred_a**2).sum(0) * (centred_b**2).sum(0))
    correlation = np.where(scale > 0, (centred_a * centred_b).sum(0) / np.where(scale > 0, scale, 1.0), 1.0)
    print(f"{len(names)} recordings, {len(a)} rows, {len(header)} columns")
    if args.by_functional:
        by_functional(header, correlation, difference)
    else:
        shown = [i for i in range(len(header)) if args.list is None or correlation[i] < args.list]
        wide = max((len(header[i]) for i in shown), default=0) + 1
        print(f"{'column':<{wide}}{'correlation':>13}{'median':>10}{'largest':>10}{'differ':>9}")
        for index in shown:
            part = difference[:, index]
            print(
                f"{header[index]:<{wide}}{correlation[index]:>13.8f}{np.median(part):>10.1e}{part.max():>10.1e}"
                f"{np.mean(part > 1e-4):>9.2%}"
            )
    for limit in (0.9999, 0.999, 0.99, 0.98, 0.9):
        print(f"correlation of at least {limit}: {int((correlation >= limit).sum())} of {len(header)} columns")
    if (correlation < args.correlation).any():
        sys.exit(1)


if __name__ == "__main__":
    main()
