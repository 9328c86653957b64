"""Small images of every kind that is read without an optional library: what the fuzz runs damage."""

import io
from functools import partial
from typing import Any

import numpy as np
import PIL.Image
import tifffile


def image_files() -> dict[str, bytes]:
    """Return a small image of every kind that is read without an optional library."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (31, 29), dtype=np.uint8)
    colour = rng.integers(0, 256, (31, 29, 3), dtype=np.uint8)
    deep = rng.integers(0, 65536, (31, 29), dtype=np.uint16)
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    save = {
        "png": partial(_picture, "PNG"),
        "jpg": partial(_picture, "JPEG"),
        "bmp": partial(_picture, "BMP"),
        "tif": partial(_picture, "TIFF"),
    }
    return {
        "grey.png": save["png"](grey), "colour.png": save["png"](colour), "deep.png": save["png"](deep),
        "bit.png": save["png"](grey > 99), "deep_colour.png": _deep_colour(deep), "exif.png": save["png"](grey, exif=turned),
        "palette.png": save["png"](PIL.Image.fromarray(colour).quantize(9)), "clear.png": save["png"](np.dstack([colour, grey])),
        "colour.jpg": save["jpg"](colour), "grey.jpg": save["jpg"](grey), "exif.jpg": save["jpg"](colour, exif=turned),
        "progressive.jpg": save["jpg"](colour, progressive=True), "cmyk.jpg": save["jpg"](PIL.Image.fromarray(colour).convert("CMYK")),
        "colour.bmp": save["bmp"](colour), "grey.bmp": save["bmp"](grey), "bit.bmp": save["bmp"](grey > 99),
        "lzw.tif": save["tif"](grey, compression="tiff_lzw"), "packbits.tif": save["tif"](grey, compression="packbits"),
        "group4.tif": save["tif"](grey > 99, compression="group4"), "plain.tif": _tiff(deep), "big.tif": _tiff(deep, bigtiff=True),
        "zlib.tif": _tiff(deep, compression="zlib", rowsperstrip=7, predictor=True), "jpeg.tif": _tiff(np.tile(colour, (2, 2, 1))[:48, :48], compression="jpeg", tile=(16, 16)),
        "tiles.tif": _tiff(colour, compression="zlib", tile=(16, 16), photometric="rgb"), "lzma.tif": _tiff(grey, compression="lzma"), "zstd.tif": _tiff(grey, compression="zstd"),
        "planes.tif": _tiff(np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate"), "pyramid.tif": _pyramid(deep),
        "imagej.tif": _tiff(np.stack([deep, deep, deep]), imagej=True, resolution=(2.0, 2.0), metadata={"axes": "ZYX", "unit": "um"}),
        "stack.ome.tif": _tiff(np.stack([deep] * 4).reshape(2, 2, 31, 29), ome=True, metadata={"axes": "TCYX", "PhysicalSizeX": 0.5, "Channel": {"Name": ["a", "b"]}}),
    }  # fmt: skip


def _picture(kind: str, image: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, PIL.Image.Image) else PIL.Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def _deep_colour(deep: np.ndarray) -> bytes:
    import cv2

    return cv2.imencode(".png", np.dstack([deep] * 3))[1].tobytes()


def _tiff(image: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, **options)
    return buffer.getvalue()


def _pyramid(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(image, subifds=1, tile=(16, 16), compression="zlib")
        file.write(image[::2, ::2], subfiletype=1, tile=(16, 16), compression="zlib")
    return buffer.getvalue()
