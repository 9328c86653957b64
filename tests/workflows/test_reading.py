import numpy as np
import pandas as pd
import pytest
import torch

from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.selection import select_images
from cell_pipelines.inference.predictor import pack_scores
from cell_pipelines.inference.stored import write_arrays
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.thresholds import Threshold, Thresholds
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.scoring import COLUMNS
from cell_pipelines.workflows.trained_model import TrainedModel


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    network = create_network(NetworkSpec("resunet", in_channels=1, out_channels=2, options={"width": 4}))
    description = {
        "representation": {"name": "binary", "options": {}},
        "categories": ["blue", "red"],
        "mean_area_px": 100.0,
        "decoding": {name: {"cutoff": 0.5, "min_area_px": 4.0, "spacing_px": 0.0} for name in ("blue", "red")},
    }
    path = tmp_path / "model.pt"
    path.write_bytes(write_checkpoint(network, description))
    return path


def stored(folder, *images):
    """Store the probabilities of both classes of some images, and return the table that says where."""
    binary, rows = create_representation("binary"), []
    for number, classes in enumerate(images):
        arrays = pack_scores([binary.reduce(one[None].astype(np.float32)) for one in classes])
        write_arrays(arrays, classes[0].shape, folder / f"{number}.npz")
        rows.append({"image": f"{number}.png", "split": "val", "file": f"{number}.npz", "error": ""})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def squares(*corners, shape=(40, 50), value=0.9):
    image = np.zeros(shape)
    for row, column in corners:
        image[row : row + 8, column : column + 8] = value
    return image


def test_stored_probabilities_become_masks_with_scores_classes_and_splits(checkpoint, tmp_path):
    blue, red = squares((2, 2), (20, 30)), squares((2, 30), value=0.7)
    cells = read_cells(stored(tmp_path, (blue, red)), tmp_path, TrainedModel.open(checkpoint))
    assert cells.counts().tolist() == [[2, 1]]
    assert np.allclose(cells.scores, [0.9, 0.9, 0.7], atol=1e-4)
    labels, lost = objects_to_labels(cells)
    assert np.array_equal(labels > 0, (blue + red) > 0)
    assert not lost.any()
    assert cells.images["split"].to_pylist() == ["val"]


def test_other_decodings_give_other_cells(checkpoint, tmp_path):
    table = stored(tmp_path, (squares((2, 2), value=0.6), squares()))
    assert read_cells(table, tmp_path, TrainedModel.open(checkpoint)).n_objects == 1
    strict = TrainedModel.open(checkpoint).with_thresholds(Thresholds({"blue": Threshold(0.8)}))
    assert read_cells(table, tmp_path, strict).n_objects == 0


def test_an_image_without_cells_is_kept_and_one_without_scores_is_not(checkpoint, tmp_path):
    table = stored(tmp_path, (squares(), squares()), (squares((1, 1)), squares()))
    broken = pd.DataFrame([{"image": "broken.png", "error": "broken.png: no image."}])
    cells = read_cells(pd.concat([table, broken], ignore_index=True), tmp_path, TrainedModel.open(checkpoint))
    assert cells.names == ["0.png", "1.png"]
    assert [select_images(cells, [row]).n_objects for row in (0, 1)] == [0, 1]


def test_no_images_give_an_empty_set(checkpoint, tmp_path):
    cells = read_cells(pd.DataFrame(columns=list(COLUMNS)), tmp_path, TrainedModel.open(checkpoint))
    assert (cells.n_images, cells.categories) == (0, ("blue", "red"))
