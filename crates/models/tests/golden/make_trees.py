"""Writes trees.json: what scikit-learn's trees make of the data of make.py, where nothing is left to chance.

Run with numpy and scikit-learn installed:  python make_trees.py
"""

import json
import pathlib
import platform

import numpy as np
import sklearn
from make import PROBED, blobs, numbers
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.preprocessing import StandardScaler


def forest(z, y, **settings):
    """One tree on all recordings and all features. It must stay coarse: in small nodes, splits by different features are often
    equally good, and which of them is taken would be left to chance."""

    def fitted(seed):
        model = RandomForestClassifier(1, bootstrap=False, max_features=None, random_state=seed, **settings).fit(z, y)
        return {"probabilities": numbers(model.predict_proba(z[:PROBED])), "importances": numbers(model.feature_importances_)}

    assert all(fitted(seed) == fitted(0) for seed in range(20)), "left to chance"
    return fitted(0)


def boosting(z, y, **settings):
    model = HistGradientBoostingClassifier(early_stopping=False, min_samples_leaf=1, **settings).fit(z, y)
    return {"probabilities": numbers(model.predict_proba(z[:PROBED]))}


def main():
    cases = []
    for rows, columns, classes, spread, seed in [(80, 5, 3, 0.9, 1), (240, 8, 5, 1.5, 2)]:
        x, y = blobs(rows, columns, classes, spread, seed)
        z = StandardScaler().fit_transform(x.astype(np.float64))
        cases.append(
            {
                "data": {"rows": rows, "columns": columns, "classes": classes, "spread": spread, "seed": seed},
                "forest": forest(z, y, max_depth=2, min_samples_leaf=12),
                "forest_balanced": forest(z, y, min_samples_split=40, class_weight="balanced"),
                # Half of ours, whose second derivatives are twice as large.
                "boosting": boosting(
                    z, y, max_iter=20, learning_rate=0.15, l2_regularization=0.5, max_leaf_nodes=None, max_depth=3
                ),
                "boosting_leaf_wise": boosting(
                    z,
                    y,
                    max_iter=10,
                    learning_rate=0.1,
                    l2_regularization=1.0,
                    max_leaf_nodes=6,
                    class_weight="balanced",
                ),
            }
        )
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__}
    print(versions)
    out = pathlib.Path(__file__).with_name("trees.json")
    out.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
