import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from cell_pipelines.imaging.reading import write_image

from .conftest import ROOT, Project

pytestmark = pytest.mark.slow


def start(project, *words, env="test"):
    command = [sys.executable, "-m", "kedro", "run", f"--env={env}", *words]
    environment = {**os.environ, **project.environment}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for(condition, process, seconds=180):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.05)


@pytest.mark.exhaustive
def test_a_training_that_was_killed_goes_on_from_its_last_epoch(fresh_project):
    fresh_project.run("sample_data")
    words = ("--pipelines=train_yolo", "--to-nodes=yolo.train")
    results = fresh_project.path("06_models", "yolo", "run", "results.csv")
    process = start(fresh_project, *words, "--params=yolo.epochs=8")
    wait_for(lambda: results.is_file() and len(results.read_text().splitlines()) >= 4, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not fresh_project.path("06_models", "yolo_untuned.pt").exists()
    again = start(fresh_project, *words, "--params=yolo.epochs=8,yolo.resume=true")
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    assert "Resuming the training" in output
    history = pd.read_csv(fresh_project.path("08_reporting", "yolo", "history.csv"))
    assert history["epoch"].tolist() == list(range(1, 9))
    other = start(fresh_project, *words, "--params=yolo.epochs=9,yolo.resume=true")
    output, _ = other.communicate(timeout=300)
    assert other.returncode != 0
    assert "started with other settings" in output


@pytest.mark.exhaustive
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_is_marked_killed(fresh_project, sent):
    fresh_project.run("sample_data")
    work = fresh_project.path("06_models", "yolo", "run", "weights")
    process = start(fresh_project, "--pipelines=train_yolo", "--to-nodes=yolo.train", "--params=yolo.epochs=50")
    wait_for(work.is_dir, process)
    time.sleep(1)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode == 128 + sent
    (run,) = fresh_project.runs("train_yolo")
    assert run.info.status == "KILLED"


@pytest.mark.exhaustive
def test_what_a_killed_run_has_left_is_cleaned_up_by_the_next_one_and_nothing_else(fresh_project):
    fresh_project.run("sample_data")
    work = fresh_project.path("06_models", "yolo", "run", "weights")
    words = ("--pipelines=train_yolo", "--to-nodes=yolo.train", "--params=yolo.epochs=50")
    process = start(fresh_project, *words)
    wait_for(work.is_dir, process)
    half = fresh_project.path(f".tmp-{owner_of(fresh_project)}-0123abcd")
    half.mkdir()
    fresh_project.run("annotation_conversion")
    assert half.is_dir() and fresh_project.runs("train_yolo")[0].info.status == "RUNNING"
    process.kill()
    process.communicate()
    fresh_project.run("annotation_conversion")
    assert not half.exists() and fresh_project.runs("train_yolo")[0].info.status == "KILLED"


def owner_of(project):
    return project.runs("train_yolo")[0].data.tags["cell_pipelines.owner"]


@pytest.mark.exhaustive
def test_two_trainings_of_one_model_do_not_mix(fresh_project):
    fresh_project.run("sample_data")
    work = fresh_project.path("06_models", "yolo", "run", "weights")
    words = ("--pipelines=train_yolo", "--to-nodes=yolo.train", "--params=yolo.epochs=50")
    first = start(fresh_project, *words)
    wait_for(work.is_dir, first)
    second = start(fresh_project, *words)
    output, _ = second.communicate(timeout=300)
    assert second.returncode == 2
    assert f"another run is working on yolo; wait for it to end, or end it (process {first.pid}, since" in output
    assert first.poll() is None
    first.terminate()
    first.communicate(timeout=60)
    assert first.returncode == 143
    assert [run.info.status for run in fresh_project.runs("train_yolo")] == ["KILLED"]


@pytest.mark.exhaustive
def test_several_runs_that_are_the_first_ones_of_a_project_all_finish(tmp_path):
    project = Project(tmp_path)
    (tmp_path / "mlflow.db").unlink()
    processes = [start(project, "--pipelines=sample_data") for _ in range(3)]
    for process in processes:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
    assert [run.info.status for run in project.runs("sample_data")] == ["FINISHED"] * 3


def test_a_run_that_fails_on_its_way_is_marked_failed(fresh_project):
    fresh_project.run("sample_data")
    with pytest.raises(Exception, match="nowhere.pt"):
        fresh_project.run("train_yolo", yolo={"from_scratch": False, "weights": "/nowhere.pt"})
    (run,) = fresh_project.runs("train_yolo")
    assert run.info.status == "FAILED"


def test_a_mistake_before_anything_ran_leaves_no_run(fresh_project, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Exception, match="found no image"):
        fresh_project.run("annotation_conversion", raw_images=str(empty))
    with pytest.raises(Exception, match="expected `raw@images`"):
        fresh_project.run("annotation_conversion")
    assert fresh_project.runs("annotation_conversion") == []


def test_a_bad_image_among_new_ones_is_listed_and_the_rest_is_counted(whole_road, tmp_path):
    good = sorted(whole_road.path("01_raw", "images").glob("*.png"))[:3]
    for path in good:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.png").write_bytes(good[0].read_bytes()[:500])
    whole_road.run("prediction", images=str(tmp_path))
    table = pd.read_csv(whole_road.path("08_reporting", "new", "counts.csv")).set_index("image")
    assert len(table) == 4
    assert "broken.png" in table.loc["broken.png", "error"]
    assert table.drop("broken.png")[["blue", "red", "total"]].notna().all().all()
    assert whole_road.path("08_reporting", "new", "annotations", "annotations.json").is_file()
    assert len(list(whole_road.path("08_reporting", "new", "overlays").glob("*.png"))) == 3


def test_prediction_goes_on_where_it_was_stopped(whole_road, tmp_path, monkeypatch):
    from cell_pipelines.inference.detection import BoxPredictor

    source = sorted(whole_road.path("01_raw", "images").glob("*.png"))[3:6]
    for path in source:
        (tmp_path / path.name).write_bytes(path.read_bytes() + b"\0")
    calls = []
    predict = BoxPredictor.predict_pixels

    def counted(self, image):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return predict(self, image)

    monkeypatch.setattr(BoxPredictor, "predict_pixels", counted)
    with pytest.raises(KeyboardInterrupt):
        whole_road.run("prediction", images=str(tmp_path), model="yolo")
    whole_road.run("prediction", images=str(tmp_path), model="yolo")
    assert len(calls) == 4  # two, the one that was stopped, and that one again


@pytest.mark.exhaustive
def test_deep_and_tiled_images_go_the_whole_way(fresh_project):
    scene = {"height": 200, "width": 160, "cells": 12, "bit_depth": 16}
    fresh_project.run("sample_data", sample_data={"scene": scene})
    tiling = {"tiling": {"size": 96, "overlap": 16}}
    fresh_project.run("train_yolo", data_preparation=tiling)
    fresh_project.run("evaluation", models="yolo")
    tiles = list(fresh_project.path("05_model_input", "yolo", "images", "train").glob("*_r*_c*.png"))
    assert len(tiles) > 6


def test_no_run_looks_up_a_host(whole_road):
    assert whole_road.looked_up == []


def test_a_run_of_somebody_who_has_set_nothing_looks_up_no_host_either(fresh_project):
    watched = (
        "import sys\n"
        "asks = ('socket.getaddrinfo', 'socket.gethostbyname')\n"
        "sys.addaudithook(lambda event, args: event in asks and args[0] and print('LOOKED UP', args[0]))\n"
        "from kedro.framework.cli import main\n"
        "main()"
    )
    set_here = ("KEDRO_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI", "PYTEST_CURRENT_TEST")
    environment = {
        key: value for key, value in {**os.environ, **fresh_project.environment}.items() if key not in set_here
    }
    command = [sys.executable, "-c", watched, "run", "--env=test", "--pipelines=sample_data"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "LOOKED UP" not in done.stdout


def test_images_of_any_kind_can_be_predicted(whole_road, tmp_path):
    import numpy as np

    rng = np.random.default_rng(0)
    write_image(rng.integers(0, 4000, (90, 120), dtype=np.uint16), tmp_path / "deep.tif")
    write_image(rng.integers(0, 255, (70, 50, 3), dtype=np.uint8), tmp_path / "colour.jpg")
    whole_road.run("prediction", images=str(tmp_path))
    table = pd.read_csv(whole_road.path("08_reporting", "new", "counts.csv"))
    assert set(table["image"]) == {"deep.tif", "colour.jpg"}
