"""Train StarDist's own package and predict at marks of processor time; for `minutes_to_f1.py`, in StarDist's environment.

python benchmarks/minutes_stardist.py images.npz out.npz 4 8 16
"""

import sys
import time

import numpy as np
import tensorflow as tf
from csbdeep.utils import normalize
from stardist import fill_label_holes
from stardist.models import Config2D, StarDist2D
from tensorflow import keras

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


class Marks(keras.callbacks.Callback):
    """Keep the weights at marks of processor minutes, and end the training after the last."""

    def __init__(self, minutes):
        super().__init__()
        self.left, self.kept, self.began = list(minutes), {}, time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        """Look at the time."""
        if self.left and time.process_time() - self.began >= 60 * self.left[0]:
            self.kept[self.left.pop(0)] = self.model.get_weights()
            self.model.stop_training = not self.left


_GENERATOR = np.random.default_rng(0)


def augment(image, labels):
    """Turn, mirror and change the intensities, as StarDist's example of a training does."""
    draw = _GENERATOR
    turns, flip = draw.integers(4), draw.integers(2)
    image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if flip:
        image, labels = image[::-1], labels[::-1]
    image = image * draw.uniform(0.6, 2) + draw.uniform(-0.2, 0.2)
    return image + 0.02 * draw.uniform() * draw.normal(size=image.shape), labels


def main():
    """Train, and write the labels of the test images at each mark."""
    source, target, minutes = sys.argv[1], sys.argv[2], [float(mark) for mark in sys.argv[3:]]
    parts = np.load(source, allow_pickle=True)
    images = {part: [normalize(x, 1, 99.8) for x in parts[f"{part}_images"]] for part in ("train", "val", "test")}
    labels = {part: [fill_label_holes(y) for y in parts[f"{part}_labels"]] for part in ("train", "val")}
    np.random.seed(0)  # noqa: NPY002 - what StarDist draws from
    tf.random.set_seed(0)
    model = StarDist2D(
        Config2D(n_rays=32, grid=(2, 2), n_channel_in=1, train_tensorboard=False), name="race", basedir=None
    )
    model.prepare_for_training()
    marks = Marks(minutes)
    model.callbacks.append(marks)
    model.train(
        images["train"],
        labels["train"],
        validation_data=(images["val"], labels["val"]),
        augmenter=augment,
        epochs=10_000,
    )
    out = {}
    for mark, weights in marks.kept.items():
        model.keras_model.set_weights(weights)
        model.optimize_thresholds(images["val"], labels["val"])
        out |= {f"{mark}_{i}": model.predict_instances(x)[0].astype(np.int32) for i, x in enumerate(images["test"])}
    np.savez_compressed(target, **out)


if __name__ == "__main__":
    main()
