from pathlib import Path

import pytest

from cell_pipelines.models.foreign.names import TOOLS, import_foreign, is_foreign

FIXTURE = Path(__file__).parent / "stardist_keras"


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tools_example_is_a_name(tool):
    assert is_foreign(TOOLS[tool].example) and TOOLS[tool].example.startswith(f"{tool}:")


@pytest.mark.parametrize("name", ["model.pt", "nuclei", "bccd/yolo", "C:/models/unet.pt", "stardist:", "other:model"])
def test_other_names_are_not(name):
    assert not is_foreign(name)
    with pytest.raises(ValueError, match="tool:model"):
        import_foreign(name)


def test_the_class_is_part_of_what_the_file_is(tmp_path, monkeypatch):
    pytest.importorskip("h5py", reason="h5py is not installed, so StarDist's weights can't be read")
    monkeypatch.setenv("CELL_FOREIGN_MODELS", str(tmp_path))
    files = {import_foreign(f"stardist:{FIXTURE}", category) for category in ("cell", "nucleus")}
    assert len(files) == 2 and {path.parent for path in files} == {tmp_path}
