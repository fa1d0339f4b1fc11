"""Writes scores.json: label lists, what scikit-learn makes of them, and a bootstrap over speakers with NumPy.

Run from this folder: python make.py
"""

import json
import platform
from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    precision_score,
)


def case(name, classes, truth, predicted):
    labels = list(range(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=labels, zero_division=0
    )
    return {
        "name": name,
        "classes": classes,
        "truth": [int(label) for label in truth],
        "predicted": [int(label) for label in predicted],
        "uar": balanced_accuracy_score(truth, predicted),
        "war": accuracy_score(truth, predicted),
        "macro_precision": precision_score(truth, predicted, average="macro", zero_division=0),
        "macro_f1": f1_score(truth, predicted, average="macro", zero_division=0),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.astype(int).tolist(),
        "counts": confusion_matrix(truth, predicted, labels=labels).tolist(),
        "by_row": confusion_matrix(truth, predicted, labels=labels, normalize="true").tolist(),
        "by_column": confusion_matrix(truth, predicted, labels=labels, normalize="pred").tolist(),
    }


def drawn(seed, classes, size, hit, true_classes=None, shares=None):
    """Labels of which a share `hit` is right, the rest anything."""
    generator = np.random.default_rng(seed)
    truth = generator.choice(true_classes or classes, size=size, p=shares)
    anything = generator.integers(0, classes, size=size)
    return truth, np.where(generator.random(size) < hit, truth, anything)


emodb = np.array([127, 81, 46, 69, 71, 79, 62]) / 535
cases = [
    case("seven unbalanced classes", 7, *drawn(1, 7, 120, 0.6, shares=emodb)),
    case("five balanced classes", 5, *drawn(2, 5, 60, 0.4)),
    case("two classes", 2, *drawn(3, 2, 31, 0.3)),
    case("classes that are predicted but never true", 6, *drawn(4, 6, 40, 0.5, true_classes=[0, 2, 3])),
    case("a class that is true but never predicted", 3, [0, 0, 1, 1, 2, 2, 2], [0, 1, 1, 1, 0, 1, 0]),
    case("a class that does not occur at all", 4, [0, 0, 1, 3], [0, 1, 1, 0]),
    case("one class in truth", 3, [1, 1, 1], [1, 0, 2]),
    case("nothing right", 3, [0, 1, 2, 0], [1, 2, 0, 2]),
    case("everything right", 3, [0, 1, 2, 0], [0, 1, 2, 0]),
    case("one recording", 2, [1], [1]),
]


def bootstrap(resamples=4000):
    """Percentile intervals over 12 speakers of unequal size and skill, some of whom lack classes."""
    generator = np.random.default_rng(11)
    truth, predicted, speaker = [], [], []
    for name, (size, skill) in enumerate(zip(range(4, 28, 2), np.linspace(0.3, 0.9, 12)[::-1], strict=True)):
        labels = generator.integers(0, 4 if name % 3 else 2, size=size)
        wrong = generator.integers(0, 4, size=size)
        truth += labels.tolist()
        predicted += np.where(generator.random(size) < skill, labels, wrong).tolist()
        speaker += [name] * size
    truth, predicted, speaker = np.array(truth), np.array(predicted), np.array(speaker)
    members = [np.flatnonzero(speaker == name) for name in range(12)]
    figures = []
    for _ in range(resamples):
        drawn_items = np.concatenate([members[name] for name in generator.integers(0, 12, size=12)])
        t, p = truth[drawn_items], predicted[drawn_items]
        figures.append([balanced_accuracy_score(t, p), accuracy_score(t, p), f1_score(t, p, average="macro")])
    low, high = np.percentile(figures, [2.5, 97.5], axis=0).tolist()
    return {
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "speaker": speaker.tolist(),
        "uar": [low[0], high[0]],
        "war": [low[1], high[1]],
        "macro_f1": [low[2], high[2]],
    }


versions = {
    "python": platform.python_version(),
    "numpy": np.__version__,
    "scikit-learn": sklearn.__version__,
}
print(versions)
lines = ",\n".join(json.dumps(case) for case in cases)
text = f'{{"versions": {json.dumps(versions)}, "bootstrap": {json.dumps(bootstrap())}, "cases": [\n{lines}\n]}}\n'
Path(__file__).with_name("scores.json").write_text(text)
