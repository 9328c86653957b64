"""The data that a run read: whether they are still there, and how they come to where it is repeated."""

import hashlib
import shutil
from pathlib import Path

from cell_pipelines.annotations.storage import read_parquet
from cell_pipelines.failures import MistakeError
from cell_pipelines.lineage import Lineage
from cell_pipelines.workflows.run_record import StoredData

_TRUTH = "prepared_annotations"


def check_inputs(described: Lineage, fingerprint: str | None) -> None:
    """Refuse a run whose inputs are not what they were.

    Args:
        described: What repeats the run.
        fingerprint: Hash of the images and annotations that it worked on.

    Raises:
        MistakeError: An input is gone, or the annotations or a model are others.
    """
    for data in described.inputs:
        if not Path(data.path).exists():
            raise MistakeError(f"{data.path}: the run read `{data.name}` here; it is not there any more.")
        if data.sha256 and hashlib.sha256(Path(data.path).read_bytes()).hexdigest() != data.sha256:
            raise MistakeError(
                f"{data.path}: the model is another one than that which the run read (SHA-256 {data.sha256[:12]}…); it "
                "is among the artifacts of the run that trained it."
            )
        if data.name == _TRUTH and fingerprint and read_parquet(Path(data.path)).fingerprint() != fingerprint:
            raise MistakeError(
                f"{data.path}: the images and annotations are others than those that the run worked on (data.sha256 "
                f"{fingerprint[:12]}…); prepare the study as it was, or reproduce the run that prepared it."
            )


def check_outputs(described: Lineage) -> None:
    """Refuse a run that would write over what it wrote.

    Raises:
        MistakeError: It writes outside of the study's folder, so that results can't be sent elsewhere.
    """
    results = described.invocation.parameters.get("results")
    folders = [described.study, *([described.invocation.project / str(results)] if results else [])]
    for data in described.outputs:
        if not any(Path(data.path).is_relative_to(folder) for folder in folders):
            raise MistakeError(
                f"{data.path}: the run wrote `{data.name}` here, outside of the study's folder {described.study}; "
                "reproducing it would write over it."
            )


def inputs_to_take(described: Lineage) -> list[StoredData]:
    """Return the inputs in the study's folder that the run needs where it is repeated.

    Left out is what the run itself writes, or writes into; and folders in which nodes work, unless the run has also
    read a table beside them: without one it fills them itself.
    """
    read = [data for data in described.inputs if Path(data.path).is_relative_to(described.study)]
    written = [Path(data.path) for data in described.outputs]
    tables = {Path(data.path).parent for data in read if not data.is_work_folder}
    return [
        data
        for data in read
        if not any(_overlap(Path(data.path), path) for path in written)
        and (not data.is_work_folder or Path(data.path).parent in tables)
    ]


def _overlap(first: Path, second: Path) -> bool:
    return first.is_relative_to(second) or second.is_relative_to(first)


def take_along(described: Lineage, study: Path) -> None:
    """Link the inputs in the study's folder into a new one; folders in which nodes work are copied.

    Args:
        described: What repeats the run.
        study: The new folder.
    """
    for data in inputs_to_take(described):
        source, target = Path(data.path), study / Path(data.path).relative_to(described.study)
        target.parent.mkdir(parents=True, exist_ok=True)
        if data.is_work_folder or not _link(source, target):
            _copy(source, target)


def _link(source: Path, target: Path) -> bool:
    """Link a file or folder; False where the system allows no links, such as Windows without developer mode."""
    if target.is_symlink() or target.exists():
        return True
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
