"""Facts about a run that ended, wherever it was recorded: command, origin, parameters, metrics, inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class StoredData:
    """A data set of a run that lies somewhere.

    Attributes:
        name: As the catalog has it.
        path: Absolute file or folder.
        is_work_folder: A folder in which nodes work, which may hold more than the run has read.
        sha256: Of a model file.
    """

    name: str
    path: str
    is_work_folder: bool = False
    sha256: str | None = None


@dataclass(frozen=True)
class RunRecord:
    """A run that ended.

    Attributes:
        run_id: Its id in the store that it was recorded in.
        name: Mostly that of the pipeline.
        study: Name of the study.
        status: FINISHED, FAILED or KILLED.
        started: With a time zone.
        ended: With a time zone.
        command: As a user types it.
        tags: Versions, hashes, commit and processors by name.
        parameters: As text by dotted name; long ones are shortened.
        metrics: Last values by name, by the model that they are about; of the run itself by an empty name.
        variables: Environment variables that results depend on.
        inputs: Data that were there before the run.
    """

    run_id: str
    name: str
    study: str
    status: str
    started: datetime
    ended: datetime
    command: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[StoredData, ...] = ()
