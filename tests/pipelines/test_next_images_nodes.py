import numpy as np
import pandas as pd
import pytest
import torch

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import read_annotations
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError, write_image
from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec
from cell_pipelines.pipelines.next_images.nodes import (
    best_model,
    draw_proposals,
    export_proposals,
    measure_images,
    propose_cells,
    rank,
    score_new,
    write_report,
)
from cell_pipelines.pipelines.next_images.parameters import NextImagesParameters
from cell_pipelines.pipelines.next_images.views import VIEWS, turned_images
from cell_pipelines.pipelines.pre_annotation.nodes import compare_with_corrections
from cell_pipelines.pipelines.pre_annotation.parameters import PreAnnotationParameters
from cell_pipelines.report.page.html import render_page
from cell_pipelines.workflows.parameters.prediction import InferenceParameters

PARAMETERS = NextImagesParameters(count=2, series_pattern="(?P<series>s[0-9])_", views=2)


def network(path, seed):
    torch.manual_seed(seed)
    built = create_network(NetworkSpec("resunet", in_channels=1, out_channels=1, options={"width": 4}))
    decoding = {"cell": {"cutoff": 0.5, "min_area_px": 4.0, "spacing_px": 0.0}}
    description = {"representation": {"name": "binary", "options": {}}, "categories": ["cell"], "colour": "grey",
                   "mean_area_px": 100.0, "decoding": decoding}  # fmt: skip
    path.write_bytes(write_checkpoint(built, description))
    return path


@pytest.fixture
def files(tmp_path):
    return tuple(network(tmp_path / f"{name}.pt", seed) for seed, name in enumerate(("one", "two")))


@pytest.fixture
def images(tmp_path):
    """Three images of two series, one of them not square, and one that is broken."""
    folder, rng = tmp_path / "images", np.random.default_rng(0)
    folder.mkdir()
    for number, size in enumerate([(48, 48), (32, 64), (48, 48)]):
        write_image(rng.integers(0, 255, size).astype(np.uint8), folder / f"s{number % 2}_{number}.png")
    (folder / "s1_broken.png").write_bytes(b"no image")
    return {path.name: ImageFile(path) for path in sorted(folder.iterdir())}


@pytest.fixture
def training():
    builder = AnnotationBuilder(["cell"])
    for number in range(4):
        row = builder.add_image(f"t{number}.png", width=48, height=48, split="train")
        builder.add_box(row, "cell", (2, 2, 9, 9))
    return builder.build()


def ranked(files, images, training, folder, names=("one", "two")):
    folder.mkdir()
    scores = score_new(names)(images, folder, InferenceParameters(), PARAMETERS, *files)
    measured = measure_images(names)(scores, images, folder, PARAMETERS, *files)
    return scores, rank(measured, training, PARAMETERS)


def test_images_are_ranked_proposed_exported_drawn_and_reported(files, images, training, tmp_path):
    folder, names = tmp_path / "store", ("one", "two")
    scores, table = ranked(files, images, training, folder)
    assert table["rank"].dropna().tolist() == [1, 2, 3]
    assert table["image"].iloc[-1] == "s1_broken.png"
    assert "s1_broken.png" in table["error"].iloc[-1]
    assert table["disagreement"].notna().sum() == 3
    assert set(table["series"].dropna()) == {"s0", "s1"}
    evaluations = [pd.DataFrame({"f1": [value], "instance_f1": [value]}) for value in (0.2, 0.9)]
    cells = propose_cells(names)(table, scores, folder, PARAMETERS, *evaluations, *files)
    assert cells.names == table["image"].tolist()[:2]
    assert cells.n_objects == table["cells_two"].head(2).sum()
    for name, write in (
        ("export", export_proposals(cells, PARAMETERS)),
        ("draw", draw_proposals(cells, images, PARAMETERS)),
    ):
        (tmp_path / name).mkdir()
        write(tmp_path / name)
        assert len(list((tmp_path / name).iterdir())) == 2
    page = render_page(write_report(names)(table, cells, images, PARAMETERS))
    assert "Which images next" in page
    assert "Images that could not be read" in page


def test_corrected_proposals_are_compared_by_image_name(files, images, training, tmp_path):
    folder, names = tmp_path / "store", ("one", "two")
    scores, table = ranked(files, images, training, folder)
    cells = propose_cells(names)(table, scores, folder, PARAMETERS, *[pd.DataFrame()] * 2, *files)
    (tmp_path / "export").mkdir()
    export_proposals(cells, PARAMETERS)(tmp_path / "export")
    _, objects, per_image = compare_with_corrections(
        cells, lambda index: read_annotations(tmp_path / "export", index), PreAnnotationParameters()
    )
    assert set(per_image["image"]) == set(cells.names)
    assert len(objects) == cells.n_objects


def test_a_single_model_is_compared_with_itself_on_turned_images(files, images, training, tmp_path):
    scores, table = ranked(files[:1], images, training, tmp_path / "store", names=("one",))
    assert sorted(scores["view"].unique()) == [-1, 0, 1]
    assert table["disagreement"].notna().sum() == 3
    cells = propose_cells(("one",))(table, scores, tmp_path / "store", PARAMETERS, pd.DataFrame(), files[0])
    assert "itself on 2 turned or mirrored views" in render_page(
        write_report(("one",))(table, cells, images, PARAMETERS)
    )


def test_without_views_disagreement_is_not_available_but_images_are_ranked(files, images, training, tmp_path):
    (tmp_path / "store").mkdir()
    plain = PARAMETERS.model_copy(update={"views": 0})
    scores = score_new(("one",))(images, tmp_path / "store", InferenceParameters(), plain, files[0])
    measured = measure_images(("one",))(scores, images, tmp_path / "store", plain, files[0])
    table = rank(measured, training, plain)
    assert table["disagreement"].isna().all()
    assert table["gain"].notna().sum() == 3


def test_views_turn_the_image_and_its_description(images):
    for view, (turns, mirrored) in enumerate(VIEWS):
        for name, turned in turned_images(images, view).items():
            image = images[name]()
            assert np.array_equal(turned(), np.rot90(image[:, ::-1] if mirrored else image, turns))
            assert (turned.info().height, turned.info().width) == turned().shape
            assert turned.signature() != images[name].signature()


def test_no_readable_image_is_an_error(files, images, tmp_path):
    broken = {name: file for name, file in images.items() if "broken" in name}
    (tmp_path / "store").mkdir()
    with pytest.raises(ImageFormatError, match="no image could be read"):
        score_new(("one",))(broken, tmp_path / "store", InferenceParameters(), PARAMETERS, files[0])


def test_the_best_model_is_that_of_the_best_masks_then_boxes_then_the_first():
    table = pd.DataFrame({"f1": [0.5], "instance_f1": [0.1]})
    better = pd.DataFrame({"f1": [0.4], "instance_f1": [0.3]})
    assert best_model(("a", "b"), (table, better)) == "b"
    assert best_model(("a", "b"), (table, better.assign(instance_f1=np.nan))) == "a"
    assert best_model(("a", "b"), (pd.DataFrame(), pd.DataFrame())) == "a"


def test_an_unknown_model_for_proposals_is_refused(files, images, training, tmp_path):
    scores, table = ranked(files, images, training, tmp_path / "store")
    wrong = PARAMETERS.model_copy(update={"proposals_by": "three"})
    with pytest.raises(ValueError, match="proposals_by"):
        propose_cells(("one", "two"))(table, scores, tmp_path, wrong, *[pd.DataFrame()] * 2, *files)
