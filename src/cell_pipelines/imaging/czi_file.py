"""Open CZI files by czifile's interface of 2019 (for Python 3.11) and by that of 2026."""

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

# Of the format (ZISRAW, schema DV): the head of an entry, and after it of each axis letter, start, size, coordinate and
# stored size, 0 where that is the size.
_ENTRY, _EXTENT = struct.Struct("<2siqiiBB4si"), struct.Struct("<4siifi")


@dataclass(frozen=True)
class Extent:
    """A stored rectangle along one axis.

    Attributes:
        start: Its first index in the image.
        size: Its length in the image.
        stored_size: Its length as stored, shorter for a smaller copy.
    """

    start: int
    size: int
    stored_size: int


@dataclass(frozen=True)
class StoredBlock:
    """One stored rectangle.

    Attributes:
        extents: Along each axis by its letter, M of a mosaic and S of a scene included.
        dtype: Of a pixel; with a shape for colours.
        compression: Its number.
        file_part: Of the files that hold the image; 0 for this one.
        file: The open file.
        entry: As the library gives it.
    """

    extents: dict[str, Extent]
    dtype: np.dtype[Any]
    compression: int
    file_part: int
    file: Any
    entry: Any

    def segment(self) -> Any:
        """Return what holds the pixels: `data_size`, `data_offset` and ``data(raw=True)``."""
        if not _is_new():
            return self.entry.data_segment()
        segment = self.entry.read_segment_data(self.file)
        if not hasattr(segment, "data_size"):
            raise ValueError("a tile, got one that was deleted")
        return segment


def open_czi(opened: BinaryIO) -> Any:
    """Return czifile's view of an open file; its ``header`` says where the other parts lie."""
    import czifile

    return czifile.CziFile(opened) if _is_new() else czifile.CziFile(opened, multifile=False)


def read_directory(file: Any) -> list[StoredBlock]:
    """Return all stored rectangles.

    Raises:
        ValueError: The file's directory is damaged, or a rectangle has pixels of an unknown type.
    """
    segment = _segment(file, file.header.directory_position)
    if str(segment.sid) != "ZISRAWDIRECTORY":
        raise ValueError("a CZI file whose directory is damaged")
    return [_stored_block(file, entry) for entry in segment.data().entries]


def read_metadata(file: Any, most_bytes: int) -> str | bytes | None:
    """Return the file's XML; None where there is none, or one that is larger than `most_bytes`."""
    segment = _segment(file, file.header.metadata_position)
    data = segment.data() if str(segment.sid) == "ZISRAWMETADATA" else None
    if data is None or not 0 < data.xml_size <= most_bytes:
        return None
    text: str | bytes = data.data() if _is_new() else data.data(raw=True)
    return text


def _is_new() -> bool:
    import czifile

    return hasattr(czifile, "CziSegment")


def _segment(file: Any, position: int) -> Any:
    import czifile

    if _is_new():
        return czifile.CziSegment(file, position)
    from czifile.czifile import Segment

    return Segment(file._fh, position)


def _read_extents(opened: BinaryIO, position: int, count: int) -> dict[str, Extent]:
    """Return the extents of an entry as the format has them; the library leaves out those of mosaics and scenes."""
    opened.seek(position)
    fields = _EXTENT.iter_unpack(opened.read(count * _EXTENT.size))
    return {a.rstrip(b"\0").decode("cp1252"): Extent(start, n, stored or n) for a, start, n, _, stored in fields}


def _stored_block(file: Any, entry: Any) -> StoredBlock:
    if not _is_new():
        dtype, compression = np.dtype(entry.dtype), int(entry.compression)
        extents = {str(d.dimension): Extent(d.start, d.size, d.stored_size) for d in entry.dimension_entries}
    else:
        kind = entry.pixel_type
        if kind.name == "UNKNOWN":
            raise ValueError(f"pixels of a known type, got number {kind.value}")
        dtype = np.dtype((kind.dtype, (kind.samples,))) if kind.samples > 1 else kind.dtype
        compression = int(entry.compression.value)
        extents = _read_extents(file.filehandle, entry.offset + _ENTRY.size, entry.dimensions_count)
    return StoredBlock(extents, dtype, compression, entry.file_part, file, entry)
