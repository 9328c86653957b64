"""Find the planes of an image in OME-TIFF files, where the image is spread over several files or a file was renamed.

An OME description may speak of other files as well; each file stands for itself here, as the planes that lie in it.
"""

import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cell_pipelines.imaging.tiff_metadata import DAMAGED, MAX_OME_TEXT, Metadata, check_ome_text, ome_metadata

Coordinates = tuple[int, int, int]


@dataclass(frozen=True)
class OmePart:
    """Part of an image that a file holds.

    Attributes:
        name: The image's name.
        lengths: How many time points, planes and channels of it lie in the file, by their letters T, Z and C.
        pages: The file's page, from 0, by time point, plane and channel, each counted from 0 within the file.
        metadata: Size of a pixel, distance of planes, and names of these channels.
    """

    name: str
    lengths: Mapping[str, int]
    pages: Mapping[Coordinates, int]
    metadata: Metadata


def read_parts(file: Any, path: Path) -> tuple[OmePart, ...]:
    """Return what the pages of an open TIFF file are, by its OME description; empty where it doesn't say.

    Args:
        file: tifffile's file.
        path: Where it lies; a description that is kept in another file is looked for beside it.
    """
    try:
        return _read_parts(file, path)
    except (OSError, *DAMAGED):
        return ()


def _read_parts(file: Any, path: Path) -> tuple[OmePart, ...]:
    root, identity = _description(file, path)
    images = [element for element in root if _tag(element) == "Image"] if root is not None else []
    names = {unicodedata.normalize("NFC", path.name).lower()}
    if not any(_is_own(data, identity, names) for image in images for data in _data(image)):
        # A renamed file whose description speaks of one file only means itself.
        files = {uuid.get("FileName") for image in images for data in _data(image) for uuid in _uuids(data)}
        names |= {str(name).lower() for name in files} if len(files) == 1 else set()
    parts = (_part(image, identity, names, len(file.pages)) for image in images)
    return tuple(part for part in parts if part is not None)


def _description(file: Any, path: Path) -> tuple[Any, str | None]:
    """Return the root of the description and by which UUID it calls this file."""
    from defusedxml.ElementTree import fromstring

    root = fromstring(file.ome_metadata)
    only = next((element for element in root if _tag(element) == "BinaryOnly"), None)
    if only is None:
        return root, root.get("UUID")
    text = _companion(path.with_name(Path(str(only.get("MetadataFile", ""))).name or path.name), path)
    check_ome_text(text)
    return (fromstring(text) if text else None), only.get("UUID")


def _companion(other: Path, path: Path) -> str:
    if other == path or not other.is_file():
        return ""
    if other.suffix.lower() not in (".tif", ".tiff"):
        return other.read_text("utf-8") if other.stat().st_size <= MAX_OME_TEXT else ""
    import tifffile

    with tifffile.TiffFile(other, _multifile=False) as file:
        return file.ome_metadata or ""


def _part(image: Any, identity: str | None, names: set[str], count: int) -> OmePart | None:
    pixels = next((element for element in image if _tag(element) == "Pixels"), None)
    if pixels is None:
        return None
    pages = {
        place: page
        for data in _data(image)
        if _is_own(data, identity, names)
        for place, page in _planes(data, pixels, count)
    }
    kept = [sorted({place[axis] for place in pages}) for axis in range(3)]
    if not pages or math.prod(map(len, kept)) != len(pages) or len(set(pages.values())) != len(pages):
        return None
    places = {(kept[0].index(t), kept[1].index(z), kept[2].index(c)): page for (t, z, c), page in pages.items()}
    lengths = dict(zip("TZC", map(len, kept), strict=True))
    told = ome_metadata(pixels)
    channels = tuple(told.channels[c] if c < len(told.channels) else "" for c in kept[2])
    metadata = Metadata(told.pixel_size_um, told.z_step_um if lengths["Z"] > 1 else None, channels)
    return OmePart(str(image.get("Name") or ""), lengths, places, metadata)


def _planes(data: Any, pixels: Any, count: int) -> Iterator[tuple[Coordinates, int]]:
    """Yield time point, plane and channel of each page that one entry of the description speaks of."""
    order = [axis for axis in pixels.get("DimensionOrder", "XYCZT")[2:] if axis in "CZT"]
    sizes = {axis: max(1, int(pixels.get(f"Size{axis}", 1))) for axis in order}
    place = {axis: int(data.get(f"First{axis}", 0)) for axis in order}
    first = int(data.get("IFD", 0))
    planes = int(data.get("PlaneCount", data.get("NumPlanes", 1 if "IFD" in data.attrib else count)))
    for page in range(first, min(first + planes, count)):
        yield (place.get("T", 0), place.get("Z", 0), place.get("C", 0)), page
        for axis in order:
            place[axis] += 1
            if place[axis] < sizes[axis]:
                break
            place[axis] = 0


def _is_own(data: Any, identity: str | None, names: set[str]) -> bool:
    """Say whether an entry of the description speaks of this file."""
    uuids = _uuids(data)
    if not uuids:
        return True
    if identity is not None and any(uuid.text == identity for uuid in uuids):
        return True
    return any(unicodedata.normalize("NFC", uuid.get("FileName", "")).lower() in names for uuid in uuids)


def _data(image: Any) -> list[Any]:
    return [
        element for pixels in image if _tag(pixels) == "Pixels" for element in pixels if _tag(element) == "TiffData"
    ]


def _uuids(data: Any) -> list[Any]:
    return [element for element in data if _tag(element) == "UUID"]


def _tag(element: Any) -> str:
    return str(element.tag).split("}")[-1]
