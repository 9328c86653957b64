import os
from pathlib import Path

import pytest

from cell_pipelines.models.ultralytics_home import (
    WeightsError,
    home,
    prepare_ultralytics,
    resolve_weights,
    use_all_cores,
)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CELL_ULTRALYTICS_HOME", str(tmp_path / "home"))


def test_a_file_of_weights_is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine.pt"
    path.write_bytes(b"weights")
    assert resolve_weights(str(path)) == str(path)


def test_weights_kept_from_an_earlier_download_are_found_by_name():
    kept = home() / "weights" / "yolo11n.pt"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"weights")
    assert resolve_weights("yolo11n.pt") == str(kept)


@pytest.mark.parametrize(("name", "scratch"), [("yolov8n.pt", True), ("yolov8n.yaml", False), ("yolov8n.yaml", True)])
def test_from_scratch_names_the_untrained_network(name, scratch):
    assert resolve_weights(name, from_scratch=scratch) == "yolov8n.yaml"


def test_a_missing_file_is_named():
    with pytest.raises(WeightsError, match=r"no/such\.pt"):
        resolve_weights("no/such.pt")


def test_an_unpublished_name_says_both_ways_out():
    with pytest.raises(WeightsError, match=r"Put the file at .*train from scratch"):
        resolve_weights("yolov8nano.pt")


def test_published_weights_that_cannot_be_downloaded_say_both_ways_out(monkeypatch):
    prepare_ultralytics()
    import ultralytics.utils.downloads as downloads

    def offline(**kwargs):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(downloads, "safe_download", offline)
    with pytest.raises(WeightsError, match=r"no route to host.*Put the file at .*yolov8n\.yaml"):
        resolve_weights("yolov8n.pt")


def test_preparing_leaves_no_tracker_of_ultralytics_on():
    prepare_ultralytics()
    from ultralytics import settings

    assert not any(settings[key] for key in ("mlflow", "sync", "wandb", "clearml", "comet"))
    assert os.environ["YOLO_OFFLINE"] == "true"


@pytest.mark.parametrize(("given", "threads"), [(None, None), ("", None), ("1", 1), ("3,2", 3)])
def test_the_cpu_is_used_wholly_or_as_its_environment_says(given, threads, monkeypatch):
    import torch

    before = torch.get_num_threads()
    if given is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    try:
        use_all_cores()
        assert torch.get_num_threads() == (threads or len(os.sched_getaffinity(0)))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["yolov10n-seg.pt", "yolov9t-seg.pt", "yolov10n-seg.yaml", "yolov5n-seg.pt"])
@pytest.mark.parametrize("scratch", [True, False])
def test_a_network_with_outlines_that_does_not_exist_lists_those_that_do(name, scratch):
    with pytest.raises(WeightsError, match=r"there is no such network.*yolov8, yolo11 and yolo26.*YOLOv10 has none"):
        resolve_weights(name, from_scratch=scratch)


@pytest.mark.parametrize(
    "name", ["yolov8s-seg.pt", "yolov9c-seg.pt", "yolo11x-seg.pt", "yolo12n-seg.pt", "yolo26n-seg.pt"]
)
def test_networks_with_outlines_can_be_trained_from_scratch(name):
    assert resolve_weights(name, from_scratch=True) == name.replace(".pt", ".yaml")


def test_outlines_without_published_weights_name_their_own_group_of_parameters():
    with pytest.raises(
        WeightsError, match=r"yolo12n-seg\.pt: no published.*--params=yolo_seg\.weights=yolo12n-seg\.yaml"
    ):
        resolve_weights("yolo12n-seg.pt")


def test_a_font_lies_where_ultralytics_looks_also_when_it_was_set_up_for_another_folder_before(tmp_path, monkeypatch):
    prepare_ultralytics()
    from ultralytics import utils
    from ultralytics.utils import checks

    elsewhere = tmp_path / "of an earlier import"
    monkeypatch.setattr(utils, "USER_CONFIG_DIR", elsewhere)
    monkeypatch.setattr(checks, "USER_CONFIG_DIR", elsewhere)
    monkeypatch.setattr("ultralytics.utils.downloads.safe_download", lambda *a, **k: pytest.fail("asked a host"))
    prepare_ultralytics()
    assert Path(checks.check_font("Arial.ttf")).is_file()
