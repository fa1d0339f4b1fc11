#!/usr/bin/env python3
"""Judges the answers of several runs together: late fusion by the weighted mean of log probabilities.

Nothing is fitted: weights are given, the first run's is 1. All runs must have left each recording's speaker out, so that what is fused was said of an unheard voice.

Usage: scripts/late_fusion.py RUN OTHER... [--weights 1 0.5 0.25]
Each OTHER is fused with RUN by itself, by each weight. Prints unweighted average recall with its 95 % bootstrap interval over speakers, as Markdown.
"""

import argparse
import csv
import math
import random
from pathlib import Path

FLOOR = 1e-4  # of a probability: written ones have six digits, and one run should not outvote all others
RESAMPLES = 2000


def predictions(run: Path) -> dict[str, dict]:
    with (run / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    for name, row in rows.items():
        if row["fold"] != row["speaker"]:
            raise SystemExit(f"{run}: {name} was not judged with its speaker left out")
    return rows


def labels(rows: dict[str, dict]) -> list[str]:
    first = next(iter(rows.values()))
    return [column for column in first if column not in ("file", "speaker", "fold", "truth", "predicted")]


def fused(runs: list[tuple[dict[str, dict], float]]) -> list[tuple[str, str, str]]:
    """Speaker, truth and answer of each recording."""
    first = runs[0][0]
    for rows, _ in runs[1:]:
        if rows.keys() != first.keys() or labels(rows) != labels(first):
            raise SystemExit("the runs judge different recordings or emotions")
    answers = []
    for name, row in first.items():
        score = {
            label: sum(weight * math.log(max(float(rows[name][label]), FLOOR)) for rows, weight in runs)
            for label in labels(first)
        }
        answers.append((row["speaker"], row["truth"], max(score, key=score.get)))
    return answers


def recall(answers: list[tuple[str, str, str]]) -> float:
    of, right = {}, {}
    for _, truth, answer in answers:
        of[truth] = of.get(truth, 0) + 1
        right[truth] = right.get(truth, 0) + (answer == truth)
    return sum(right[label] / of[label] for label in of) / len(of)


def interval(answers: list[tuple[str, str, str]]) -> tuple[float, float]:
    by_speaker: dict[str, list] = {}
    for answer in answers:
        by_speaker.setdefault(answer[0], []).append(answer)
    draw = random.Random(1)
    speakers = sorted(by_speaker)
    figures = sorted(
        recall([answer for speaker in draw.choices(speakers, k=len(speakers)) for answer in by_speaker[speaker]])
        for _ in range(RESAMPLES)
    )
    return figures[round(0.025 * RESAMPLES)], figures[round(0.975 * RESAMPLES) - 1]


def tell(runs: list[tuple[dict[str, dict], float]]) -> str:
    answers = fused(runs)
    low, high = interval(answers)
    return f"{recall(answers):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("other", type=Path, nargs="+")
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0, 0.5, 0.25])
    given = parser.parse_args()
    first = predictions(given.run)
    print("| run | alone | " + " | ".join(f"weight {weight:g}" for weight in given.weights) + " |")
    print("| --- | --: |" + " --: |" * len(given.weights))
    print(f"| {given.run.name} | {tell([(first, 1.0)])} |" + " |" * len(given.weights))
    for path in given.other:
        rows = predictions(path)
        cells = [tell([(first, 1.0), (rows, weight)]) for weight in given.weights]
        print(f"| {path.name} | {tell([(rows, 1.0)])} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
