"""Prints the golden values of `crates/nn/src/golden.rs`: a small network over pictures in Keras, in float64.

    python network_golden.py

Inputs and parameters are sines of their positions, so that the test can make them without a file.
"""

import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

keras.config.set_floatx("float64")


def show(name: str, values: np.ndarray) -> None:
    texts = [f"{value:.8f}" for value in np.asarray(values).ravel()]
    print(f"const {name}: [f64; {len(texts)}] = [")
    for first in range(0, len(texts), 8):
        print("    " + ", ".join(texts[first : first + 8]) + ",")
    print("];")


def main() -> None:
    print(f"// keras {keras.__version__}, TensorFlow {tf.__version__}, float64")
    network = keras.Sequential(
        [
            keras.Input((5, 8, 1)),
            layers.Conv2D(3, (2, 3), strides=(2, 1), padding="same"),
            layers.ELU(alpha=0.5),
            layers.MaxPooling2D((1, 2)),
            layers.Conv2D(2, (3, 4), padding="same"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    first = 0
    for weight in network.trainable_weights:
        count = int(np.prod(weight.shape))
        weight.assign(np.sin(1.3 * np.arange(first, first + count)).reshape(weight.shape))
        first += count
    inputs = tf.constant(np.sin(0.7 * np.arange(40)).reshape(1, 5, 8, 1))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = network(inputs)
        loss = outputs[0, 0] - 2.0 * outputs[0, 1]
    gradients = tape.gradient(loss, [*network.trainable_weights, inputs])
    show("OUTPUTS", outputs)
    show("PARAMETERS", np.concatenate([np.ravel(gradient) for gradient in gradients[:-1]]))
    show("INPUTS", gradients[-1])


main()
