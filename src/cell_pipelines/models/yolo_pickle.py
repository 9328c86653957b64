"""The content of a YOLO file, read without importing or running anything that it names.

Ultralytics pickles the whole network, and a pickle may call any function. Here each class and function that a file
names becomes an empty stand-in of that name, which only keeps what it was given: enough to know the network's layers,
classes and sizes, and our record, and to see whether the file would run anything else.
"""

import math
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

# A network of 70 million parameters has a pickle of 1 MB beside its tensors.
_MOST_BYTES = 64 << 20
_PLAIN = {"collections.OrderedDict": OrderedDict, "builtins.set": set, "__builtin__.set": set}
_SCALAR = re.compile(r"[fiu][1248]|b1|U\d{1,6}")


class StandIn:
    """Stands for an object of the class, or a call of the function, that a file names.

    Attributes:
        source: Full name of the class or function.
        arguments: What it was called with; empty for an object that was made without a call.
        state: The object's attributes.
    """

    source: ClassVar[str] = ""
    calls: ClassVar[set[str]] = set()
    arguments: tuple[Any, ...] = ()
    state: Mapping[str, Any] = {}

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.calls.add(self.source)

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) else (state,)
        self.state = {str(name): value for part in parts if isinstance(part, dict) for name, value in part.items()}

    def children(self) -> list["StandIn"]:
        """Return the layers directly within this one, in their order."""
        return [child for child in _entries(self.state.get("_modules")) if isinstance(child, StandIn)]

    def layers(self) -> Iterator["StandIn"]:
        """Return this layer and all within, each once, outer ones first."""
        waiting, seen = [self], set()
        while waiting:
            layer = waiting.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                waiting.extend(reversed(layer.children()))

    def parameter_shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the parameters of this layer and all within, each parameter once."""
        held = (_entries(layer.state.get("_parameters")) for layer in self.layers())
        found = {id(value): value for values in held for value in values}
        return [shape for value in found.values() if (shape := _shape(value)) is not None]


@dataclass(frozen=True)
class PickledFile:
    """Content of a file of :func:`torch.save`, with stand-ins for all that is not plain.

    Attributes:
        content: What was saved.
        names: Full names of the classes and functions that the file names.
        calls: Those of them that opening the file would call.
    """

    content: Any
    names: frozenset[str]
    calls: frozenset[str]


def read_pickled(path: Path) -> PickledFile:
    """Read a file of :func:`torch.save`; none of its tensors is loaded and nothing in it is run.

    Raises:
        ValueError: It is no such file, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entry = next(name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl"))
            with archive.open(entry) as file:
                if len(file.read(_MOST_BYTES + 1)) > _MOST_BYTES:
                    raise ValueError(f"its description is larger than {_MOST_BYTES >> 20} MB")
                file.seek(0)
                reader = _Reader(file)
                content = reader.load()
    except StopIteration as error:
        raise ValueError(f"{path}: expected a model file of PyTorch, got a zip file of something else.") from error
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path}: expected a model file of PyTorch, got another or a damaged file.") from error
    except Exception as error:  # a damaged pickle raises anything
        raise ValueError(f"{path}: expected a model file of PyTorch, got a damaged one: {error}.") from error
    return PickledFile(content, frozenset(reader.names), frozenset(reader.calls))


def count_values(shapes: list[tuple[int, ...]]) -> int:
    """Return how many numbers tensors of these shapes hold in all."""
    return sum(math.prod(shape) for shape in shapes)


def without_stand_ins(value: Any) -> Any:
    """Return a value with NumPy's scalars and paths among its stand-ins as plain numbers and text."""
    if isinstance(value, dict):
        return {key: without_stand_ins(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_stand_ins(entry) for entry in value)
    if not isinstance(value, StandIn):
        return value
    if value.source.startswith("pathlib."):
        return "/".join(map(str, value.arguments)).replace("//", "/")
    return _number(value) if value.source.endswith(".multiarray.scalar") else value


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.names: set[str] = set()
        self.calls: set[str] = set()
        self._classes: dict[str, Any] = dict(_PLAIN)

    def find_class(self, module: str, name: str) -> Any:
        source = f"{module}.{name}"
        self.names.add(source)
        if source not in self._classes:
            self._classes[source] = type("StandIn", (StandIn,), {"source": source, "calls": self.calls})
        return self._classes[source]

    def persistent_load(self, pid: Any) -> Any:
        return pid


def _entries(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a pickled parameter or tensor; None for anything else."""
    while isinstance(value, StandIn) and value.source.startswith("torch._utils._rebuild_parameter"):
        value = value.arguments[0] if value.arguments else None
    if not isinstance(value, StandIn) or len(value.arguments) < 3:
        return None
    shape = value.arguments[2]
    return tuple(map(int, shape)) if isinstance(shape, tuple) else None


def _number(value: StandIn) -> Any:
    import numpy as np

    kind, data = (*value.arguments, None, None)[:2]
    code = str(kind.arguments[0]) if isinstance(kind, StandIn) and kind.arguments else ""
    if isinstance(data, StandIn) and data.source == "_codecs.encode":
        data = str(data.arguments[0]).encode("latin1")
    if not _SCALAR.fullmatch(code) or not isinstance(data, bytes):
        return value
    return np.frombuffer(data, np.dtype(code))[0].item()
