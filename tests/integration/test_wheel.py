"""What is published holds all that the package reads, the studies too, and nothing of a person's own."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.slow
_BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def run(folder: Path, *words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked(*folders: str) -> set[str]:
    """Return the repository's files in these folders."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=True).stdout
    return {name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """Copy the repository's files, and add what may lie beside them on a person's machine."""
    folder = tmp_path_factory.mktemp("clone")
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    for name in ("conf/local/credentials.yml", "conf/base/.DS_Store", "data/demo/01_raw/image.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("private")
    return folder


@pytest.fixture(scope="module")
def sdist(clone, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("sdist")
    run(clone, "-c", _BUILD, "build_sdist", str(target))
    return next(target.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """Build from the source distribution, as a release is."""
    target, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as archive:
        archive.extractall(source, filter="data")
    run(next(source.iterdir()), "-c", _BUILD, "build_wheel", str(target))
    return next(target.glob("*.whl"))


def test_the_wheel_holds_every_file_of_the_package_and_every_study(wheel):
    package = {name.removeprefix("src/") for name in tracked("src")}
    studies = {f"cell_pipelines/{name}" for name in tracked("conf") if not name.startswith("conf/local/")}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("cell_pipelines/")}
    assert packed == package | studies


def test_a_wheel_built_in_the_repository_is_that_of_the_source_distribution(clone, wheel, tmp_path):
    run(clone, "-c", _BUILD, "build_wheel", str(tmp_path))
    names = [sorted(zipfile.ZipFile(path).namelist()) for path in (wheel, next(tmp_path.glob("*.whl")))]
    assert names[0] == names[1]


def test_the_source_distribution_holds_no_file_of_a_person(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert "conf/base/globals.yml" in names
    assert not [name for name in names if name.startswith(("data/", "conf/local")) or name.endswith(".DS_Store")]


def test_the_wheel_names_the_version_that_the_package_states(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    version = run(ROOT, "-c", "import cell_pipelines; print(cell_pipelines.__version__)").strip()
    assert metadata["Version"] == version


def test_the_unpacked_wheel_finds_its_studies_and_its_command_outside_the_repository(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    empty = tmp_path / "empty"
    empty.mkdir()
    place = {"PYTHONPATH": str(tmp_path / "site")}
    found = run(empty, "-c", "from cell_pipelines.project import packaged_conf; print(packaged_conf())", **place)
    assert Path(found.strip()) == tmp_path / "site" / "cell_pipelines" / "conf"
    assert "Commands:" in run(empty, "-m", "cell_pipelines", "--help", **place)
    assert not list(empty.iterdir())
