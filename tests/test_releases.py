"""Files that a release wrote are read by this version, and give the counts that they gave then."""

from pathlib import Path

import pandas as pd
import pytest

from cell_pipelines import count
from cell_pipelines.annotations.storage import read_parquet
from cell_pipelines.workflows.reading import read_cells
from cell_pipelines.workflows.trained_model import TrainedModel

RELEASES = sorted(path for path in (Path(__file__).parent / "releases").iterdir() if path.is_dir())
CLASSES = ["blue", "red"]


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def release(request):
    return request.param


@pytest.fixture
def counts(release):
    return pd.read_csv(release / "counts.csv").set_index("image")


def test_a_model_file_counts_as_it_did(release, counts):
    result = count(release / "images", release / "model.pt")
    found = result.table.set_index("image")[list(counts.columns)]
    assert counts["total"].sum() > 10
    pd.testing.assert_frame_equal(found, counts, check_dtype=False)
    assert result.model.record["count_interval"], "what the file says of its validation is lost"


def test_annotations_and_predictions_are_read_with_all_their_objects(release, counts):
    truth, predictions = (read_parquet(release / name) for name in ("annotations", "predictions"))
    assert truth.categories == predictions.categories == tuple(CLASSES)
    assert truth.n_images == predictions.n_images > len(counts)
    assert set(counts.index) <= set(truth.names)
    assert truth.n_objects > truth.n_images
    stored = pd.DataFrame(predictions.counts(), predictions.names, CLASSES)
    pd.testing.assert_frame_equal(stored.loc[counts.index], counts[CLASSES], check_dtype=False, check_names=False)


def test_stored_scores_hold_the_same_cells(release, counts):
    scores = pd.read_csv(release / "scores.csv")
    cells = read_cells(scores, release / "store", TrainedModel.open(release / "model.pt"))
    found = pd.DataFrame(cells.counts(), cells.names, CLASSES)
    pd.testing.assert_frame_equal(found.loc[counts.index], counts[CLASSES], check_dtype=False, check_names=False)
