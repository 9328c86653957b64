"""Jobs on disk: each is a folder with ``job.json``, what was uploaded, and what was made of it."""

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_path

Kind = Literal["count", "train"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
#: States in which nothing more happens.
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
_LOCK_SECONDS = 30


class Job(BaseModel):
    """One piece of work that a person gave.

    Attributes:
        id: Unique; begins with the time at which it was given.
        user: Who gave it.
        kind: What is done.
        title: What the person calls it.
        settings: How it is done; see the function that does it.
        created: When it was given.
        started: When it began, the last time.
        ended: When it ended.
        state: Where it is.
        doing: What is being done just now.
        done: How much of that is done.
        total: Of how much; 0 where that is not known.
        message: Why it failed, in one sentence.
        lost: How many times in a row the server ended during the job without any progress.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    user: str
    kind: Kind
    title: str
    settings: dict[str, Any] = {}
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    state: State = "queued"
    doing: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    lost: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens."""
        return self.state in ENDED


class JobStore:
    """All jobs of a server."""

    def __init__(self, folder: Path) -> None:
        """Keep jobs below a folder, which need not be there yet."""
        self.root = folder.expanduser().absolute()

    def create(self, user: str, kind: Kind, title: str, settings: dict[str, Any]) -> Job:
        """Make a new job, which is not in the queue yet; its folder is there."""
        now = datetime.now(UTC)
        identity = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        job = Job(id=identity, user=user, kind=kind, title=title, settings=settings, created=now)
        self.folder(job).mkdir(parents=True)
        self._write(job)
        return job

    def folder(self, job: Job) -> Path:
        """Return the folder of a job."""
        return self._folder(job.user, job.id)

    def get(self, user: str, identity: str) -> Job:
        """Return a user's job.

        Raises:
            MistakeError: The user has none of that name.
        """
        path = self._folder(user, identity) / "job.json"
        if not _ID.fullmatch(identity) or not path.is_file():
            raise MistakeError(f"there is no job {identity!r}; it may have been deleted.")
        return Job.model_validate_json(path.read_bytes())

    def jobs(self, user: str | None = None) -> list[Job]:
        """Return the jobs of a user, or of all, the newest first."""
        found = [Job.model_validate_json(path.read_bytes()) for path in self._files(user)]
        return sorted(found, key=lambda job: job.id, reverse=True)

    def change(self, job: Job, **values: Any) -> Job:
        """Change fields of a job, whatever others changed meanwhile, and return it."""
        with self._locked(job):
            changed = self.get(job.user, job.id).model_copy(update=values)
            self._write(changed)
        return changed

    def begin(self, job: Job) -> Job | None:
        """Take a job that waits, or that was begun by a server that has ended; None where there is nothing to do."""
        with self._locked(job):
            current = self.get(job.user, job.id)
            if current.has_ended:
                return None
            begun = current.model_copy(update={"state": "running", "started": datetime.now(UTC), "message": ""})
            self._write(begun)
        return begun

    def end(self, job: Job, state: State, message: str = "") -> Job:
        """Note that a job has ended."""
        return self.change(job, state=state, message=message, ended=datetime.now(UTC), doing="")

    def cancel(self, job: Job) -> Job:
        """End a job that waits; ask one that runs to end, as it does before its next image or epoch."""
        with self._locked(job):
            current = self.get(job.user, job.id)
            if current.state == "queued":
                current = current.model_copy(update={"state": "cancelled", "ended": datetime.now(UTC)})
                self._write(current)
            elif not current.has_ended:
                (self.folder(job) / "cancel").touch()
        return current

    def is_cancelled(self, job: Job) -> bool:
        """Say whether a running job was asked to end."""
        return (self.folder(job) / "cancel").exists()

    def remove(self, job: Job) -> None:
        """Delete a job that has ended, with all that belongs to it.

        Raises:
            MistakeError: It has not ended.
        """
        if not self.get(job.user, job.id).has_ended:
            raise MistakeError(f"the job {job.title!r} has not ended; cancel it first.")
        shutil.rmtree(self.folder(job))

    def _files(self, user: str | None) -> list[Path]:
        pattern = f"users/{user or '*'}/jobs/*/job.json"
        return [path for path in self.root.glob(pattern) if _ID.fullmatch(path.parent.name)]

    def _folder(self, user: str, identity: str) -> Path:
        return self.root / "users" / user / "jobs" / identity

    def _write(self, job: Job) -> None:
        with atomic_path(self.folder(job) / "job.json") as temporary:
            temporary.write_text(job.model_dump_json(indent=1), encoding="utf-8")

    @contextmanager
    def _locked(self, job: Job) -> Iterator[None]:
        with FileLock(self.folder(job) / ".lock", timeout=_LOCK_SECONDS):
            yield
