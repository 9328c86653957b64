"""From a training to a count is two commands, in a study that has no YOLO at all."""

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.exhaustive
def test_a_study_with_one_network_counts_by_it_after_its_training(fresh_project, tmp_path):
    fresh_project.run("sample_data")
    fresh_project.run("train_resunet", models="resunet")
    images = sorted(fresh_project.path("01_raw", "images").glob("*.png"))[:2]
    new = tmp_path / "new"
    new.mkdir()
    for path in images:
        (new / path.name).write_bytes(path.read_bytes())
    fresh_project.run("prediction", models="resunet", images=str(new))
    table = pd.read_csv(fresh_project.path("08_reporting", "new", "counts.csv"))
    assert table["image"].tolist() == [path.name for path in images]
    assert table["total"].notna().all()
    assert table["warning"].str.contains("thresholds are defaults").all()
    page = fresh_project.path("08_reporting", "new", "report.html").read_text()
    assert "resunet_untuned.pt" in page and "thresholds are defaults" in page
