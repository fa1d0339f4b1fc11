"""Writes sklearn.json: what scikit-learn fits to data that src/testing.rs makes by the same formula.

Run with numpy, scipy and scikit-learn installed:  python make.py
"""

import json
import pathlib
import platform

import numpy as np
import scipy
import sklearn
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

PROBED = 6  # rows whose outputs are written


class Lcg:
    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) / 2**31

    def centred(self):
        return 2 * self.uniform() - 1


def blobs(rows, columns, classes, spread, seed):
    random = Lcg(seed)
    x = np.empty((rows, columns), dtype=np.float32)
    y = np.empty(rows, dtype=int)
    for row in range(rows):
        u = random.uniform()
        y[row] = row if row < classes else int(classes * u * u)
        for column in range(columns):
            centre = ((7 * y[row] + 3 * column) % 5) * 0.5 - 1.0
            noise = random.centred() + random.centred()
            x[row, column] = centre + spread * noise
    return x, y


def numbers(array):
    return [float(f"{v:.10g}") for v in np.ravel(array)]


def linear(model, z):
    return {
        "weights": numbers(model.coef_),
        "intercepts": numbers(model.intercept_),
        "probabilities": numbers(model.predict_proba(z[:PROBED])),
    }


def logistic(z, y, **settings):
    return linear(LogisticRegression(tol=1e-9, max_iter=100_000, **settings).fit(z, y), z)


def lda(z, y, **settings):
    return linear(LinearDiscriminantAnalysis(solver="lsqr", **settings).fit(z, y), z)


def svm(z, y, **settings):
    model = SVC(tol=1e-6, decision_function_shape="ovo", **settings).fit(z, y)
    return {"support": int(model.n_support_.sum()), "decisions": numbers(model.decision_function(z[:PROBED]))}


def main():
    cases = []
    for rows, columns, classes, spread, seed in [(80, 5, 3, 0.9, 1), (50, 4, 2, 0.9, 2), (30, 40, 4, 1.5, 3)]:
        x, y = blobs(rows, columns, classes, spread, seed)
        scaler = StandardScaler().fit(x.astype(np.float64))
        z = scaler.transform(x.astype(np.float64))
        cases.append(
            {
                "data": {"rows": rows, "columns": columns, "classes": classes, "spread": spread, "seed": seed},
                "labels": [int(v) for v in y],
                "mean": numbers(scaler.mean_),
                "scale": numbers(scaler.scale_),
                "logistic": logistic(z, y, C=1.0),
                "logistic_balanced": logistic(z, y, C=0.05, class_weight="balanced"),
                "lda_auto": lda(z, y, shrinkage="auto"),
                "lda_half_flat": lda(z, y, shrinkage=0.5, priors=np.full(classes, 1 / classes)),
                "svm_linear": svm(z, y, kernel="linear", C=0.5),
                "svm_rbf": svm(z, y, kernel="rbf", C=2.0),
                "svm_rbf_balanced": svm(z, y, kernel="rbf", C=1.0, gamma=0.1, class_weight="balanced"),
            }
        )
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
    print(versions)
    out = pathlib.Path(__file__).with_name("sklearn.json")
    out.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
