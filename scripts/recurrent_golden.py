#!/usr/bin/env python3
"""Make the golden values of the recurrent layers from Keras, in double precision.

    python scripts/recurrent_golden.py [--out crates/nn/tests/golden/recurrent.json]

Each case is a small network that ends in a dense layer, with its weights, some samples, their logits, and the gradients
of the mean cross-entropy. Keras has no attention pooling; it is written here by its formula. Needs
requirements-networks.txt. Prints the versions that it ran with; they are in the file too.
"""

import argparse
import json
import os
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

SAMPLES, CLASSES = 3, 3


class AttentionPool(layers.Layer):
    """softmax over time of the rows' products with a vector, then the rows' mean with these weights."""

    def build(self, shape):
        self.vector = self.add_weight(shape=(shape[-1],), name="kernel")

    def call(self, rows):
        weights = keras.ops.softmax(keras.ops.matmul(rows, self.vector), axis=1)
        return keras.ops.sum(rows * weights[..., None], axis=1)


def lstm(units, bidirectional=False, return_sequences=False):
    """A layer as the recipe has it, the Keras layer, and our names of its weights in Keras' order."""
    spec = {"layer": "lstm", "units": units, "bidirectional": bidirectional, "return_sequences": return_sequences}
    layer = layers.LSTM(units, return_sequences=return_sequences)
    names = ["kernel", "recurrent_kernel", "bias"]
    if bidirectional:
        layer = layers.Bidirectional(layer)
        names = [f"{direction}_{name}" for direction in ("forward", "backward") for name in names]
    return spec, layer, names


def attention_pool():
    return {"layer": "attention-pool"}, AttentionPool(), ["kernel"]


def dense():
    return {"layer": "dense", "units": CLASSES}, layers.Dense(CLASSES), ["kernel", "bias"]


CASES = {
    "one direction": ((5, 3), [lstm(4), dense()]),
    "one step": ((1, 2), [lstm(3, bidirectional=True), dense()]),
    "both directions": ((5, 2), [lstm(3, bidirectional=True), dense()]),
    "one upon another": ((4, 2), [lstm(2, bidirectional=True, return_sequences=True), lstm(3), dense()]),
    "attention": ((5, 2), [lstm(3, return_sequences=True), attention_pool(), dense()]),
}


def numbers(array):
    return [float(f"{value:.10g}") for value in np.asarray(array).ravel()]


def case(name, shape, parts, rng):
    network = keras.Sequential([keras.Input(shape), *(layer for _, layer, _ in parts)])
    counts, tensors = {}, []
    for spec, layer, names in parts:
        kind = spec["layer"]
        counts[kind] = counts.get(kind, 0) + 1
        assert len(names) == len(layer.trainable_weights)
        for tensor, weight in zip(names, layer.trainable_weights):
            # Weights as the network under test can hold them.
            weight.assign(rng.uniform(-0.9, 0.9, weight.shape).astype(np.float32))
            tensors.append((f"{kind}_{counts[kind]}.{tensor}", weight))
    inputs = rng.uniform(-2, 2, (SAMPLES, *shape)).astype(np.float32)
    labels = np.arange(SAMPLES) % CLASSES
    with tf.GradientTape() as tape:
        logits = network(inputs.astype(np.float64))
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))
    gradients = tape.gradient(loss, [weight.value for _, weight in tensors])
    return {
        "name": name,
        "shape": list(shape),
        "layers": [spec for spec, _, _ in parts],
        "tensors": [
            {"name": name, "shape": list(weight.shape), "values": numbers(weight), "gradient": numbers(gradient)}
            for (name, weight), gradient in zip(tensors, gradients)
        ],
        "inputs": numbers(inputs),
        "labels": labels.tolist(),
        "logits": numbers(logits),
        "parameters": network.count_params(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=Path, default=root / "crates/nn/tests/golden/recurrent.json")
    out = parser.parse_args().out
    keras.config.set_floatx("float64")
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    rng = np.random.default_rng(7)
    cases = [case(name, shape, parts, rng) for name, (shape, parts) in CASES.items()]
    out.parent.mkdir(parents=True, exist_ok=True)
    body = ",\n".join(json.dumps(case) for case in cases)
    out.write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{body}\n]}}\n')


main()
