import json
import re

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from cell_pipelines.annotations.formats.registry import detect_format, read_annotations, write_annotations
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.selection import iterate_images
from cell_pipelines.imaging.reading import list_image_files, read_image, write_image
from cell_pipelines.pipelines.sample_data.fields import CATEGORIES
from cell_pipelines.pipelines.sample_data.nodes import generate_sample_images
from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters

SMALL = {"height": 80, "width": 96, "cells": 5, "mean_radius_px": 7.0}
OWN = {"time_lapse": {"frames": 3}}


def settings(kind, **changes):
    scenes = {name: {**SMALL, **OWN.get(name, {})} for name in CATEGORIES if name != "live_dead"}
    given = {"kind": kind, "fields": 6, "series": 3, "scene": SMALL, "scenes": scenes, **changes}
    return SampleDataParameters.model_validate(given)


def index(folder):
    shapes = {name: file.info().shape for name, file in list_image_files(folder / "images").items()}
    return ImageIndex([ImageRecord(name, shape[1], shape[0]) for name, shape in shapes.items()])


@pytest.fixture(params=CATEGORIES, scope="module")
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    generate_sample_images(settings(request.param))(folder)
    return request.param, folder


def test_the_annotations_are_found_without_being_named(written):
    assert detect_format(written[1])[0] == "coco"


def test_the_masks_are_the_label_images(written):
    kind, folder = written
    annotations = read_annotations(folder, index(folder)).annotations
    assert annotations.categories == CATEGORIES[kind]
    assert annotations.n_images == 6 * {"live_dead": 2, "time_lapse": 3}.get(kind, 1)
    for one in iterate_images(annotations):
        labels, lost = objects_to_labels(one)
        written_labels = read_image(folder / "cells" / one.names[0])
        # In a time-lapse a label is the number of a track, which has gaps.
        numbered = np.searchsorted(np.unique(written_labels[written_labels > 0]), written_labels) + 1
        assert np.array_equal(labels, np.where(written_labels > 0, numbered, 0)) and not lost.any()


def test_yolo_gets_the_boxes_of_the_masks(written, tmp_path):
    _, folder = written
    annotations = read_annotations(folder, index(folder)).annotations
    write_annotations(annotations, tmp_path, format="yolo", geometries=("box",))
    again = read_annotations(tmp_path, index(folder)).annotations
    for first, second in zip(iterate_images(annotations), iterate_images(again), strict=True):
        assert first.names == second.names
        np.testing.assert_allclose(first.boxes, second.boxes, atol=1e-3)


def test_the_table_of_the_fields_counts_their_cells(written):
    kind, folder = written
    table = pd.read_csv(folder / "fields.csv")
    counts = read_annotations(folder, index(folder)).annotations.counts().sum(axis=0).tolist()
    columns = {"live_dead": ["nuclei", "dead"], "fish": ["whole", "destroyed"]}.get(kind, ["cells"])
    assert table[columns].sum().tolist() == counts
    assert len(table) == 6 and table["series"].nunique() == 3
    assert all(re.match(r"series[0-9]+_[a-z0-9]+_field[0-9]+", name) for name in table["field"])


def test_artefacts_are_listed_and_named(tmp_path):
    scenes = {"neurons": {"height": 160, "width": 160, "cells": 2, "artefacts": 1.0}}
    generate_sample_images(settings("neurons", scenes=scenes))(tmp_path)
    listed = pd.read_csv(tmp_path / "artefacts.csv")
    names = {path.name for path in (tmp_path / "images").iterdir()}
    tagged = {name for name in names if "_artefact" in name}
    assert set(listed["image"]) == tagged and 0 < len(tagged) < len(names) == 6
    assert (listed["x_max"] > listed["x_min"]).all() and (listed["y_max"] > listed["y_min"]).all()


def test_fields_without_cells_have_images_without_objects(tmp_path):
    generate_sample_images(settings("neurons", scenes={"neurons": {**SMALL, "cells": 0}}))(tmp_path)
    annotations = read_annotations(tmp_path, index(tmp_path)).annotations
    assert (annotations.n_images, annotations.n_objects) == (6, 0)


def test_sixteen_bits_reach_the_disk(tmp_path):
    generate_sample_images(settings("brightfield"))(tmp_path)
    image = read_image(next((tmp_path / "images").iterdir()))
    assert image.dtype == np.uint16 and image.ndim == 2 and image.max() > 255


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "darkfield"},
        {"scenes": {"neurons": {"artefact": 2}}},
        {"scenes": {"live_dead": {}}},
        {"scene": {"cels": 3}},
        {"scenes": {"brightfield": {"cells": -1}}},
    ],
)
def test_unknown_and_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        SampleDataParameters.model_validate(wrong)


def test_the_frames_of_a_time_lapse_say_whose_track_a_cell_is(tmp_path):
    generate_sample_images(settings("time_lapse", fields=1, series=1))(tmp_path)
    annotations = read_annotations(tmp_path, index(tmp_path)).annotations
    lineage = pd.read_csv(tmp_path / "tracks.csv")
    assert annotations.names == [f"series01_sparse_field001_t{frame:03d}.png" for frame in range(3)]
    tracks = {json.loads(text)["track"] for text in annotations.objects["attributes"].to_pylist()}
    assert tracks == set(lineage["track"]) and set(lineage["sequence"]) == {"series01_sparse_field001"}


def test_the_spots_of_a_preparation_lie_in_its_image(tmp_path):
    generate_sample_images(settings("fish", fields=2, series=1))(tmp_path)
    spots = pd.read_csv(tmp_path / "spots.csv")
    assert set(spots["channel"]) == {"red", "green"}
    assert set(spots["image"]) <= {path.name for path in (tmp_path / "images").iterdir()}
    assert spots["row_px"].between(0, 80).all() and spots["column_px"].between(0, 96).all()


def test_conditions_have_doses_that_reach_the_table(tmp_path):
    conditions = [{"name": "none", "dose": 0.0}, {"name": "much", "dead_fraction": 0.9, "dose": 10.0}]
    generate_sample_images(settings("live_dead", conditions=conditions, series=2, fields=4))(tmp_path)
    table = pd.read_csv(tmp_path / "fields.csv")
    assert table.groupby("condition")["dose"].first().to_dict() == {"none": 0.0, "much": 10.0}
    assert table.groupby("condition")["dead"].sum()["much"] > 0


def write_source(folder, split):
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        labels = np.zeros((60, 60), np.uint16)
        labels[10:20, 10:22], labels[30:44, 30:40] = 1, 2
        write_image(
            (labels * 90 + rng.integers(0, 20, labels.shape)).astype(np.uint8), folder / "images" / f"{name}.png"
        )
        write_image(labels, folder / "labels" / f"{name}.png")
    pd.DataFrame({"image": ["a.png", "b.png", "c.png"], "split": split}).to_csv(folder / "split.csv", index=False)
    return {
        "images": folder / "images", "annotations": folder / "labels", "format": "label_image",
        "split_table": folder / "split.csv",
    }  # fmt: skip


def test_sources_add_their_training_and_validation_images_and_none_of_the_test(tmp_path):
    source = write_source(tmp_path / "source", ["train", "val", "test"])
    generate_sample_images(settings("nuclei", sources={"other": source}, validation_share=0.5))(tmp_path / "raw")
    splits = pd.read_csv(tmp_path / "raw" / "splits.csv").set_index("image")["split"]
    assert splits[["other/a.png", "other/b.png"]].tolist() == ["train", "val"] and "other/c.png" not in splits
    assert splits.drop(["other/a.png", "other/b.png"]).value_counts().to_dict() == {"train": 3, "val": 3}
    annotations = read_annotations(tmp_path / "raw", index(tmp_path / "raw"), format="coco").annotations
    assert set(annotations.names) == set(splits.index) and annotations.categories == ("nucleus",)
    assert annotations.counts()[annotations.names.index("other/a.png")].tolist() == [2]


def test_a_source_that_is_left_out_is_not_read(tmp_path):
    source = write_source(tmp_path / "source", ["train", "val", "test"]) | {"images": tmp_path / "nowhere"}
    chosen = settings("nuclei", sources={"other": source}, leave_out=["other"])
    generate_sample_images(chosen)(tmp_path / "raw")
    assert not (tmp_path / "raw" / "images" / "other").exists()
    with pytest.raises(ValidationError, match="`leave_out` must name some of `sources`"):
        settings("nuclei", sources={"other": source}, leave_out=["another"])
