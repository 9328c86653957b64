import pytest
import torch

from cell_pipelines.inference.engines import registry
from cell_pipelines.inference.engines.registry import ENGINES, EngineError, create_engine, find_hindrance


def test_engines_on_the_processor_can_be_used_here():
    assert find_hindrance("pytorch") is find_hindrance("onnxruntime") is find_hindrance("openvino") is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("name", [name for name, kind in ENGINES.items() if kind.device == "cuda"])
def test_engines_on_a_gpu_say_what_is_missing(name, tmp_path):
    with pytest.raises(EngineError, match=r"can't be used here: .*(no GPU|isn't installed)"):
        create_engine(name, tmp_path / "a.pt", tmp_path / "a.onnx")


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    found = registry.find_spec
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "openvino" else found(name))
    assert find_hindrance("openvino") == "openvino isn't installed."
    assert find_hindrance("onnxruntime") is None


def test_fewer_bits_need_a_processor_that_has_them(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert find_hindrance("openvino_bfloat16") == "this processor has no bfloat16 instructions."
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert find_hindrance("openvino_bfloat16") is None


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"`engine` must be one of pytorch, .*tensorrt, got 'abacus'"):
        find_hindrance("abacus")


def test_an_engine_that_reads_onnx_needs_a_file(tmp_path):
    with pytest.raises(EngineError, match="`exported` must be a file"):
        create_engine("onnxruntime", tmp_path / "a.pt")
