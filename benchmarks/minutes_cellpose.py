"""Train Cellpose's own package from random weights and predict at marks; for `minutes_to_f1.py`, in its environment.

    python benchmarks/minutes_cellpose.py images.npz out.npz 4 8 16

Its training plans the learning rate over a number of epochs, so each mark is a training of its own.
"""

import sys
import tempfile
import time

import numpy as np
import torch
from cellpose import models, train

torch.set_num_threads(1)
_TIMED = 3


def fit(parts, epochs):
    """Return the model after so many epochs, with Cellpose's own settings, and the processor seconds."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - what Cellpose draws from
    model = models.CellposeModel(gpu=False, pretrained_model=False, model_type=None)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = train.train_seg(
            model.net, train_data=list(parts["train_images"]), train_labels=list(parts["train_labels"]), channels=[0, 0],
            test_data=list(parts["val_images"]), test_labels=list(parts["val_labels"]), min_train_masks=1,
            n_epochs=epochs, save_path=folder, model_name="race",
        )[0]  # fmt: skip
        seconds = time.process_time() - began
        return models.CellposeModel(gpu=False, pretrained_model=str(path)), seconds


def main():
    """Train for each mark, and write the labels of the test images."""
    source, target, minutes = sys.argv[1], sys.argv[2], [float(mark) for mark in sys.argv[3:]]
    parts = np.load(source, allow_pickle=True)
    fit(parts, 1)
    short, long = fit(parts, 1)[1], fit(parts, 1 + _TIMED)[1]
    each = (long - short) / _TIMED
    out = {}
    for mark in minutes:
        epochs = max(1, round((60 * mark - short) / each))
        model, seconds = fit(parts, epochs)
        print(f"{mark:g} minutes: {epochs} epochs, {seconds / 60:.2f} min", flush=True)
        for i, image in enumerate(parts["test_images"]):
            out[f"{mark}_{i}"] = model.eval(image, channels=[0, 0], diameter=None)[0].astype(np.int32)
    np.savez_compressed(target, **out)


if __name__ == "__main__":
    main()
