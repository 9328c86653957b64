"""A long list in a large JSON file, its entries parsed a part at a time, so that memory stays near the file's size."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import orjson

_CHUNK_BYTES = 8 << 20
_QUOTE, _OPEN, _CLOSE, _BACKSLASH = 1, 2, 3, 4
_KINDS = np.zeros(256, np.uint8)
_KINDS[list(b'"')] = _QUOTE
_KINDS[list(b"{[")] = _OPEN
_KINDS[list(b"}]")] = _CLOSE
_KINDS[list(b"\\")] = _BACKSLASH


class JsonList(Sequence[Any]):
    """Objects of a JSON list, parsed when they are asked for; ask for slices of many.

    Args:
        content: The file.
        starts: (N,) place of each object's ``{``.
        stops: (N,) place after its ``}``.
    """

    def __init__(self, content: bytes, starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]) -> None:
        self._content = content
        self._starts = starts
        self._stops = stops

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, int):
            return orjson.loads(self._content[self._starts[index] : self._stops[index]])
        start, stop, _ = index.indices(len(self))
        if stop <= start:
            return []
        return orjson.loads(b"[" + self._content[self._starts[start] : self._stops[stop - 1]] + b"]")

    def parts(self, size: int) -> Iterator[list[Any]]:
        """Yield all entries in order, `size` at a time.

        Raises:
            ValueError: A part is no valid JSON.
        """
        for start in range(0, len(self), size):
            yield self[start : start + size]


def split_list(content: bytes, key: str) -> dict[str, Any] | None:
    """Return a JSON object with the list of objects under `key` as a `JsonList`; None where that can't be done.

    It can't where texts hold backslashes, entries are no objects, or the key is not one of the outermost object.
    """
    found = re.search(rb'"' + key.encode() + rb'"\s*:\s*\[', content)
    if found is None:
        return None
    bounds = _find_entries(content, found.end())
    if bounds is None:
        return None
    starts, stops, end = bounds
    try:
        head = orjson.loads(content[: found.end()] + content[end:])
    except ValueError:
        return None
    if not isinstance(head, dict) or head.get(key) != [] or not _is_list(content, starts, stops, (found.end(), end)):
        return None
    return {**head, key: JsonList(content, starts, stops)}


def _find_entries(content: bytes, begin: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int] | None:
    """Return where the objects of a list start and stop, and where the list ends; None where that can't be told."""
    starts: list[npt.NDArray[np.int64]] = []
    stops: list[npt.NDArray[np.int64]] = []
    depth = quotes = 0
    for offset in range(begin, len(content), _CHUNK_BYTES):
        kinds = _KINDS[np.frombuffer(content, np.uint8, min(_CHUNK_BYTES, len(content) - offset), offset)]
        place = np.flatnonzero(kinds)
        kind = kinds[place]
        if (kind == _BACKSLASH).any():
            return None
        is_quote = kind == _QUOTE
        outside = ((np.cumsum(is_quote) + quotes) % 2 == 0) & ~is_quote
        quotes += int(is_quote.sum())
        place, kind = place[outside] + offset, kind[outside]
        depths = depth + np.cumsum(np.where(kind == _OPEN, 1, -1))
        ends = np.flatnonzero(depths < 0)
        if ends.size:
            place_of_end = int(place[ends[0]])
            place, kind, depths = place[: ends[0]], kind[: ends[0]], depths[: ends[0]]
        starts.append(place[(kind == _OPEN) & (depths == 1)])
        stops.append(place[(kind == _CLOSE) & (depths == 0)] + 1)
        if ends.size:
            return np.concatenate(starts), np.concatenate(stops), place_of_end
        depth = int(depths[-1]) if depths.size else depth
    return None


def _is_list(
    content: bytes, starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64], whole: tuple[int, int]
) -> bool:
    """Say whether there are objects, with nothing but a comma and white space between two."""
    if len(starts) != len(stops) or not len(starts):
        return False
    letters = np.frombuffer(content, np.uint8)
    if (letters[starts] != ord("{")).any() or (letters[stops - 1] != ord("}")).any():
        return False
    around = content[whole[0] : starts[0]] + content[stops[-1] : whole[1]]
    gaps = starts[1:] - stops[:-1]
    return not around.strip() and (not gaps.size or int(gaps.max()) <= 64)
