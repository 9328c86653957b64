"""Damaged and hostile images of every kind: an image, or a refusal that names the file, soon."""

import importlib
import time
from pathlib import Path
from random import Random

import pytest

from cell_pipelines.imaging.reading import ImageFormatError, ImageSelection, describe_image, read_image

FILES = 15


# The benchmarks are no package: the long runs and this test damage files alike.
with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    mutations, images = (importlib.import_module(name) for name in ("mutations", "fuzz_images"))
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
