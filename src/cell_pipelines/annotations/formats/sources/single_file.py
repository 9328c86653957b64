"""Let one annotation file be given where a folder is expected."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cell_pipelines.annotations.findings import AnnotationFormatError

# They describe the folder that they lie in.
_DESCRIPTIONS = (".yaml", ".yml")


@contextmanager
def as_folder(source: Path) -> Iterator[Path]:
    """Give the folder that holds a source: itself, or for one file a temporary folder with that file alone.

    A YAML file, such as YOLO's ``data.yaml``, stands for its folder. Errors name the file, not the temporary folder.

    Raises:
        AnnotationFormatError: There is neither a folder nor a file, or the file can't be read.
    """
    if source.is_dir():
        yield source
    elif source.is_file() and source.suffix.lower() in _DESCRIPTIONS:
        yield source.parent
    elif source.is_file():
        with tempfile.TemporaryDirectory() as temporary:
            _place(source, Path(temporary) / source.name)
            try:
                yield Path(temporary)
            except AnnotationFormatError as error:
                raise AnnotationFormatError(str(error).replace(temporary, str(source))) from error
    else:
        raise AnnotationFormatError(
            f"{source}: expected a folder with annotations, or one annotation file; none is there."
        )


def _place(source: Path, target: Path) -> None:
    """Make `target` show the bytes of `source` without copying them where the system allows that."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise AnnotationFormatError(f"{source}: the file can't be read: {error.strerror}.") from error
