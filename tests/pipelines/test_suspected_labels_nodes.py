import json
from dataclasses import asdict

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.inference.predictor import pack_scores
from cell_pipelines.inference.stored import write_arrays
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.pipelines.suspected_labels.nodes import draw, export_marked, find, score_labelled, write_report
from cell_pipelines.pipelines.suspected_labels.parameters import SuspectedLabelsParameters
from cell_pipelines.report.page.html import render_page
from cell_pipelines.representations.registry import create_representation
from cell_pipelines.workflows.model_outputs import OutputReader
from cell_pipelines.workflows.parameters.prediction import InferenceParameters
from cell_pipelines.workflows.trained_model import TrainedModel

NOTE = {"statistics": asdict(ImageStatistics("uint8", 100.0, 0.0, 1.0, 0.1, 0.01)), "tile_overlap": None}
PARAMETERS = SuspectedLabelsParameters(pictures=3, shown=2)
SQUARES = [(4, 4, 16, 16), (30, 4, 42, 16), (4, 28, 16, 40), (30, 28, 42, 40)]


@pytest.fixture
def model(tmp_path):
    network = create_network(NetworkSpec("resunet", in_channels=1, out_channels=1, options={"width": 4}))
    decoding = {"cell": {"cutoff": 0.5, "min_area_px": 4.0, "spacing_px": 0.0}}
    description = {"representation": {"name": "binary", "options": {}}, "categories": ["cell"], "colour": "grey",
                   "mean_area_px": 144.0, "decoding": decoding}  # fmt: skip
    path = tmp_path / "model.pt"
    path.write_bytes(write_checkpoint(network, description))
    return path


def squares(boxes, value):
    image = np.zeros((48, 48), np.float32)
    for left, top, right, bottom in boxes:
        image[top:bottom, left:right] = value
    return image


@pytest.fixture
def study(tmp_path, model):
    """Six images with four cells each, as a network of perfect eyes sees them; one label too few and one too many."""
    builder, images = AnnotationBuilder(["cell"]), {}
    for number in range(6):
        name = f"{number}.png"
        write_image(squares(SQUARES, 200).astype(np.uint8), tmp_path / name)
        images[name] = ImageFile(tmp_path / name)
        row = builder.add_image(name, width=48, height=48, split="test" if number < 4 else "train")
        for box in SQUARES[1:] if number == 0 else SQUARES:
            builder.add_box(row, "cell", box)
        if number == 1:
            builder.add_box(row, "cell", (18, 18, 28, 28))
    truth = builder.build()
    store = tmp_path / "store"
    store.mkdir()
    scores = score_labelled(("net",))(
        truth, images, InferenceParameters(), SuspectedLabelsParameters(splits="all"), model, store
    )
    for file in scores["file"]:
        packed = pack_scores([create_representation("binary").reduce(squares(SQUARES, 0.95)[None])])
        write_arrays(packed, (48, 48), store / file, note=NOTE)
    return truth, images, scores, store


def test_a_missing_and_a_spurious_label_are_found_marked_drawn_and_reported(study, model, tmp_path):
    truth, images, scores, store = study
    suspects, per_image, proposals = find(("net",))(truth, scores, PARAMETERS, model, store)
    assert dict(zip(suspects["image"], suspects["kind"], strict=True)) == {
        "0.png": "missing_label", "1.png": "spurious_label"
    }  # fmt: skip
    assert len(per_image) == 4
    assert not suspects["in_training"].any()
    assert proposals.boxes.tolist() == [list(SQUARES[0])]
    (tmp_path / "out").mkdir()
    export_marked(truth, suspects, proposals, PARAMETERS)(tmp_path / "out")
    index = ImageIndex([ImageRecord(name, 48, 48) for name in truth.names])
    back = read_annotations(tmp_path / "out", index).annotations
    told = [json.loads(text or "{}").get("suspect") for text in back.objects["attributes"].to_pylist()]
    assert sorted(filter(None, told)) == ["missing_label", "spurious_label"]
    (tmp_path / "pictures").mkdir()
    draw(truth, suspects, proposals, images, PARAMETERS)(tmp_path / "pictures")
    assert len(list((tmp_path / "pictures").iterdir())) == 2
    page = render_page(write_report(("net",))(suspects, per_image, tmp_path / "pictures", PARAMETERS))
    assert "A suspicion is no proof" in page
    assert "None of these 4 images is a training image" in page


def test_images_that_were_learned_from_are_said_to_be(study, model, tmp_path):
    truth, _, scores, store = study
    wrong = AnnotationBuilder(["cell"])
    for row in truth.images.to_pylist():
        image = wrong.add_image(**row)
        wrong.add_box(image, "cell", SQUARES[0])
    everything = SuspectedLabelsParameters(splits="all", least=0.0, pictures=0)
    suspects, per_image, _ = find(("net",))(wrong.build(), scores, everything, model, store)
    assert suspects["in_training"].any()
    for shown in (suspects, suspects.iloc[:0]):  # also where nothing is suspected
        page = render_page(write_report(("net",))(shown, per_image, tmp_path, everything))
        assert "learned from 2 of these 6 images" in page and f"of {len(shown)} suspects" in page


def test_stored_scores_are_not_made_again(study, model):
    truth, images, scores, store = study
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*.npz")}
    again = score_labelled(("net",))(truth, images, InferenceParameters(), PARAMETERS, model, store)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*.npz")} == before
    assert again["file"].tolist() == scores["file"].tolist()[:4]


def test_splits_without_images_are_refused(study, model):
    truth, images, _, store = study
    with pytest.raises(ValueError, match="splits"):
        score_labelled(("net",))(
            truth, images, InferenceParameters(), SuspectedLabelsParameters(splits=("val",)), model, store
        )


def test_right_labels_give_an_empty_page(study, model, tmp_path):
    truth, images, scores, store = study
    only = SuspectedLabelsParameters(splits=("train",))
    suspects, per_image, proposals = find(("net",))(truth, scores, only, model, store)
    assert suspects.empty
    assert proposals.n_objects == 0
    draw(truth, suspects, proposals, images, only)(tmp_path)
    export_marked(truth, suspects, proposals, only)(tmp_path)
    assert "Suspected annotation errors" in render_page(write_report(("net",))(suspects, per_image, tmp_path, only))


def test_a_network_without_thresholds_has_those_of_its_representation(model, tmp_path):
    from cell_pipelines.models.model_file import read_record

    reader = OutputReader(TrainedModel.open(model))
    assert reader.thresholds == {"cell": 0.5}
    assert read_record(model)["decoding"]["cell"]["cutoff"] == 0.5
