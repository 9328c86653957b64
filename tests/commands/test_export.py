import onnx
import pytest

from cell_pipelines import export_model


def test_a_model_is_written_and_compared_and_its_file_named(squares_model, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("export", squares_model)
    assert result.exit_code == 0, result.output
    assert "squares.onnx: onnx, for images of any height and width that are multiples of 8 pixels" in result.output
    assert f"    file: {tmp_path / 'squares.onnx'}" in result.output
    sides = onnx.load(str(tmp_path / "squares.onnx")).graph.input[0].type.tensor_type.shape.dim[2:]
    assert [side.dim_param for side in sides] == ["height", "width"]


MISTAKES = {
    "an unknown format": (["--format", "onxx"], "there is no format `onxx` for models. Did you mean `onnx`?"),
    "another ending": (["--out", "a.pt"], "a.pt: expected a file that ends in .onnx for onnx."),
    "a file that is there": (
        ["--out", "there.onnx"],
        "there.onnx: expected a new file to write; there is one",
    ),
    "weights that are there": (["--format", "openvino", "--out", "there.xml"], "there.bin: expected a new file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_nothing_is_written(mistake, squares_model, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("there.onnx", "there.bin"):
        (tmp_path / name).write_text("kept")
    words, sentence = MISTAKES[mistake]
    result = invoke("export", squares_model, *words)
    assert result.exit_code == 2 and sentence in result.output, result.output
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"there.onnx": "kept", "there.bin": "kept"}


def test_what_is_not_installed_is_named_with_its_extra(squares_model, tmp_path, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else found(name))
    with pytest.raises(ModuleNotFoundError, match="needs openvino, which isn't installed; .* its extra `engines`"):
        export_model(squares_model, tmp_path / "a.xml", format="openvino")
    assert not list(tmp_path.iterdir())


def test_a_network_of_which_no_format_follows_the_sizes_takes_one(squares_model, tmp_path, monkeypatch, caplog):
    from cell_pipelines.inference.engines import export

    def only_fixed(deployed, path):
        if deployed.step:
            raise export.ExportError("of one size only")
        path.write_bytes(b"")
        return 0.0

    monkeypatch.setattr(export, "export_onnx", only_fixed)
    result = export_model(squares_model, tmp_path / "a.onnx")
    assert "it takes one size" in caplog.text and result.sizes.count(" x ") == 1
