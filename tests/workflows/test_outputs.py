import re
import zipfile
from xml.etree import ElementTree

import pandas as pd
import pytest

from cell_pipelines.workflows import outputs
from cell_pipelines.workflows.outputs import write_workbook

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_sheet(path, number):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        shared = []
        if "xl/sharedStrings.xml" in names:
            root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
            shared = ["".join(one.itertext()) for one in root]
        root = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    found = {}
    for cell in root.iter(f"{SPACE}c"):
        text = "".join(cell.itertext())
        found[cell.get("r")] = shared[int(text)] if cell.get("t") == "s" else text
    return found


@pytest.mark.parametrize("rows_in_memory", [10**6, 1])
def test_a_workbook_holds_its_tables_however_many_rows_they_have(rows_in_memory, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "_ROWS_IN_MEMORY", rows_in_memory)
    tables = {
        "counts": pd.DataFrame({"image": ["a.png", "=1+1"], "total": [3, 4]}),
        "cells": pd.DataFrame({"image": ["a.png", None, "b"], "area": [1.5, float("nan"), float("inf")]}),
    }
    write_workbook(tables, tmp_path / "t.xlsx")
    assert read_sheet(tmp_path / "t.xlsx", 1) == {
        "A1": "image", "B1": "total", "A2": "a.png", "B2": "3", "A3": "=1+1", "B3": "4",
    }  # fmt: skip
    cells = read_sheet(tmp_path / "t.xlsx", 2)
    assert {key: value for key, value in cells.items() if not re.fullmatch("[AB]1", key)} == {
        "A2": "a.png", "B2": "1.5", "A4": "b", "B4": "∞",
    }  # fmt: skip
