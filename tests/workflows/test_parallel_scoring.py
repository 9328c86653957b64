"""The network runs in several processes, or on a cluster, with the counts that it has in one."""

import numpy as np
import pytest

from cell_pipelines.imaging.reading import ImageFile, write_image
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei
from cell_pipelines.workflows.counting import count_cells, find_cells
from cell_pipelines.workflows.parallel import ParallelParameters
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.trained_model import TrainedModel


@pytest.fixture
def images(tmp_path):
    scene = NucleiScene(height=128, width=140, cells=9, mean_radius_px=10.0, clumping=0.2, noise=0.5, debris=0.0)
    for number in range(5):
        write_image(simulate_nuclei(scene, seed=number).image, tmp_path / "images" / f"{number}.png")
    (tmp_path / "images" / "broken.png").write_bytes(b"no image")
    names = [*(f"{number}.png" for number in range(5)), "broken.png"]
    return {name: ImageFile(tmp_path / "images" / name) for name in names}


def counted(images, folder, **parallel):
    model, parameters = TrainedModel.open("nuclei"), PredictionParameters(parallel=ParallelParameters(**parallel))
    found = find_cells(images, model, folder, InferenceParameters(diameter_px=20), parameters)
    return count_cells(found, model, parameters), found.annotations


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", pytest.param("dask", marks=pytest.mark.exhaustive)])
def test_counts_and_outlines_are_those_of_one_process_and_each_image_is_done_once(engine, images, tmp_path):
    if engine == "dask":
        pytest.importorskip("distributed")
    expected, cells = counted(images, tmp_path / "one")
    table, others = counted(images, tmp_path / "several", engine=engine, workers=2)
    assert table.equals(expected) and table["total"].sum() > 20
    assert others.objects.equals(cells.objects)
    stored = sorted((tmp_path / "several").rglob("*.npz"))
    assert len(stored) == 5
    times = [path.stat().st_mtime_ns for path in stored]
    again, _ = counted(images, tmp_path / "several")
    assert again.equals(expected)  # what several processes stored is taken by one
    assert [path.stat().st_mtime_ns for path in stored] == times
    assert np.isnan(table.set_index("image").loc["broken.png", "total"]) and "broken.png" in table["error"].iloc[-1]
