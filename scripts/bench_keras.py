"""Measures an epoch of a network in Keras on TensorFlow, on the CPU.

Networks, data sizes and optimisers are those of the examples `model_a_epoch` and `mel_cnn_epoch` of `crates/nn`.

    python bench_keras.py model-a|mel-cnn [THREADS] [EPOCHS]

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

NAME = sys.argv[1]
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
EPOCHS = max(int(sys.argv[3]) if len(sys.argv) > 3 else 5, 2)
# Both must be set before the first operation.
tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(1)

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402


class Clock(keras.callbacks.Callback):
    """Notes how long each epoch takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def model_a() -> list[layers.Layer]:
    return [
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
        layers.Dense(7),
    ]


def mel_cnn() -> list[layers.Layer]:
    blocks = []
    for filters in (32, 32, 64, 64):
        blocks += [layers.Conv2D(filters, 3, padding="same"), layers.ReLU(), layers.MaxPooling2D(2)]
    return [
        *blocks,
        layers.Flatten(),
        layers.Dense(128),
        layers.ReLU(),
        layers.Dense(64),
        layers.ReLU(),
        layers.Dropout(0.5),
        layers.Dense(5),
    ]


# The layers, the optimiser, the shape of the inputs, the number of classes, the size of a batch and the trainable
# parameters.
NETWORKS = {
    "model-a": (model_a, lambda: keras.optimizers.RMSprop(1e-5, rho=0.9, epsilon=1e-7), (1712, 193, 1), 7, 16, 269_831),
    "mel-cnn": (mel_cnn, lambda: keras.optimizers.Adam(1e-3), (900, 130, 128, 1), 5, 64, 597_989),
}


def main() -> None:
    make, optimizer, shape, classes, size, parameters = NETWORKS[NAME]
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input(shape[1:]), *make()])
    assert sum(int(np.prod(w.shape)) for w in network.trainable_weights) == parameters
    network.compile(optimizer=optimizer(), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    inputs = np.random.standard_normal(shape).astype(np.float32)
    clock = Clock()
    labels = np.arange(shape[0]) % classes
    network.fit(inputs, labels, batch_size=size, epochs=EPOCHS, verbose=0, callbacks=[clock])

    median = round(statistics.median(clock.seconds[1:]), 4)
    version = f"{keras.__version__} (TensorFlow {tf.__version__})"
    print(json.dumps({"peer": "keras", "version": version, "threads": THREADS, "seconds_per_epoch": median}))


main()
