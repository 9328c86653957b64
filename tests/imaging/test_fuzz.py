"""Damaged and hostile images of every kind: an image, or a refusal that names the file, soon."""

import importlib.util
import time
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from cell_pipelines.imaging.reading import ImageFormatError, ImageSelection, describe_image, read_image

FILES = 15
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def _load(name: str) -> ModuleType:
    """Load a module of the benchmarks, which are no package: the long runs and this test damage files alike."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutations, images = _load("mutations"), _load("fuzz_images")
KINDS = images.image_files()


@pytest.mark.parametrize("name", KINDS)
def test_damaged_images_are_read_or_refused_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for number in range(FILES):
        rng = Random(f"{name}:{number}")
        path.write_bytes(mutations.mutate_bytes(rng, name, KINDS[name], str(tmp_path)))
        start = time.process_time()
        try:
            infos = describe_image(path)
            image = read_image(path, ImageSelection(z=0, time=0, scene=0))
            assert image.shape[:2] == (infos[0].height, infos[0].width)
        except ImageFormatError as error:
            assert name in str(error)
        assert time.process_time() - start < 5
