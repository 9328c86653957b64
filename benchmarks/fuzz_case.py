"""One damaged source, made from its number alone, read by its reader, and everything that must not happen watched."""

import os
import resource
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from fuzz_checks import check_conversion
from fuzz_folders import mutate_folder
from fuzz_sources import FORMATS, Source
from mutations import mutate_bytes

from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import detect_format, read_annotations
from cell_pipelines.imaging.reading import (
    ImageFormatError,
    ImageSelection,
    describe_image,
    list_image_files,
    read_image,
)

MAX_CPU_S = 2.0
MAX_EXTRA_BYTES = 1 << 30
# What the cases are about in turn; images and the formats with the most to read come more often.
TARGETS = (
    *FORMATS,
    *["images"] * 6,
    "coco",
    "imagej_roi",
    "cvat",
    "label_studio",
    "qupath_geojson",
    "supervisely",
    "labelme_xml",
    "darwin",
)
_STARTS_OR_TALKS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class")
_SEES = ("open", "os.listdir", "os.scandir")
_FOREIGN = ("/dev/zero", "/etc/passwd")
_watched: dict[str, Any] = {"outside": "", "beyond": _FOREIGN, "seen": None}


@dataclass
class Outcome:
    """Outcome of one case.

    Attributes:
        number: With the seed, it makes the case again.
        target: Format, or images.
        how: Source and damages.
        verdict: Clean, findings or refused.
        cpu_s: Processor time of detecting and reading.
        peak_bytes: Memory beyond what the process had before.
        problems: What must not happen.
    """

    number: int
    target: str
    how: str = ""
    verdict: str = "clean"
    cpu_s: float = 0.0
    peak_bytes: int = 0
    problems: list[str] = field(default_factory=list)


def watch(outside: Path) -> None:
    """Note from now on whatever this process opens outside of a case's folder, writes or starts."""
    _watched["outside"] = os.path.realpath(outside)
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    seen = _watched["seen"]
    if seen is None:
        return
    if event in _STARTS_OR_TALKS:
        seen.append(f"{event} {arguments!r:.200}")
    elif event in _SEES and isinstance(arguments[0], str | bytes | os.PathLike):
        path = os.fsdecode(os.path.realpath(arguments[0]))
        if path.startswith(_watched["beyond"]):
            seen.append(f"opened {path}, which lies outside")
        elif event == "open" and len(arguments) > 2 and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen.append(f"wrote {path}")


def make_case(
    seed: int, number: int, sources: dict[str, list[Source]], folder: Path, outside: Path
) -> tuple[Outcome, Source]:
    """Write the damaged source of a number into `folder`."""
    rng = Random(f"{seed}:{number}")
    target = TARGETS[number % len(TARGETS)]
    source = rng.choice(sources[target])
    files, told = dict(source.files), []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        name = rng.choice(list(files))
        files[name] = mutate_bytes(rng, name, files[name], str(outside))
        told.append(name)
    if rng.random() < 0.05 and target != "images":
        files |= rng.choice(sources[rng.choice(FORMATS)]).files
        told.append("another format beside")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if rng.random() < 0.12:
        told.append(mutate_folder(rng, folder, outside / target))
    return Outcome(number, target, f"{source.name}; {', '.join(told)}"), source


def run_case(outcome: Outcome, source: Source, folder: Path) -> Outcome:
    """Detect and read what lies in `folder`, and note in `outcome` what came and what must not have."""
    before = _reset_peak()
    start = time.process_time()
    _watched["seen"] = seen = []
    # Images are often links to where the large files lie; annotations must lie in their folder.
    _watched["beyond"] = _FOREIGN if source.index is None else (*_FOREIGN, _watched["outside"])
    with warnings.catch_warnings():
        # A library's warning is an error to whoever asks for that, so both ways are walked.
        warnings.simplefilter("error" if outcome.number % 2 else "ignore")
        try:
            checked = _read_images(folder, outcome) if source.index is None else _read_folder(folder, source, outcome)
        except Exception as error:  # noqa: BLE001 - every kind is what is looked for
            checked = list
            outcome.problems.append(_told(error))
    _watched["seen"] = None
    outcome.cpu_s = time.process_time() - start
    outcome.peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    try:
        outcome.problems += [*dict.fromkeys(seen), *checked()]
    except Exception as error:  # noqa: BLE001 - a result that can't be checked is wrong
        outcome.problems.append(_told(error))
    if outcome.cpu_s > MAX_CPU_S:
        outcome.problems.append(f"slow: {outcome.cpu_s:.1f} s of the processor")
    if outcome.peak_bytes > MAX_EXTRA_BYTES:
        outcome.problems.append(f"memory: {outcome.peak_bytes >> 20} MiB beyond the start")
    return outcome


def _told(error: Exception) -> str:
    *lines, last = traceback.format_exception(error)
    return "".join([*lines[-4:], last[:300]])


def _reset_peak() -> int:
    """Forget the process's peak of memory where the system can, and return it."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5", encoding="utf-8")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read_folder(folder: Path, source: Source, outcome: Outcome) -> Callable[[], list[str]]:
    problems: list[str] = []
    # Detecting asks all formats and takes most of the time.
    if outcome.number % 4 < 2:
        try:
            detect_format(folder)
        except AnnotationFormatError as error:
            problems += _unnamed(error, folder)
    options = {"unlabelled": "background"} if outcome.number % 3 == 0 else {}
    assert source.index is not None
    try:
        conversion = read_annotations(folder, source.index, format=outcome.target, **options)
    except AnnotationFormatError as error:
        outcome.verdict = "refused"
        problems += _unnamed(error, folder)
        return lambda: problems
    outcome.verdict = "findings" if any(f.action != "noted" for f in conversion.findings) else "clean"
    return lambda: [*problems, *check_conversion(conversion)]


def _unnamed(error: Exception, folder: Path) -> list[str]:
    names = {folder.name, *(p.name for p in folder.rglob("*"))}
    text = str(error)
    return [] if any(name in text for name in names) else [f"names no file: {text[:300]}"]


def _read_images(folder: Path, outcome: Outcome) -> Callable[[], list[str]]:
    problems: list[str] = []
    try:
        files = list_image_files(folder)
    except ImageFormatError as error:
        outcome.verdict = "refused"
        return lambda text=str(error): [] if folder.name in text else [f"names no folder: {text}"]
    for file in files.values():
        for selection in (file.selection, ImageSelection(z=0, time=0, scene=0)):
            try:
                describe_image(file.path)
                image = read_image(file.path, selection)
            except ImageFormatError as error:
                outcome.verdict = "refused"
                if file.path.name not in str(error) or len(str(error)) > 12_000:
                    problems.append(f"names no file, or says too much: {str(error)[:300]}")
                continue
            if image.ndim not in (2, 3) or not image.size or image.dtype.kind not in "iufb":
                problems.append(f"no image: {image.shape} {image.dtype}")
            break
    return lambda: problems


def empty_folder(folder: Path) -> Path:
    """Return `folder`, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
