"""Measures an epoch of a convolutional network over mel spectrograms in Keras on TensorFlow, on the CPU.

The network, data sizes and optimiser are those of `crates/nn/examples/mel_cnn_epoch.rs`.

    python bench_mel_cnn_keras.py [THREADS] [EPOCHS]

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

SAMPLES, FRAMES, BANDS, CLASSES, BATCH = 900, 130, 128, 5, 64


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
    blocks = []
    for filters in (32, 32, 64, 64):
        blocks += [layers.Conv2D(filters, 3, padding="same"), layers.ReLU(), layers.MaxPooling2D(2)]
    network = keras.Sequential(
        [
            keras.Input((FRAMES, BANDS, 1)),
            *blocks,
            layers.Flatten(),
            layers.Dense(128),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(64),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(CLASSES),
        ]
    )
    assert sum(int(np.prod(w.shape)) for w in network.trainable_weights) == 597_989
    network.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    inputs = np.random.standard_normal((SAMPLES, FRAMES, BANDS, 1)).astype(np.float32)
    labels = np.arange(SAMPLES) % CLASSES
    clock = Clock()
    network.fit(inputs, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[clock])

    median = statistics.median(clock.seconds[1:])
    version = f"{keras.__version__} (TensorFlow {tf.__version__})"
    print(
        json.dumps({"peer": "keras", "version": version, "threads": THREADS, "seconds_per_epoch": round(median, 4)})
    )


main()
