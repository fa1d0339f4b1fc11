#!/usr/bin/env python3
"""Print when Keras' callbacks stop a training and lower its rate, for given validation losses.

    python scripts/keras_training_golden.py

The values stand in the tests of crates/nn/src/train/{schedule,stopping}.rs.
"""

import os
import platform

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras  # noqa: E402


class Model:
    """What the callbacks want of a model."""

    def __init__(self):
        self.optimizer = keras.optimizers.SGD(1.0)
        self.stop_training = False


def rates(losses, **parameters):
    """The learning rate after each epoch."""
    model, callback = Model(), keras.callbacks.ReduceLROnPlateau(monitor="val_loss", mode="min", **parameters)
    callback.set_model(model)
    callback.on_train_begin()
    result = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        result.append(round(float(model.optimizer.learning_rate), 6))
    return result


def stopped(losses, **parameters):
    """The epoch after which training ends, if any, and the best epoch by then; from 1."""
    model, callback = Model(), keras.callbacks.EarlyStopping(monitor="val_loss", mode="min", **parameters)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            return epoch + 1, callback.best_epoch + 1
    return None, callback.best_epoch + 1


def main():
    print(f"Python {platform.python_version()}, Keras {keras.__version__}")
    losses = [2.0, 1.95, 1.9, 1.95, 1.5, 1.5, 1.6, 1.5, 1.5, 1.5, 1.5]
    print("plateau:", rates(losses, factor=0.5, patience=2, min_delta=0.1, min_lr=0.15))
    losses = [3.0, 2.0, 2.5, 2.1, 1.0, 1.0, 1.5, 0.5]
    for patience in (1, 2, 3):
        print(f"stopping, patience {patience}:", stopped(losses, patience=patience))
    print("stopping, equal losses:", stopped([1.0, 1.0, 1.0], patience=2))
    for losses in ([2.0, 1.75, 1.375, 1.25], [2.0, 1.75, 1.5]):
        print(f"stopping, small falls to {losses[-1]}:", stopped(losses, patience=2, min_delta=0.5))


main()
