"""Read every image of a source once, and then the annotations about them, with the account of all objects."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from cell_pipelines.annotations.findings import Conversion, Finding
from cell_pipelines.annotations.formats.registry import Reader
from cell_pipelines.annotations.images import FilePlane, ImageIndex, ImageRecord
from cell_pipelines.imaging.places import ImagePlace
from cell_pipelines.imaging.reading import ImageFile, ImageFormatError, LargeImage, hash_pixels
from cell_pipelines.workflows.parallel import ParallelParameters, map_images

# Larger images are read in bands, so that memory stays flat.
_MOST_PIXELS = 1 << 26


def survey(images: Mapping[str, ImageFile], parallel: ParallelParameters | None = None) -> pd.DataFrame:
    """Read every image once; a damaged one becomes a row with its error.

    Raises:
        ImageFormatError: None can be read.
    """
    rows = map_images(survey_image, images.items(), description="reading images", total=len(images), parallel=parallel)
    table = pd.DataFrame(rows)
    if (table["error"] != "").all():
        raise ImageFormatError("no image can be read:\n" + "\n".join(table["error"]))
    return table


def read_source(read: Reader, image_table: pd.DataFrame) -> Conversion:
    """Return the annotations about surveyed images; images that can't be read are findings, too.

    Raises:
        AnnotationFormatError: There are none, or an object would be lost without being listed.
    """
    rows = image_table.to_dict(orient="records")
    unread = tuple(Finding(r["name"], "", "skipped", r["error"], 0) for r in rows if r["error"])
    conversion = read(ImageIndex(map(to_record, rows)))
    conversion = replace(conversion, findings=unread + conversion.findings)
    conversion.check()
    return conversion


def survey_image(named: tuple[str, ImageFile]) -> dict[str, Any]:
    """Read one image to its last pixel and say what it is, or what is wrong with it."""
    name, file = named
    try:
        info = file.info()
        if info.height * info.width > _MOST_PIXELS:
            with file.opened() as image:
                digest = hash_pixels(image)
        else:
            digest = hash_pixels(file())
    except ImageFormatError as error:
        return {"name": name, "width": 0, "height": 0, "sha256": "", "error": str(error)}
    height_um, width_um = info.pixel_size_um or (None, None)
    return {
        "name": name, "width": info.width, "height": info.height, "dtype": info.dtype, "channels": info.channels,
        "channel_names": "; ".join(info.channel_names), "pixel_height_um": height_um, "pixel_width_um": width_um,
        "sha256": digest, "orientation": info.orientation, **_plane_columns(file.place()), "error": "",
    }  # fmt: skip


def is_grey(file: ImageFile) -> bool:
    """Say whether an image has one channel, or several whose values are all equal, as a grey picture stored as RGB."""
    if file.info().channels == 1:
        return True
    with file.opened() as image:
        bands = image.bands() if isinstance(image, LargeImage) else [(0, image)]
        return all(band.ndim == 2 or bool((band == band[..., :1]).all()) for _, band in bands)


def _plane_columns(place: ImagePlace) -> dict[str, Any]:
    """Return which plane of its file an image is, with numbers from 0; no depth for a projection."""
    lengths = zip(("time_points", "depths"), place.lengths[:2], strict=True)
    return {"time": place.time, "z": place.z, **dict(lengths), "file_channels": place.lengths[2]}


def to_record(row: dict[Any, Any]) -> ImageRecord:
    """Return an image of the table that `survey_images` gives, also as read from its CSV."""
    names = ("pixel_height_um", "pixel_width_um", "orientation", "time", "z", "time_points", "depths", "file_channels")
    values = pd.to_numeric(pd.Series({name: row.get(name) for name in names}), errors="coerce")
    size, rest = values.iloc[:2], values.iloc[2:]
    pixel_size = None if size.isna().any() else (float(size.iloc[0]), float(size.iloc[1]))
    # A table of an earlier version does not say it.
    known = rest.drop("z").notna().all()
    lengths = [int(rest[name]) for name in ("time_points", "depths", "file_channels")] if known else [1, 1, 1]
    name = re.sub(r"(/scene \d+)?(/t\d{4,})?$", "", row["name"])
    z = None if pd.isna(rest["z"]) else int(rest["z"])
    plane = FilePlane(name, (lengths[0], lengths[1], lengths[2]), int(rest["time"]), z) if known else None
    orientation = int(rest["orientation"]) if known else 1
    return ImageRecord(
        row["name"], int(row["width"]), int(row["height"]), row["sha256"] or None, pixel_size, orientation, plane
    )
