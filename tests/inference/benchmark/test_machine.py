from cell_pipelines.inference.benchmark.machine import name_device, name_version
from cell_pipelines.machine import processor_name


def test_the_processor_is_named_as_everywhere():
    assert name_device("cpu") == processor_name()


def test_a_library_is_told_with_its_version_where_it_is_installed():
    assert name_version("numpy").startswith("numpy ") and name_version("no-such-library") == ""
