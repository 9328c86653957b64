"""Receive an upload: files go to the disk as they arrive, one after the other, so that memory stays small."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from cell_pipelines.app.uploads import UploadLimits
from cell_pipelines.failures import MistakeError

# Fields of a form that are no files, and the bytes of one.
_MOST_FIELDS, _MOST_FIELD_BYTES = 50, 4096
_DAMAGED = "the upload is damaged, or was cut short; send it again."


@dataclass
class Form:
    """A form that was received.

    Attributes:
        fields: Values by name; of several of one name the last.
        files: Name that was given and file of each, in order. Browsers send one without a name for an empty choice,
            which is left out.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, Path]] = field(default_factory=list)


async def receive_form(request: Request, folder: Path, limits: UploadLimits, names: Collection[str]) -> Form:
    """Receive a form with files.

    Args:
        request: Its body is ``multipart/form-data``, or empty.
        folder: Where the files go, under names of their own; must be there.
        limits: What the upload may take.
        names: Names of the fields that are known.

    Raises:
        HTTPException: 400 where it is damaged, 413 where it is too large, 415 where it is something else.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"application/x-www-form-urlencoded":
        return await _receive_fields(request, names)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise HTTPException(415, "an upload must be sent as `multipart/form-data`.")
    receiver = _Receiver(folder, limits, frozenset(names))
    try:
        parser = MultipartParser(options[b"boundary"], receiver.callbacks())
        async for chunk in request.stream():
            await run_in_threadpool(parser.write, chunk)
        parser.finalize()
    except (FormParserError, ClientDisconnect) as error:
        raise HTTPException(400, _DAMAGED) from error
    finally:
        receiver.close()
    if not receiver.is_whole:
        raise HTTPException(400, _DAMAGED)
    return receiver.form


async def _receive_fields(request: Request, names: Collection[str]) -> Form:
    async with request.form(max_fields=_MOST_FIELDS, max_part_size=_MOST_FIELD_BYTES) as sent:
        fields = {name: str(value) for name, value in sent.items()}
    for name in fields:
        _check_name(name, names)
    return Form(fields)


def _check_name(name: str, names: Collection[str]) -> None:
    if name not in names:
        raise MistakeError(f"there is no field {name[:40]!r}; fields: {', '.join(sorted(names))}, and files.")


class _Receiver:
    """Receiver of the parts that a parser of forms finds."""

    def __init__(self, folder: Path, limits: UploadLimits, names: frozenset[str]) -> None:
        self.form, self.is_whole = Form(), False
        self._folder, self._limits, self._names = folder, limits, names
        self._target: IO[bytes] | None = None
        self._begin()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin, "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value, "on_header_end": self._end_header,
            "on_headers_finished": self._open, "on_part_data": self._add, "on_part_end": self._end,
            "on_end": self._finish,
        }  # fmt: skip

    def close(self) -> None:
        if self._target is not None:
            self._target.close()
            self._target = None

    def _begin(self) -> None:
        self._header, self._value, self._disposition = b"", b"", b""
        self._name, self._content = "", bytearray()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = _text(options.get(b"name", b""))
        if b"filename" not in options:
            _check_name(self._name, self._names)
            if len(self.form.fields) >= _MOST_FIELDS:
                raise MistakeError(f"a form may have at most {_MOST_FIELDS} fields.")
            return
        given = _text(options[b"filename"])
        path = self._folder / f"{len(self.form.files)}"
        self._target = path.open("wb")
        if given:
            self._limits.take_file()
            self.form.files.append((given, path))

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._target is not None:
            self._limits.take_bytes(end - start)
            self._target.write(data[start:end])
            return
        self._content += data[start:end]
        if len(self._content) > _MOST_FIELD_BYTES:
            raise MistakeError(f"{self._name}: a field may have at most {_MOST_FIELD_BYTES} bytes.")

    def _end(self) -> None:
        if self._target is None:
            self.form.fields[self._name] = _text(bytes(self._content))
        self.close()

    def _finish(self) -> None:
        self.is_whole = True


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
