#!/usr/bin/env python3
"""Times scikit-learn's trees, or finds how often they are right, on a table of features of Emo-DB.

    python compare_trees.py TABLE random-forest|gradient-boosting|leaf-wise fit|accuracy THREADS SEED

The other side of `crates/models/examples/trees.rs`, with the same table, the same parameters and the same folds: `fit` is timed on
all rows, `accuracy` leaves out one speaker after another. `leaf-wise` are histogram trees with exactly our parameters (see
there; the seed takes bins away, because nothing else is left to chance), `gradient-boosting` the same with scikit-learn's own defaults. Prints one line of JSON.
"""

import csv
import json
import os
import sys
import time

THREADS = int(sys.argv[4]) if len(sys.argv) == 6 else sys.exit(__doc__)
# Must stand before the libraries are loaded.
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier  # noqa: E402


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))[1:]
    # Such as 03a01Fa.wav: speaker 03, sentence a01, emotion F, take a.
    names = [row[0].rsplit("/")[-1] for row in rows]
    x = np.array([[np.float32(v) for v in row[1:]] for row in rows])
    return x, np.array([name[5] for name in names]), np.array([name[:2] for name in names])


def model(kind, seed):
    if kind == "random-forest":
        return RandomForestClassifier(n_estimators=100, n_jobs=THREADS, random_state=seed)
    settings = {"max_iter": 100, "early_stopping": False, "random_state": seed}
    if kind == "leaf-wise":
        settings |= {"learning_rate": 0.15, "l2_regularization": 0.5, "min_samples_leaf": 1, "max_bins": 255 - seed}
    return HistGradientBoostingClassifier(**settings)


def accuracy(kind, seed, x, y, speakers):
    right = 0
    for speaker in np.unique(speakers):
        test = speakers == speaker
        right += (model(kind, seed).fit(x[~test], y[~test]).predict(x[test]) == y[test]).sum()
    return float(right / len(y))


def main():
    path, kind, task, _, seed = sys.argv[1:]
    x, y, speakers = read(path)
    result = {"peer": "scikit-learn", "version": sklearn.__version__}
    if task == "fit":
        start = time.perf_counter()
        model(kind, int(seed)).fit(x, y)
        result["seconds"] = round(time.perf_counter() - start, 5)
    else:
        result["accuracy"] = round(accuracy(kind, int(seed), x, y, speakers), 5)
    print(json.dumps(result))


main()
