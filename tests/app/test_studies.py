from pathlib import Path

import pytest

from cell_pipelines.app import studies
from cell_pipelines.app.studies import find_studies

_PAGES = ["report.html", "yolo/report.html", "comparison/report.html", "conversion_report.html"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CELL_DATA_ROOT", str(tmp_path))
    monkeypatch.setattr(studies, "known_models", lambda: ("nuclei", "a/yolo", "ab/unet"))
    for name in _PAGES:
        path = tmp_path / "a" / "08_reporting" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("page")
    (tmp_path / "a" / "08_reporting" / "notes.html").write_text("not a report")
    (tmp_path / "ab" / "06_models").mkdir(parents=True)
    (tmp_path / "empty" / "08_reporting").mkdir(parents=True)
    return tmp_path


def test_studies_have_their_reports_in_the_order_of_reading_and_their_own_models(project: Path) -> None:
    found = find_studies()
    assert list(found) == ["a", "ab"]
    assert found["a"].titles == [
        ("report", "Report"),
        ("comparison/report", "Models compared"),
        ("conversion_report", "Annotations"),
        ("yolo/report", "Model yolo"),
    ]
    assert found["a"].models == ("a/yolo",)
    assert found["ab"].models == ("ab/unet",)
    assert not found["ab"].pages


def test_pages_lie_below_the_reports_of_their_study(project: Path) -> None:
    for study in find_studies().values():
        assert all(path.is_relative_to(project / study.name / "08_reporting") for path in study.pages.values())


def test_there_need_not_be_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELL_DATA_ROOT", str(tmp_path / "none"))
    assert find_studies() == {}
