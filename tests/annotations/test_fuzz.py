"""Damaged and hostile sources of every format: findings or a refusal, never another error, nothing outside read."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import FORMATS, detect_format, read_annotations, write_annotations
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet

FILES = 15
SETS = Callable[..., AnnotationSet]
INDEX = Callable[[AnnotationSet], ImageIndex]


# The benchmarks are no package: the long runs and this test damage files alike.
with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    mutations, folders = (importlib.import_module(name) for name in ("mutations", "fuzz_folders"))


def _damage(rng: Random, folder: Path, files: dict[str, bytes], twin: Path) -> None:
    damaged = dict(files)
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(list(files))
        damaged[name] = mutations.mutate_bytes(rng, name, damaged[name], str(twin))
    for name, content in damaged.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if rng.random() < 0.3:
        folders.mutate_folder(rng, folder, twin)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_sources_give_findings_or_a_refusal_that_names_the_file(
    name: str, tmp_path: Path, make_annotations: SETS, index_of: INDEX
) -> None:
    annotations = make_annotations(5, geometries=GEOMETRIES, scores=True)
    twin = tmp_path / "outside"
    twin.mkdir()
    write_annotations(annotations, twin, format=name)
    files = {p.relative_to(twin).as_posix(): p.read_bytes() for p in sorted(twin.rglob("*")) if p.is_file()}
    for number in range(FILES):
        rng, folder = Random(f"{name}:{number}"), tmp_path / f"case{number}"
        folder.mkdir()
        _damage(rng, folder, files, twin)
        start = time.process_time()
        try:
            _read(folder, index_of(annotations), name)
            if number % 5 == 0:
                detect_format(folder)
        except AnnotationFormatError as error:
            assert str(folder) in str(error)
        assert time.process_time() - start < 5


def _read(folder: Path, index: ImageIndex, name: str) -> None:
    conversion = read_annotations(folder, index, format=name)
    conversion.check()
    assert all(finding.file for finding in conversion.findings)
    "\n".join(finding.sentence() for finding in conversion.findings).encode()


@pytest.mark.parametrize("name", FORMATS)
def test_links_that_lead_out_of_the_folder_are_not_followed(
    name: str, tmp_path: Path, make_annotations: SETS, index_of: INDEX
) -> None:
    annotations = make_annotations(5, geometries=GEOMETRIES, scores=True)
    outside, folder = tmp_path / "outside", tmp_path / "source"
    outside.mkdir()
    write_annotations(annotations, outside, format=name)
    for path in sorted(p for p in outside.rglob("*") if p.is_file()):
        link = folder / path.relative_to(outside)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    conversion = read_annotations(folder, index_of(annotations), format=name)
    assert conversion.annotations.n_objects == 0
    assert set(conversion.annotations.categories).isdisjoint(annotations.categories)
    with pytest.raises(AnnotationFormatError):
        detect_format(folder)
