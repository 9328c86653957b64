import numpy as np
import pytest
from click.testing import CliRunner

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.commands import cli
from cell_pipelines.imaging.reading import write_image


@pytest.fixture
def invoke():
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def labelled(tmp_path, squares_image, monkeypatch):
    """Give a folder, which is the working one, with eight images of one to five cells and their COCO annotations."""
    place = tmp_path / "work"
    monkeypatch.setenv("COLUMNS", "200")
    builder = AnnotationBuilder(["nucleus"])
    for number in range(8):
        n = number % 5 + 1
        image = squares_image(n)
        write_image(image, place / "cells" / f"{number}.png")
        row = builder.add_image(f"{number}.png", width=64, height=64)
        for cell in range(n):
            top, left = 4 + 20 * (cell // 3), 4 + 20 * (cell % 3)
            ring = [[left, top], [left + 12, top], [left + 12, top + 12], [left, top + 12]]
            builder.add_polygon(row, "nucleus", [np.array(ring, dtype=float)])
    (place / "labels").mkdir()
    write_annotations(builder.build(), place / "labels", format="coco")
    monkeypatch.chdir(place)
    return place
