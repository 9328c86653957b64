"""Writers of small microscope files, as far as the tests need them."""

import struct
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]
# Place of a tile by axis, its pixels (H, W) or (H, W, 3) with blue first, and how it is stored.
Tile = tuple[dict[str, int], Array, int]
PIXEL_TYPES = {("uint8", 2): 0, ("uint16", 2): 1, ("float32", 2): 2, ("uint8", 3): 3}
CZI_XML = """<ImageDocument><Metadata><Information><Image><Dimensions><Channels>{channels}</Channels>
<S><Scenes>{scenes}</Scenes></S></Dimensions></Image></Information><Scaling><Items>
<Distance Id="X"><Value>2.5e-7</Value></Distance><Distance Id="Y"><Value>5e-7</Value></Distance>
<Distance Id="Z"><Value>1e-6</Value></Distance></Items></Scaling></Metadata></ImageDocument>"""


def _segment(name: bytes, data: bytes) -> bytes:
    return struct.pack("<16sqq", name, len(data), len(data)) + data


def _entry(place: dict[str, int], pixels: Array, compression: int, position: int, size: tuple[int, int]) -> bytes:
    extents = {"X": (pixels.shape[1], size[1]), "Y": (pixels.shape[0], size[0])}
    entry = struct.pack("<2siqiiBB4si", b"DV", PIXEL_TYPES[pixels.dtype.name, pixels.ndim], position, 0, compression,
                        0, 0, b"", len(place))  # fmt: skip
    for axis, start in place.items():
        stored, whole = extents.get(axis, (1, 1))
        entry += struct.pack("<4siifi", axis.encode(), start, whole, float(start), stored)
    return entry


def make_czi(tiles: list[Tile], encode: Callable[[Array], bytes], channels: str, scenes: str, shrunk: int) -> bytes:
    content = _segment(b"ZISRAWFILE", bytes(512))
    entries = []
    for place, pixels, compression in tiles:
        scale = shrunk if place.get("M", 0) < 0 else 1
        size = (pixels.shape[0] * scale, pixels.shape[1] * scale)
        place = {axis: max(start, 0) for axis, start in place.items()}
        entry = _entry(place, pixels, compression, len(content), size)
        data = encode(pixels)
        filler = bytes(max(240 - len(entry), 0))
        block = struct.pack("<iiq", 0, 0, len(data)) + entry + filler + data
        content += _segment(b"ZISRAWSUBBLOCK", block)
        entries.append(entry)
    directory = len(content)
    content += _segment(b"ZISRAWDIRECTORY", struct.pack("<i124x", len(entries)) + b"".join(entries))
    xml = CZI_XML.format(
        channels="".join(f'<Channel Name="{name}"/>' for name in channels.split()),
        scenes="".join(f'<Scene Index="{i}" Name="{name}"/>' for i, name in enumerate(scenes.split())),
    ).encode()
    metadata = len(content)
    content += _segment(b"ZISRAWMETADATA", struct.pack("<ii248x", len(xml), 0) + xml)
    guid = uuid.UUID(int=1).bytes
    header = struct.pack("<iiii16s16siqqiq", 1, 0, 0, 0, guid, guid, 0, directory, metadata, 0, 0)
    return content[:32] + header + content[32 + len(header) :]


@pytest.fixture
def write_czi() -> Callable[..., None]:
    """Write tiles as a CZI file; a tile of mosaic index below 0 is a smaller copy."""

    def write(
        path: Path,
        tiles: list[Tile],
        encode: Callable[[Array], bytes] = lambda pixels: pixels.tobytes(),
        channels: str = "",
        scenes: str = "",
        shrunk: int = 2,
    ) -> None:
        path.write_bytes(make_czi(tiles, encode, channels, scenes, shrunk))

    return write


LIF_IMAGE = """<Element Name="{name}"><Data><Image><ImageDescription><Channels>{channels}</Channels>
<Dimensions>{dimensions}</Dimensions></ImageDescription></Image></Data>
<Memory Size="{size}" MemoryBlockID="Mem{number}"/></Element>"""


def _lif_image(number: int, name: str, axes: str, pixels: Array, names: list[str]) -> str:
    strides = dict(zip(axes, pixels.strides, strict=True))
    sizes = dict(zip(axes, pixels.shape, strict=True))
    step = strides["C"] if "C" in axes else 0
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="{8 * pixels.itemsize}" Min="0" Max="1" Unit="" '
        f'NameOfMeasuredQuantity="" LUTName="{n}" IsLUTInverted="0" BytesInc="{i * step}" BitInc="0"/>'
        for i, n in enumerate(names)
    )
    numbers = {"X": 1, "Y": 2, "Z": 3, "T": 4, "M": 10}
    dimensions = "".join(
        f'<DimensionDescription DimID="{numbers[a]}" NumberOfElements="{sizes[a]}" Origin="0" '
        f'Length="{(sizes[a] - 1) * 3e-7}" Unit="m" BytesInc="{strides[a]}" BitInc="0"/>'
        for a in reversed(axes) if a != "C"
    )  # fmt: skip
    return LIF_IMAGE.format(name=name, channels=channels, dimensions=dimensions, size=pixels.nbytes, number=number)


@pytest.fixture
def write_lif() -> Callable[..., None]:
    """Write images, each as name, axes, pixels and names of its channels, as a LIF file."""

    def write(path: Path, images: list[tuple[str, str, Array, list[str]]]) -> None:
        elements = "".join(_lif_image(i, *image) for i, image in enumerate(images))
        xml = (
            '<LMSDataContainerHeader Version="2"><Element Name="project"><Children>'
            f"{elements}</Children></Element></LMSDataContainerHeader>"
        )
        text = xml.encode("utf-16-le")
        content = struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(xml)) + text
        for i, (_, _, pixels, _) in enumerate(images):
            name = f"Mem{i}"
            head = struct.pack("<IIBQBI", 0x70, 0, 0x2A, pixels.nbytes, 0x2A, len(name))
            content += head + name.encode("utf-16-le") + np.ascontiguousarray(pixels).tobytes()
        path.write_bytes(content)

    return write
