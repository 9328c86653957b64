from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.storage import write_parquet
from cell_pipelines.app.comparing import compare_on_test
from cell_pipelines.imaging.reading import write_image
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.trained_model import TrainedModel


def _draw(sides: list[int]) -> tuple[Any, list[Any]]:
    """Return an image of bright squares with these sides, and their outlines."""
    image, outlines = np.full((64, 64), 12, dtype=np.uint8), []
    for place, side in enumerate(sides):
        x, y = 4 + 20 * (place % 3), 4 + 20 * (place // 3)
        image[y : y + side, x : x + side] = 220
        outlines.append(np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)]))
    return image, outlines


@pytest.fixture
def compared(tmp_path: Path, squares_model: Path) -> Any:
    """Give a function that compares the small model with one that leaves out cells below an area."""
    builder = AnnotationBuilder(["cell"])
    for number in range(1, 10):
        pixels, outlines = _draw([8 if place % 4 == 3 else 12 for place in range(number)])
        write_image(pixels, tmp_path / "images" / f"{number}.png")
        image = builder.add_image(f"{number}.png", width=64, height=64)
        for outline in outlines:
            builder.add_polygon(image, "cell", [outline])
    truth = builder.build().with_image_column("split", ["train", *["test"] * 8])
    write_parquet(truth, tmp_path / "study" / "03_primary" / "annotations")
    model = TrainedModel.open(squares_model)
    others = Thresholds({"cell": replace(model.thresholds.classes["cell"], min_area_px=100.0)}, decoded=True)

    def run(*, same: bool = False, reverse: bool = False) -> dict[str, Any]:
        pair = [model, model if same else model.with_thresholds(others)]
        models = dict(zip(("old (before)", "new (after)"), pair[::-1] if reverse else pair, strict=True))
        return compare_on_test(models, tmp_path / "images", tmp_path / "study", tmp_path / "page")

    return run


def _metric(found: dict[str, Any], title: str) -> dict[str, Any]:
    return next(one for one in found["metrics"] if one["title"] == title)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_difference_is_after_less_before_with_its_interval(compared: Any, tmp_path: Path, reverse: bool) -> None:
    found = compared(reverse=reverse)
    assert (found["images"], found["cells"]) == (8, sum(range(2, 10)))
    assert found["models"] == ["old (before)", "new (after)"]
    for one in found["metrics"]:
        difference, low, high = one["difference"]
        assert difference == pytest.approx(one["after"][0] - one["before"][0])
        assert low is None or low <= difference <= high
    f1 = _metric(found, "F1 of masks at IoU 0.5")
    assert f1["before"][0] != f1["after"][0]
    assert (f1["difference"][0] > 0) is reverse
    assert f1["better"] == ("after" if reverse else "before")
    titles = [one["title"] for one in found["metrics"] if one["better"]]
    listed = f"{', '.join(titles[:-1])} and {titles[-1]}"
    assert f"The new model is {'better' if reverse else 'worse'} in {listed}." in found["verdict"]
    assert ("better" in found["verdict"]) is reverse
    assert (tmp_path / "page" / "report.html").is_file()


def test_equal_models_differ_by_nothing_and_none_is_said_to_be_better(compared: Any) -> None:
    found = compared(same=True)
    assert {one["difference"][0] for one in found["metrics"]} == {0.0}
    assert found["verdict"] == "The two models do not differ significantly in any metric."
    said = " ".join(found["sentences"])
    assert "old (before) and new (after) have the same, 1.000, over 8 images" in said
    assert "highest" not in said
    assert "lowest" not in said
    assert "is best" not in said
