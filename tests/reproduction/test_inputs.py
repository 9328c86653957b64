import hashlib
from pathlib import Path

import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.storage import write_parquet
from cell_pipelines.failures import MistakeError
from cell_pipelines.invocation import Invocation
from cell_pipelines.lineage import Lineage
from cell_pipelines.reproduction.inputs import check_inputs, check_outputs, inputs_to_take, take_along
from cell_pipelines.workflows.run_record import StoredData


@pytest.fixture
def study(tmp_path):
    """The folder of a study with images, stored scores and reports."""
    folder = tmp_path / "data" / "my_study"
    for name in ("01_raw/images/a.png", "07_model_output/yolo/scores.csv", "07_model_output/yolo/store/a.npz",
                 "08_reporting/report.json", "06_models/yolo/last.pt"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def lineage_of(study: Path, inputs=(), outputs=(), *, work=(), **parameters) -> Lineage:
    def stored(name: str, is_work_folder: bool = False) -> StoredData:
        return StoredData(name, str(study / name), is_work_folder)

    read = (*map(stored, inputs), *(stored(name, True) for name in work))
    invocation = Invocation(study.parents[1], "my_study", parameters=parameters)
    return Lineage(invocation, study, inputs=read, outputs=tuple(map(stored, outputs)))


def test_inputs_lie_in_the_new_folder_as_they_did_in_the_old_one(study, tmp_path):
    elsewhere = tmp_path / "own.csv"
    elsewhere.touch()
    take_along(lineage_of(study, ["01_raw/images", "07_model_output/yolo/scores.csv", elsewhere]), tmp_path / "new")
    assert (tmp_path / "new" / "01_raw" / "images" / "a.png").read_text() == "01_raw/images/a.png"
    assert (tmp_path / "new" / "07_model_output" / "yolo" / "scores.csv").is_file()
    assert not list((tmp_path / "new").rglob("own.csv"))


def test_an_input_within_another_one_is_there_once(study, tmp_path):
    take_along(lineage_of(study, ["01_raw", "01_raw/images"]), tmp_path / "new")
    assert (tmp_path / "new" / "01_raw").is_symlink()
    assert (tmp_path / "new" / "01_raw" / "images" / "a.png").is_file()


def test_what_the_run_writes_or_writes_into_is_not_taken(study):
    lineage = lineage_of(study, ["08_reporting", "01_raw/images"], ["08_reporting/report.html"])
    assert [data.name for data in inputs_to_take(lineage)] == ["01_raw/images"]
    assert inputs_to_take(lineage_of(study, ["01_raw/images"], ["01_raw"])) == []


def test_stored_scores_are_copied_with_their_table_and_left_out_where_the_run_makes_them(study, tmp_path):
    store, table = "07_model_output/yolo/store", "07_model_output/yolo/scores.csv"
    take_along(lineage_of(study, [table], work=[store]), tmp_path / "new")
    copied = tmp_path / "new" / store / "a.npz"
    assert copied.is_file() and not copied.parent.is_symlink()
    assert inputs_to_take(lineage_of(study, [], [table], work=[store])) == []


def test_a_training_starts_in_an_empty_folder(study):
    lineage = lineage_of(study, ["01_raw"], ["06_models/yolo.pt"], work=["06_models/yolo"])
    assert [data.name for data in inputs_to_take(lineage)] == ["01_raw"]


def test_where_no_links_are_allowed_inputs_are_copied(study, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("privilege not held")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    take_along(lineage_of(study, ["01_raw/images", "07_model_output/yolo/scores.csv"]), tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").rglob("*") if path.is_file()} == {"a.png", "scores.csv"}
    assert not any(path.is_symlink() for path in (tmp_path / "new").rglob("*"))


def test_an_input_that_is_gone_is_named(study):
    with pytest.raises(MistakeError, match=r"gone\.csv: the run read `gone\.csv` here; it is not there any more"):
        check_inputs(lineage_of(study, ["gone.csv"]), None)


def test_a_model_that_was_trained_anew_is_noticed(study):
    path = study / "06_models" / "yolo" / "last.pt"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lineage = Lineage(Invocation(study), study, inputs=(StoredData("chosen_model", str(path), sha256=digest),))
    check_inputs(lineage, None)
    path.write_text("trained anew")
    with pytest.raises(MistakeError, match=r"last\.pt: the model is another one than that which the run read"):
        check_inputs(lineage, None)


def test_annotations_that_were_changed_are_noticed(study):
    builder = AnnotationBuilder(["cell"])
    builder.add_image("a.png", width=4, height=4)
    annotations = builder.build()
    folder = study / "03_primary" / "annotations"
    write_parquet(annotations, folder)
    lineage = Lineage(Invocation(study), study, inputs=(StoredData("prepared_annotations", str(folder)),))
    check_inputs(lineage, annotations.fingerprint())
    with pytest.raises(MistakeError, match="the images and annotations are others than those that the run worked on"):
        check_inputs(lineage, "0" * 64)


def test_a_run_that_writes_elsewhere_is_refused_for_it_would_write_over_it(study, tmp_path):
    check_outputs(lineage_of(study, [], ["08_reporting/a.csv"]))
    check_outputs(lineage_of(study, [], [tmp_path / "trial" / "a.csv"], results=str(tmp_path / "trial")))
    with pytest.raises(MistakeError, match=r"outside of the study's folder .*; reproducing it would write over it"):
        check_outputs(lineage_of(study, [], [tmp_path / "a.csv"]))
