"""The commands of the pages are typed, each study's in turn, with less to do and on small generated images.

Which are not, and why, is listed in `typed_commands`.
"""

import os
import re
import runpy
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from ..commands.own_fields import write_fields
from .conftest import ROOT
from .small_project import CHAMBER, public_images, small_project, write_images
from .typed_commands import ELSEWHERE, NEVER, all_commands, commands_by_study, is_typed, stand_in, study_of
from .typist import PROGRAMS, Typist

pytestmark = pytest.mark.slow
# As generated images are called, which some studies read more from than others.
_NAMES = [f"series{n}_{'mosaic' if n % 3 else 'control'}_field1_t00.png" for n in range(12)]
_KERAS = ROOT / "tests" / "models" / "foreign" / "stardist_keras"
#: Typed in `make test`: a quick one of each kind; trainings have tests of their own.
QUICK = {
    "my_study": ("cell-pipelines count three", "cell-pipelines convert", "cell-pipelines evaluate my_images"),
    "demo": ("kedro run --pipelines=annotation_conversion",),
}  # fmt: skip


def test_each_reason_not_to_type_a_command_is_one_of_a_command():
    commands = all_commands()
    assert not [start for start in (*ELSEWHERE, *NEVER) if not any(re.match(start, text) for text in commands)]


@pytest.mark.parametrize("start", ELSEWHERE)
def test_a_command_that_another_test_runs_is_in_its_file(start):
    file, marker = ELSEWHERE[start]
    assert marker in (ROOT / file).read_text(encoding="utf-8")


def test_what_is_typed_are_programs_of_ours_and_most_commands():
    typed = [text for text in all_commands() if is_typed(text)]
    programs = {re.sub(r"([A-Z_]+=\S+ )*", "", text).split()[0] for text in typed}
    assert programs == {*PROGRAMS, "python"}
    assert len(typed) > 90


@pytest.mark.parametrize("text", [text for text in all_commands() if text.startswith("make ")])
def test_make_knows_what_to_do(text):
    done = subprocess.run(["make", "-n", *shlex.split(text)[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout, done.stderr


@pytest.mark.parametrize("text", [text for text in all_commands() if "python benchmarks/" in text])
def test_a_benchmark_can_be_imported_and_knows_its_options(text, monkeypatch):
    _, script, *words = shlex.split(text)
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    runpy.run_path(str(ROOT / script), run_name="imported")
    source = (ROOT / script).read_text(encoding="utf-8")
    assert not [word for word in words if word.startswith("--") and f'"{word}"' not in source]


@pytest.fixture
def place(tmp_path, empty_store, squares_model) -> Path:
    """Make a project with all studies, and in it the files that pages name."""
    folder = small_project(tmp_path / "project")
    shutil.copy(empty_store, folder / "mlflow.db")
    write_fields(folder / "my_study", 12)
    for images, labels in (("my_images", "my_labels"), ("images", "labels"), ("my/images", "my/labels")):
        write_images(folder / images, folder / labels, "coco", _NAMES, colour=images == "my/images")
    write_images(folder / "of_polygons", folder / "my" / "polygons", "coco", _NAMES, classes=("whole", "destroyed"))
    write_images(folder / "masks_of", folder / "my" / "masks", "label_image", _NAMES)
    write_images(folder / "sartorius" / "train", folder / "sartorius", "run_length_csv", _NAMES)
    for copied in ("three", "new_images", "my/new_images"):
        shutil.copytree(folder / "my_study" / "images", folder / copied)
    write_plate(folder / "my" / "plate.csv", sorted(path.name for path in (folder / "new_images").iterdir()))
    write_plate(folder / "my" / "plate_layout.csv", CHAMBER)
    write_images(folder / "regions_of", folder / "my" / "regions", "qupath_geojson", CHAMBER, classes=("tumour",))
    write_plates(folder)
    (folder / "models").mkdir()
    shutil.copy(squares_model, folder / "models" / "unetpp.pt")
    shutil.copy(ROOT / "src" / "cell_pipelines" / "starters" / "nuclei.pt", folder / "models" / "resunet.pt")
    shutil.copytree(_KERAS, folder / "models" / "2D_versatile_fluo")
    (folder / "src" / "cell_pipelines" / "starters").mkdir(parents=True)
    return folder


def write_plates(folder):
    """Write images of the wells of a plate, their layout, and what a count of them says."""
    wells = [f"{row}{column:02d}" for row in "AB" for column in (1, 2, 3)]
    (folder / "my" / "plate_images").mkdir()
    (folder / "counted").mkdir()
    for well, image in zip(wells, sorted((folder / "my_study" / "images").iterdir()), strict=False):
        shutil.copy(image, folder / "my" / "plate_images" / f"{well}_s1{image.suffix}")
    roles = [f"{well},{'control_negative' if well[0] == 'A' else 'control_positive'}" for well in wells]
    for layout in (folder / "my" / "layout.csv", folder / "layout.csv"):
        layout.write_text("\n".join(["well,role", *roles]))
    counts = [f"{well}_s1.png,{n}" for n, well in enumerate(wells)]
    for table in (folder / "counted" / "counts.csv", folder / "counts.csv"):
        table.write_text("\n".join(["image,total", *counts]))


def write_plate(path, names):
    """Write what a laboratory knows of its images."""
    rows = [f"{image},{'treated' if n % 2 else 'control'}" for n, image in enumerate(names)]
    path.write_text("\n".join(["image,condition", *rows]))


@pytest.fixture(scope="module")
def typist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("typist")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KEDRO", "CELL_", "MLFLOW"))}
    (folder / "notes").mkdir()
    given = {
        **kept, **public_images(folder / "public"), "OMP_NUM_THREADS": "1", "KEDRO_DISABLE_TELEMETRY": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(folder),
    }  # fmt: skip
    someone = Typist(folder / "notes", given)
    yield someone
    someone.leave()


@cache
def groups():
    return commands_by_study()


def type_all(commands, place, typist):
    failed = []
    for text in commands:
        words, environment = stand_in(text, str(place))
        failed.append(typist.complain(words, place, environment))
    assert not any(failed), "\n\n".join(filter(None, failed))


@pytest.mark.quick(study=["my_study"])
@pytest.mark.parametrize("study", QUICK)
def test_quick_commands_do_what_the_pages_say(study, place, typist):
    chosen = [text for text in groups()[study] if text.startswith(QUICK[study])]
    assert len(chosen) >= len(QUICK[study])
    type_all(chosen, place, typist)


@pytest.mark.exhaustive
@pytest.mark.parametrize("study", sorted({study_of(text) for text in all_commands() if is_typed(text)}))
def test_all_commands_of_a_study_do_what_the_pages_say(study, place, typist):
    type_all(groups()[study], place, typist)
