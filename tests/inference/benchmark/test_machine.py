from cell_pipelines.inference.benchmark import machine
from cell_pipelines.inference.benchmark.machine import name_device, name_version


def test_the_processor_has_a_name_on_any_system(monkeypatch, tmp_path):
    assert name_device("cpu")
    monkeypatch.setattr(machine, "_PROCESSORS", tmp_path / "missing")
    assert isinstance(name_device("cpu"), str)


def test_a_library_is_told_with_its_version_where_it_is_installed():
    assert name_version("numpy").startswith("numpy ") and name_version("no-such-library") == ""
