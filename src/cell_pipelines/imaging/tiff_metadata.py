"""Read pixel sizes and channels of TIFF files, as ImageJ, OME, LSM, MetaMorph and scanners write them."""

import math
import re
from dataclasses import dataclass
from typing import Any

_UM = {
    "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "micrometers": 1.0, "nm": 1e-3, "nanometer": 1e-3, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4,
    "m": 1e6, "meter": 1e6, "in": 25400.0, "inch": 25400.0, "å": 1e-4, "pm": 1e-6,
}  # fmt: skip
# TIFF's number of a resolution's unit.
_TAG_UNITS = {2: 25400.0, 3: 10000.0}
# What a damaged description raises when it is read; that of XML is a SyntaxError.
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, SyntaxError, StopIteration)
# Planes that an OME description may claim; more is a damaged or hostile one.
_MAX_OME_PLANES = 1 << 22
MAX_OME_TEXT = 64 << 20


@dataclass(frozen=True)
class Metadata:
    """Metadata of one image."""

    pixel_size_um: tuple[float, float] | None = None
    z_step_um: float | None = None
    channels: tuple[str, ...] = ()


def read_metadata(file: Any, series: Any, number: int, count: int) -> Metadata:
    """Return what the file says of its image `number` of `count`; what is damaged counts as not said."""
    readers = ((file.is_ome, _read_ome), (file.is_imagej, _read_imagej), (file.is_lsm, _read_lsm))
    other = ((file.is_stk, _read_stk), (file.is_sis, _read_sis), (file.is_svs, _read_svs))
    try:
        found = next((read for applies, read in (*readers, *other) if applies), None)
        told = found(file, series, number, count) if found else Metadata()
    except DAMAGED:
        told = Metadata()
    if told.pixel_size_um is None and not file.is_imagej:
        return Metadata(_read_tags(series.keyframe), told.z_step_um, told.channels)
    return told


def to_um(value: Any, unit: str = "um") -> float | None:
    """Return a length in micrometres; None where it is no positive number or the unit is none of length.

    >>> to_um(250, "nm"), to_um("0.5"), to_um(1, "pixel"), to_um(0)
    (0.25, 0.5, None, None)
    """
    try:
        length = float(value) * _UM[_plain_unit(unit)]
    except (TypeError, ValueError, KeyError):
        return None
    return length if math.isfinite(length) and length > 0 else None


def _plain_unit(unit: str) -> str:
    # ImageJ writes the micro sign as an escape.
    return re.sub(r"\\u00[bB]5", "µ", str(unit)).strip().lower()


def pair(row: float | None, column: float | None) -> tuple[float, float] | None:
    """Return a pixel's height and width where both are known."""
    return None if row is None or column is None else (row, column)


def _resolution(page: Any, name: str) -> float | None:
    tag = page.tags.get(name)
    if tag is None:
        return None
    numerator, denominator = tag.value
    return denominator / numerator if numerator > 0 and denominator > 0 else None


def _read_tags(page: Any) -> tuple[float, float] | None:
    unit = page.tags.get("ResolutionUnit")
    scale = _TAG_UNITS.get(int(unit.value)) if unit is not None and isinstance(unit.value, int) else None
    try:
        sizes = [_resolution(page, name) for name in ("YResolution", "XResolution")]
    except (TypeError, ValueError):
        return None
    if scale is None or None in sizes:
        return None
    height, width = (float(size or 0) * scale for size in sizes)
    return height, width


def _read_imagej(file: Any, series: Any, number: int, count: int) -> Metadata:
    told = file.imagej_metadata or {}
    page = file.pages.first
    unit = str(told.get("unit", ""))
    tag = page.tags.get("ResolutionUnit")
    if not unit and tag is not None:
        unit = {2: "inch", 3: "cm"}.get(int(tag.value), "")
    size = pair(*(to_um(_resolution(page, name), unit) for name in ("YResolution", "XResolution")))
    z_unit = str(told.get("zunit", unit))
    return Metadata(size, to_um(told.get("spacing"), z_unit), _imagej_channels(told, series))


def _imagej_channels(told: dict[str, Any], series: Any) -> tuple[str, ...]:
    """Return the labels of the channels of the first plane, without the counters that ImageJ puts in front."""
    labels = told.get("Labels")
    lengths = dict(zip(series.get_axes(False), series.get_shape(False), strict=True))
    n = max(int(lengths.get("C", 1)), int(lengths.get("S", 1)))
    if not isinstance(labels, (list, tuple)) or len(labels) < n or n == 1:
        return ()
    if told.get("order", "czt").lower() not in ("czt", "ctz", "default"):
        return ()
    names = tuple(re.sub(r"^([czt]:\d+/\d+ )+(- )?", "", str(label)).strip() for label in labels[:n])
    return names if len(set(names)) == n and all(names) else ()


def check_ome(file: Any) -> None:
    """Refuse an OME description that would exhaust memory when tifffile obeys it.

    Raises:
        ValueError: It declares entities, or claims more planes than any microscope takes.
    """
    text = file.ome_metadata if file.is_ome else None
    if text:
        check_ome_text(text)


def check_ome_text(text: str) -> None:
    """Refuse an OME description that would exhaust memory.

    Raises:
        ValueError: It declares entities, or claims more planes than any microscope takes.
    """
    if len(text) > MAX_OME_TEXT or "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise ValueError("an OME description that is too long or declares entities")
    for pixels in re.finditer(r"<[^<>]*\bSize[XYZCT]=[^<>]*>", text):
        sizes = [int(n[:12]) for n in re.findall(r"\bSize[ZCT]=[\"']\s*(\d+)", pixels[0])]
        if math.prod(sizes) > _MAX_OME_PLANES:
            raise ValueError(f"an OME description that claims {math.prod(sizes)} planes")
    numbers = re.findall(r"\b(?:NumPlanes|PlaneCount|IFD|First[ZCT]|SamplesPerPixel)=[\"']\s*(\d+)", text)
    if any(int(n[:12]) > _MAX_OME_PLANES for n in numbers):
        raise ValueError("an OME description that claims more planes than any microscope takes")
    for along in re.finditer(r"<[^<>]*ModuloAlong[^<>]*>", text):
        _check_modulo(along[0])


def _check_modulo(text: str) -> None:
    told = dict(re.findall(r"\b(Start|Step|End)=[\"']([^\"']*)", text))
    steps = (float(told.get("End", 0)) - float(told.get("Start", 0))) / (float(told.get("Step", 1)) or math.nan)
    if not abs(steps) < _MAX_OME_PLANES:
        raise ValueError("an OME description with a damaged modulo annotation")


def _read_ome(file: Any, series: Any, number: int, count: int) -> Metadata:
    from defusedxml.ElementTree import fromstring

    found = [image for image in fromstring(file.ome_metadata) if image.tag.endswith("}Image") or image.tag == "Image"]
    if len(found) != count:
        found = [image for image in found if image.get("Name") == series.name] if count > 1 else found[:1]
        number = 0 if len(found) == 1 else len(found)
    return ome_metadata(next(element for element in found[number] if element.tag.split("}")[-1] == "Pixels"))


def ome_metadata(pixels: Any) -> Metadata:
    """Return what the element ``Pixels`` of an OME description says of its image."""
    row, column, z = (
        to_um(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")) for axis in "YXZ"
    )
    channels = [element for element in pixels if element.tag.split("}")[-1] == "Channel"]
    names = tuple(str(channel.get("Name", "")) for channel in channels)
    return Metadata(pair(row, column), z, names)


def _read_lsm(file: Any, series: Any, number: int, count: int) -> Metadata:
    told = file.lsm_metadata
    row, column, z = (to_um(told.get(f"VoxelSize{axis}"), "m") for axis in "YXZ")
    names = told.get("ChannelColors", {}).get("ColorNames", ())
    return Metadata(pair(row, column), z, tuple(str(name) for name in names))


def _read_stk(file: Any, series: Any, number: int, count: int) -> Metadata:
    told = file.stk_metadata
    if not told.get("SpatialCalibration"):
        return Metadata()
    unit = told.get("CalibrationUnits", "")
    distances = [float(d) for d in told.get("ZDistance", ())]
    z = to_um(distances[0], unit) if distances else None
    return Metadata(pair(to_um(told["YCalibration"], unit), to_um(told["XCalibration"], unit)), z)


def _read_sis(file: Any, series: Any, number: int, count: int) -> Metadata:
    told = file.sis_metadata
    return Metadata(pair(to_um(told.get("pixelsizey"), "m"), to_um(told.get("pixelsizex"), "m")))


def _read_svs(file: Any, series: Any, number: int, count: int) -> Metadata:
    found = re.search(r"\bMPP\s*=\s*([0-9.]+)", file.pages.first.description)
    size = to_um(found[1]) if found else None
    return Metadata(pair(size, size))
