#!/usr/bin/env python3
"""The server that ours is measured beside: Flask under gunicorn, librosa and scikit-learn.

    python scripts/bench_flask.py DIR [WORKERS]

DIR holds the synthetic corpus (`stimmung corpus synth`), on which a classifier of the same kind as `recipes/emodb-mfcc.toml` is fitted first: means
and standard deviations of 80 MFCC, standardised, under a multinomial logistic regression. `POST /predict` takes a recording and gives the
label and the probabilities. Each of the WORKERS processes works on one thread. Prints one line of JSON with the address once it listens.
"""

import io
import json
import os
import socket
import sys
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import librosa
import numpy as np
import sklearn
from flask import Flask, jsonify, request
from gunicorn.app.base import BaseApplication
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def features(recording) -> np.ndarray:
    y, sr = librosa.load(recording, sr=16000)
    table = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=80)
    return np.concatenate([table.mean(1), table.std(1)])


def fitted(folder: Path):
    files = sorted(folder.glob("*.wav"))
    # S01_anger_t02_1.wav
    labels = [file.name.split("_")[1] for file in files]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000))
    return model.fit(np.stack([features(file) for file in files]), labels)


def application(model) -> Flask:
    app = Flask(__name__)

    @app.post("/predict")
    def predict():
        probabilities = model.predict_proba(features(io.BytesIO(request.get_data()))[None])[0]
        named = {label: round(float(value), 6) for label, value in zip(model.classes_, probabilities)}
        return jsonify(label=max(named, key=named.get), probabilities=named)

    return app


class Server(BaseApplication):
    """gunicorn without its command line."""

    def __init__(self, app: Flask, workers: int, port: int) -> None:
        self.app, self.workers, self.port = app, workers, port
        super().__init__()

    def load_config(self) -> None:
        def ready(_) -> None:
            peer = f"Flask, librosa {librosa.__version__}, scikit-learn {sklearn.__version__}"
            print(json.dumps({"listening": f"127.0.0.1:{self.port}", "peer": peer}), flush=True)

        self.cfg.set("bind", f"127.0.0.1:{self.port}")
        self.cfg.set("workers", self.workers)
        # Connections are kept open, and no worker starves behind one of them.
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", 16)
        self.cfg.set("when_ready", ready)
        self.cfg.set("loglevel", "warning")

    def load(self) -> Flask:
        return self.app


def main() -> None:
    folder = Path(sys.argv[1])
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Server(application(fitted(folder)), workers, port).run()


main()
