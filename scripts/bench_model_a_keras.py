"""Measures an epoch of Model A of Issa, Demirci & Yazici 2020 in Keras on TensorFlow, on the CPU.

The network, data sizes and optimiser are those of `crates/nn/examples/model_a_epoch.rs`.

    python bench_model_a_keras.py [THREADS] [EPOCHS]

Prints one line of JSON with the median of the epochs after the first.
"""

import json
import os
import statistics
import sys
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import tensorflow as tf  # noqa: E402

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
EPOCHS = max(int(sys.argv[2]) if len(sys.argv) > 2 else 5, 2)
# Both must be set before the first operation.
tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(1)

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

SAMPLES, FEATURES, CLASSES, BATCH = 1712, 193, 7, 16


class Clock(keras.callbacks.Callback):
    """Notes how long each epoch takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def main() -> None:
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((FEATURES, 1)),
            layers.Conv1D(256, 5, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv1D(128, 5, padding="same"),
            layers.ReLU(),
            layers.Dropout(0.1),
            layers.MaxPooling1D(8),
            layers.Conv1D(128, 5, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(CLASSES),
        ]
    )
    assert sum(int(np.prod(w.shape)) for w in network.trainable_weights) == 269_831
    network.compile(
        optimizer=keras.optimizers.RMSprop(1e-5, rho=0.9, epsilon=1e-7),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    inputs = np.random.standard_normal((SAMPLES, FEATURES, 1)).astype(np.float32)
    labels = np.arange(SAMPLES) % CLASSES
    clock = Clock()
    network.fit(inputs, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[clock])

    median = statistics.median(clock.seconds[1:])
    version = f"{keras.__version__} (TensorFlow {tf.__version__})"
    print(
        json.dumps({"peer": "keras", "version": version, "threads": THREADS, "seconds_per_epoch": round(median, 4)})
    )


main()
