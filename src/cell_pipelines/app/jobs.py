"""Jobs on disk: each is a folder with ``job.json``, what was uploaded, and what was made of it."""

import logging
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_path, remove_abandoned, temporary_name

logger = logging.getLogger(__name__)

Kind = Literal["count", "train"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
#: States in which nothing more happens.
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
_FILE = "job.json"
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
_LOCK_SECONDS = 30
# Jobs whose files are not read again until they change.
_MOST_KNOWN = 20_000
# What an upload left behind that has gone on for longer than this is removed, whatever machine received it.
_MOST_UPLOAD_SECONDS = 86_400.0


class MissingJobError(MistakeError):
    """There is no such job, or it is another user's."""


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
        reached: How much of each thing that is done was ever done, whatever is done again after a restart.
        lost: How many times in a row the server ended during the job without any progress beyond that.
    """

    # A field of another version is left out: what a person gave must open with any.
    model_config = ConfigDict(extra="ignore", frozen=True)
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
    reached: dict[str, int] = {}
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
        self._read: dict[Path, tuple[tuple[int, int], Job]] = {}

    @contextmanager
    def prepared(self, user: str) -> Iterator[Path]:
        """Give a new hidden folder to be filled for a job; `create` makes it the job's, else it is removed."""
        folder = self._jobs_folder(user) / temporary_name()
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def create(self, user: str, kind: Kind, title: str, settings: dict[str, Any], *, folder: Path | None = None) -> Job:
        """Make a new job, which is not in the queue yet.

        Args:
            user: Who gives it.
            kind: What is done.
            title: What the person calls it.
            settings: How it is done.
            folder: One of `prepared` with what the job needs; the job is there with all of it, or not at all.
        """
        now = datetime.now(UTC)
        identity = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        job = Job(id=identity, user=user, kind=kind, title=title, settings=settings, created=now)
        if folder is None:
            with self.prepared(user) as empty:
                return self._place(job, empty)
        return self._place(job, folder)

    def _place(self, job: Job, folder: Path) -> Job:
        _write(folder / _FILE, job)
        folder.replace(self.folder(job))
        return job

    def folder(self, job: Job) -> Path:
        """Return the folder of a job."""
        return self._jobs_folder(job.user) / job.id

    def get(self, user: str, identity: str) -> Job:
        """Return a user's job.

        Raises:
            MissingJobError: The user has none of that name.
        """
        job = self._load(self._jobs_folder(user) / identity / _FILE) if _ID.fullmatch(identity) else None
        if job is None:
            raise MissingJobError(f"there is no job {identity[:40]!r}; it may have been deleted.")
        return job

    def jobs(self, user: str | None = None, most: int | None = None) -> list[Job]:
        """Return the jobs of a user, or of all, the newest first; with `most` so many of them."""
        files = sorted(self._files(user), key=lambda path: path.parent.name, reverse=True)
        if len(self._read) > _MOST_KNOWN:
            self._read.clear()
        return [job for path in files[:most] if (job := self._load(path)) is not None]

    def _load(self, path: Path) -> Job | None:
        """Return the job of a file, which is read again only when it has changed; None where there is none."""
        try:
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_ino
            known = self._read.get(path)
            if known is None or known[0] != stamp:
                known = stamp, Job.model_validate_json(path.read_bytes())
                self._read[path] = known
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValidationError:
            logger.warning("The file of job %s can't be read, so the job is left out.", path.parent.name)
            return None
        return known[1]

    def sweep(self) -> None:
        """Remove what servers that have ended left of uploads and deleted jobs."""
        for folder in self.root.glob("users/*/jobs"):
            remove_abandoned(folder, skip=tuple(path.name for path in folder.iterdir()))
            for path in folder.iterdir():
                is_unfinished = path.name.startswith(".tmp-") or (
                    bool(_ID.fullmatch(path.name)) and not (path / _FILE).exists()
                )
                if is_unfinished and time.time() - path.stat().st_mtime > _MOST_UPLOAD_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)

    def change(self, job: Job, **values: Any) -> Job:
        """Change fields of a job, whatever others changed meanwhile, and return it."""
        with self._locked(job):
            changed = self.get(job.user, job.id).model_copy(update=values)
            _write(self.folder(job) / _FILE, changed)
        return changed

    def begin(self, job: Job) -> Job | None:
        """Take a job that waits, or that was begun by a server that has ended; None where there is nothing to do."""
        with self._locked(job):
            current = self.get(job.user, job.id)
            if current.has_ended:
                return None
            begun = current.model_copy(update={"state": "running", "started": datetime.now(UTC), "message": ""})
            _write(self.folder(job) / _FILE, begun)
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
                _write(self.folder(job) / _FILE, current)
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
        hidden = self._jobs_folder(job.user) / temporary_name()
        try:
            self.folder(job).replace(hidden)  # so that nobody sees half of it
        except FileNotFoundError as error:
            raise MissingJobError(f"there is no job {job.id!r}; it may have been deleted.") from error
        shutil.rmtree(hidden, ignore_errors=True)

    def _files(self, user: str | None) -> list[Path]:
        pattern = f"users/{user or '*'}/jobs/*/{_FILE}"
        return [path for path in self.root.glob(pattern) if _ID.fullmatch(path.parent.name)]

    def _jobs_folder(self, user: str) -> Path:
        return self.root / "users" / user / "jobs"

    @contextmanager
    def _locked(self, job: Job) -> Iterator[None]:
        """Hold the lock of a job.

        Raises:
            MissingJobError: It has been deleted.
        """
        self.get(job.user, job.id)
        with FileLock(self.folder(job) / ".lock", timeout=_LOCK_SECONDS):
            yield


def _write(path: Path, job: Job) -> None:
    # That a job was given and has ended must also be known after a power failure; how far it is need not.
    with atomic_path(path, durable=job.has_ended or job.state == "queued") as temporary:
        temporary.write_text(job.model_dump_json(indent=1), encoding="utf-8")
