#!/usr/bin/env python3
"""How well emotions are told apart by our columns, and by openSMILE's: the same classifiers on both, leaving each speaker out.

    stimmung corpus manifest emodb --out manifest.csv
    stimmung features emodb/wav --set egemaps-v02 --out ours.csv
    python scripts/opensmile_features.py emodb/wav opensmile.csv --set egemaps-v02
    python scripts/opensmile_accuracy.py manifest.csv ours.csv opensmile.csv

Prints one line of JSON for each classifier and each way to scale: over all speakers (from the training part), or speaker by speaker
(*transductive*). Files are matched by their names, without folders. The settings are fixed beforehand, the same for both tables.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC


class ShrinkageLda:
    """Linear discriminant analysis with equal priors; the mean covariance of the classes, a share of it replaced by a multiple of the identity.

    scikit-learn's inverts a matrix of columns by columns, which takes minutes for thousands of them; here, one of recordings by recordings (Woodbury 1950).
    """

    def __init__(self, share):
        self.share = share

    def fit(self, x, y):
        self.classes = np.unique(y)
        means = np.stack([x[y == label].mean(axis=0) for label in self.classes])
        centred = [x[y == label] - mean for label, mean in zip(self.classes, means)]
        spread = np.mean([(part**2).sum() / len(part) for part in centred])
        floor = self.share * spread / x.shape[1]
        parts = np.vstack([part * np.sqrt((1 - self.share) / len(part) / len(means)) for part in centred])
        inner = floor * np.eye(len(parts)) + parts @ parts.T
        self.weights = (means - np.linalg.solve(inner, parts @ means.T).T @ parts) / floor
        self.intercepts = -0.5 * (means * self.weights).sum(axis=1)
        return self

    def predict(self, x):
        return self.classes[(x @ self.weights.T + self.intercepts).argmax(axis=1)]


def table(path):
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        columns = [name for name in rows.fieldnames if name != "file"]
        return columns, {Path(row["file"]).stem: np.array([float(row[name]) for name in columns]) for row in rows}


def by_speaker(values, speakers):
    scaled = np.empty_like(values)
    for speaker in set(speakers):
        scaled[speakers == speaker] = StandardScaler().fit_transform(values[speakers == speaker])
    return scaled


def recall(make, values, emotions, speakers):
    """Pooled UAR; scaler and classifier are fitted without the speaker who is judged."""
    answers = np.empty_like(emotions)
    for speaker in sorted(set(speakers)):
        heard = speakers != speaker
        scaler = StandardScaler().fit(values[heard])
        classifier = make().fit(scaler.transform(values[heard]), emotions[heard])
        answers[~heard] = classifier.predict(scaler.transform(values[~heard]))
    return recall_score(emotions, answers, average="macro")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    (columns, ours), (theirs_columns, theirs) = table(sys.argv[2]), table(sys.argv[3])
    if set(columns) != set(theirs_columns):
        sys.exit("the tables have different columns")
    order = [theirs_columns.index(name) for name in columns]
    with open(sys.argv[1], newline="") as file:
        known = [row for row in csv.DictReader(file) if Path(row["file"]).stem in ours]
    stems = [Path(row["file"]).stem for row in known]
    missing = [stem for stem in stems if stem not in theirs]
    if missing or not known:
        sys.exit(f"{len(missing)} of {len(stems)} recordings of the manifest are not in {sys.argv[3]}")
    emotions = np.array([row["emotion"] for row in known])
    speakers = np.array([row["speaker"] for row in known])
    tables = {"ours": np.stack([ours[stem] for stem in stems]), "openSMILE": np.stack([theirs[stem][order] for stem in stems])}
    # Thousands of columns want more restraint than 88.
    wide = len(columns) > 1000
    makers = {
        "linear SVM": lambda: LinearSVC(C=1e-4 if wide else 1e-2, class_weight="balanced", max_iter=20000, random_state=0),
        "shrinkage LDA": lambda: ShrinkageLda(0.9 if wide else 0.1),
    }
    for adaptation in ["none", "transductive"]:
        for name, make in makers.items():
            scaled = {key: by_speaker(values, speakers) if adaptation == "transductive" else values for key, values in tables.items()}
            figures = {key: round(recall(make, values, emotions, speakers), 4) for key, values in scaled.items()}
            print(json.dumps({"classifier": name, "adaptation": adaptation, "columns": len(columns), "recordings": len(stems), **figures}), flush=True)


if __name__ == "__main__":
    main()
