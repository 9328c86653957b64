"""Describe a run and its results as an RO-Crate, which archives and other people's programs read.

The crate follows the profile Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5) of RO-Crate 1.1.
"""

import hashlib
import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cell_pipelines import __version__
from cell_pipelines.credentials import plain_without_credentials, public_variables, without_credentials
from cell_pipelines.failures import MistakeError
from cell_pipelines.spreadsheet_text import protect_table
from cell_pipelines.workflows.run_record import RunRecord

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
_SPDX = "https://spdx.org/licenses/"
_LICENCE = "AGPL-3.0-or-later"
_SOFTWARE = "cell-pipelines"
_COMPLETED, _FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
_VERSION, _COMMIT, _DATA = "version.", "mlflow.source.git.commit", "data.sha256"
#: Tags about processors and what was computed with, beside versions, commit and data.
_ENVIRONMENT = ("machine.cores", "machine.threads", "code.sha256", "configuration.sha256", "constraints.sha256")
#: Name of the table of metrics in a crate.
METRICS = "metrics.csv"
# Files that hold settings of the run, not results.
_SETTINGS = ("lineage/run.json",)
_FORMATS = {".pt": "application/octet-stream", ".parquet": "application/vnd.apache.parquet", ".md": "text/markdown"}


@dataclass(frozen=True)
class Publication:
    """About the crate itself.

    Attributes:
        licence: Of the results: an SPDX identifier such as CC-BY-4.0, or an address.
        author: A person's name.
    """

    licence: str | None = None
    author: str | None = None


def check_installed() -> None:
    """Refuse to begin without the package that writes crates.

    Raises:
        MistakeError: It is not installed.
    """
    try:
        import rocrate  # noqa: F401
    except ImportError as error:
        raise MistakeError(
            "writing RO-Crates needs the package rocrate; install the extra `crate`: pip install "
            "'cell-pipelines[crate]'."
        ) from error


def describe_as_crate(folder: Path, record: RunRecord, publication: Publication | None = None) -> Path:
    """Write ``metrics.csv`` and ``ro-crate-metadata.json`` into a folder that holds the results of a run.

    All files below the folder become parts of the crate, with their sizes and SHA-256. Inputs are named by their paths
    and not copied.

    Args:
        folder: Holds copies of the results.
        record: The run.
        publication: About the crate itself.

    Returns:
        The file that describes the crate.
    """
    from rocrate.rocrate import ROCrate

    publication = publication or Publication()
    record = _public(record)
    _metrics_table(record).to_csv(folder / METRICS, index=False)
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(_CONTEXT)
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    parts = {name: crate.add_file(path, name, properties=_file_properties(path)) for name, path in files.items()}
    settings = [part for name, part in parts.items() if name in _SETTINGS]
    results = [part for name, part in parts.items() if name not in _SETTINGS]
    action = _add_action(crate, record)
    action["object"] = [*settings, *_add_inputs(crate, record), *_add_values(crate, "parameter", record.parameters)]
    action["result"] = results
    _describe_root(crate, record, publication)
    crate.root_dataset["mentions"] = action
    crate.metadata.write(folder)
    return folder / str(crate.metadata.id)


def _public(record: RunRecord) -> RunRecord:
    """Return a run without passwords, such as that of a server that it was recorded in."""
    return replace(
        record,
        command=without_credentials(record.command),
        tags=plain_without_credentials(record.tags),
        parameters=plain_without_credentials(record.parameters),
        variables=public_variables(record.variables),
    )


def _metrics_table(record: RunRecord) -> pd.DataFrame:
    """Return one row per metric: the model, the metric and its last value."""
    rows = [(model, name, value) for model, named in record.metrics.items() for name, value in sorted(named.items())]
    return protect_table(pd.DataFrame(rows, columns=["model", "metric", "value"]))


def _file_properties(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    kind = _FORMATS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    size = str(path.stat().st_size)
    return {"name": path.name, "contentSize": size, "sha256": digest, "encodingFormat": kind}


def _describe_root(crate: "ROCrate", record: RunRecord, publication: Publication) -> None:
    crate.name = f"{record.study}: {record.name}"
    crate.description = f"Results of `{record.command}`, a run of {_SOFTWARE}, with the record of how they were made."
    profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": _PROFILE.rpartition("/")[2]}
    crate.root_dataset["conformsTo"] = _add(crate, _PROFILE, profile)
    if publication.author:
        crate.root_dataset["author"] = _add(crate, "#author", {"@type": "Person", "name": publication.author})
    if publication.licence:
        crate.root_dataset["license"] = _add_licence(crate, publication.licence)


def _add_action(crate: "ROCrate", record: RunRecord) -> Any:
    """Add the run, what was run, and the versions that it was run with."""
    status = _COMPLETED if record.status == "FINISHED" else _FAILED
    action = crate.add_action(
        _add_software(crate, record),
        f"#run-{record.run_id}",
        properties={
            "name": record.name,
            "description": record.command,
            "startTime": record.started.isoformat(timespec="seconds"),
            "endTime": record.ended.isoformat(timespec="seconds"),
            "actionStatus": status,
            "identifier": record.run_id,
        },
    )
    facts = {name: record.tags[name] for name in _ENVIRONMENT if name in record.tags}
    action["environment"] = _add_values(crate, "variable", record.variables) + _add_values(crate, "environment", facts)
    if status == _FAILED:
        action["error"] = f"The run ended as {record.status}."
    return action


def _add_software(crate: "ROCrate", record: RunRecord) -> Any:
    """Add this software with its commit and licence, and the packages that results depend on."""
    versions = {name.removeprefix(_VERSION): value for name, value in record.tags.items() if name.startswith(_VERSION)}
    version = versions.pop(_SOFTWARE, __version__)
    packages = [
        _add(crate, f"#{name}", {"@type": "SoftwareApplication", "name": name, "softwareVersion": number})
        for name, number in sorted(versions.items())
    ]
    properties: dict[str, Any] = {"@type": "SoftwareApplication", "name": _SOFTWARE, "softwareVersion": version}
    if commit := record.tags.get(_COMMIT):
        is_changed = record.tags.get("git.dirty") == "true"
        properties["identifier"] = commit
        properties["description"] = f"Git commit {commit}" + (
            ", with changes that were not committed." if is_changed else "."
        )
    software = _add(crate, f"#{_SOFTWARE}", properties)
    software["license"] = _add_licence(crate, _LICENCE)
    software["softwareRequirements"] = packages
    return software


def _add_inputs(crate: "ROCrate", record: RunRecord) -> list[Any]:
    """Add what the run read, by its path; of the annotated images also the hash of pixels and annotations."""
    inputs = []
    for data in record.inputs:
        kind = "File" if Path(data.path).suffix else "Dataset"
        properties = {"@type": kind, "name": data.name, "alternateName": data.path, "description": "Read, not copied."}
        hashed = {"sha256": data.sha256} if data.sha256 else {}
        inputs.append(_add(crate, f"#input-{data.name}", properties | hashed))
    if digest := record.tags.get(_DATA):
        described = "SHA-256 of all pixels, objects and classes of the annotated images."
        properties = {"@type": "PropertyValue", "name": _DATA, "value": digest, "description": described}
        inputs.append(_add(crate, f"#{_DATA}", properties))
    return inputs


def _add_values(crate: "ROCrate", kind: str, values: Any) -> list[Any]:
    """Add named values, such as parameters."""
    return [
        _add(crate, f"#{kind}-{name}", {"@type": "PropertyValue", "name": name, "value": value})
        for name, value in sorted(values.items())
    ]


def _add_licence(crate: "ROCrate", licence: str) -> Any:
    address = licence if "://" in licence else f"{_SPDX}{licence}"
    return _add(crate, address, {"@type": "CreativeWork", "name": licence, "identifier": licence})


def _add(crate: "ROCrate", identifier: str, properties: dict[str, Any]) -> Any:
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties=properties))


def shows_no_pixels(name: str) -> bool:
    """Say whether a result by its name holds numbers, texts or a model, and no picture or page that shows images."""
    return Path(name).suffix in (".csv", ".json", ".parquet", ".md", ".pt", ".onnx")


def chosen_files(names: Iterable[str], *, pictures: bool) -> list[str]:
    """Return the results that go into a crate.

    Args:
        names: Of all results.
        pictures: Also pages and figures, some of which show parts of images.
    """
    return [name for name in names if pictures or shows_no_pixels(name)]
