"""Small sources of every annotation format and small images of every kind: what the fuzz runs damage."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import PIL.Image
from fuzz_images import image_files

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.findings import AnnotationFormatError
from cell_pipelines.annotations.formats.registry import FORMATS, detect_format, write_annotations
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths
from cell_pipelines.annotations.images import ImageIndex, ImageRecord
from cell_pipelines.annotations.schema import AnnotationSet

REAL = Path(os.environ.get("CELL_REAL_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
IMAGES = {"train/field 1.png": (48, 40), "val/field.2_é.png": (37, 29), "empty.png": (16, 12)}
CANARY = "c4n4ry"
KINDS = ("mixed", "box", "polygon", "mask", "point")
# More of a real source would only cost time.
_MAX_BYTES, _MAX_FILES = 120_000, 9
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Source:
    """Content of a folder, and the images that it names.

    Attributes:
        name: Says where it is from.
        files: Content by path; what is damaged.
        index: The images; none where the files are images themselves.
    """

    name: str
    files: dict[str, bytes]
    index: ImageIndex | None = None


def make_annotations(kind: str, seed: int, category: str = "dead cell") -> AnnotationSet:
    """Return a small set with an image without objects; objects of one geometry, or of all with attributes."""
    rng = np.random.default_rng(seed)
    builder = AnnotationBuilder([category, "größer", f"{category} 2"])
    for name, (width, height) in IMAGES.items():
        row = builder.add_image(name, width=width, height=height, sha256=name)
        for number in range(0 if name == "empty.png" else 5):
            corner = rng.integers(1, (width - 12, height - 12)).astype(float)
            extra: dict[str, Any] = {"score": float(np.float32(rng.random()))} if seed % 2 else {}
            if kind == "mixed":
                extra |= {"attributes": {"stain": "DAPI", "plane": number}, "crowd": number == 3}
            geometry = kind if kind != "mixed" else ("box", "polygon", "mask", "point")[number % 4]
            _add(builder, (row, (f"{category} 2", category)[number % 2], geometry), corner, (width, height), extra)
    return builder.build()


def _add(builder: AnnotationBuilder, place: Any, corner: np.ndarray, size: tuple[int, int], extra: dict) -> None:
    row, category, geometry = place
    x, y = corner
    ring = np.array([(x, y), (x + 9, y + 1), (x + 8, y + 9), (x + 0.5, y + 8)])
    if geometry == "polygon":
        builder.add_polygon(row, category, [ring, ring.mean(axis=0) + 0.4 * (ring - ring.mean(axis=0))], **extra)
    elif geometry == "mask":
        mask = np.zeros(size[::-1], bool)
        mask[int(y) : int(y) + 8, int(x) : int(x) + 9] = True
        mask[int(y) + 3, int(x) + 3] = False
        builder.add_object(row, category, "mask", mask_box(mask), counts=mask_to_run_lengths(mask), **extra)
    else:
        far = corner if geometry == "point" else corner + np.array([9.25, 8.5])
        builder.add_object(row, category, geometry, [*corner, *far], **extra)


def index_of(annotations: AnnotationSet) -> ImageIndex:
    """Return the images of a set, as a reader is told of them."""
    return ImageIndex(ImageRecord(r["name"], r["width"], r["height"]) for r in annotations.images.to_pylist())


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder by their paths."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def made_source(format: str, kind: str, seed: int) -> Source | None:
    """Return a source as our own writer makes it; None where the format holds nothing of that kind."""
    annotations = make_annotations(kind, seed)
    with TemporaryDirectory() as folder:
        write_annotations(annotations, Path(folder), format=format)
        files = read_files(Path(folder))
    return Source(f"{kind} {seed}", files, index_of(annotations)) if files else None


def made_sources(format: str) -> list[Source]:
    """Return the sources of a format that our own writers make."""
    made = (made_source(format, kind, seed) for kind in KINDS for seed in (0, 1))
    return [source for source in made if source is not None]


def write_canaries(folder: Path) -> None:
    """Write a source of each format with classes that no reader may ever tell of, and files with secrets."""
    for format in FORMATS:
        (folder / format).mkdir(parents=True)
        write_annotations(make_annotations("mixed", 1, CANARY), folder / format, format=format)
    for format, files in (("images", image_files()),):
        for name, content in files.items():
            (folder / format).mkdir(exist_ok=True)
            (folder / format / name).write_bytes(content)
    (folder / "secret.txt").write_text(CANARY, encoding="utf-8")
    (folder / "a.png").write_bytes(image_files()["grey.png"])


def real_sources() -> dict[str, list[Source]]:
    """Return small parts of real sources by format; none where the public data are not there."""
    found: dict[str, list[Source]] = {}
    folders = [*REAL.glob("*/"), *REAL.glob("annotation_formats/*/"), *REAL.glob("annotation_formats/tool_test*/*/")]
    for folder in sorted(folders):
        files = dict(_small_files(folder))
        with TemporaryDirectory() as copy:
            for name, content in files.items():
                (Path(copy) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(copy) / name).write_bytes(content)
            try:
                format = detect_format(Path(copy))[0]
            except AnnotationFormatError:
                continue
        found.setdefault(format, []).append(
            Source(f"real {folder.name}", files, ImageIndex(islice(_records(folder), 40)))
        )
    return found


def _small_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith("README")]
    small = [p for p in paths if p.stat().st_size < _MAX_BYTES]
    told = [p for p in small if p.suffix.lower() not in _PICTURES]
    for path in [*told[:_MAX_FILES], *(p for p in small if p.suffix.lower() == ".png")][:_MAX_FILES]:
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def _records(folder: Path) -> Iterator[ImageRecord]:
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".tif")):
        with PIL.Image.open(path) as picture:
            yield ImageRecord(path.relative_to(folder).as_posix(), picture.width, picture.height)


def image_sources() -> list[Source]:
    """Return a source for each kind of image, real microscope files among them where they are there."""
    made = [Source(name, {name: content}) for name, content in image_files().items()]
    real = sorted(
        p
        for p in (REAL / "annotation_formats").rglob("*")
        if p.suffix in (".tif", ".czi") and p.stat().st_size < 3 << 20
    )
    return [*made, *(Source(f"real {p.name}", {p.name: p.read_bytes()}) for p in real)]
