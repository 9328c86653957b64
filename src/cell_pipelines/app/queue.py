"""The queue of jobs on disk and the threads that work on them; what a server had begun when it ended goes on."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from huey import SqliteHuey
from huey.consumer import Consumer

from cell_pipelines.app.jobs import ENDED, Job, JobStore, Kind
from cell_pipelines.failures import describe, is_mistake
from cell_pipelines.locks import LockedError, release_lock, take_lock
from cell_pipelines.progress import told_to

logger = logging.getLogger(__name__)

#: Does a job of one kind; progress is told by `progress.create_progress`.
Runner = Callable[[JobStore, Job], None]
# A job during which the server ended so often without any progress is what ends it.
_MOST_LOST = 5
_POLL_SECONDS = 0.05
# Progress is written this often, and a wish to end is looked for.
_WRITE_SECONDS = 0.3


class CancelledError(Exception):
    """A person asked for the job to end."""


class JobQueue:
    """Jobs in the order in which they were given, of each kind one at a time."""

    def __init__(self, store: JobStore, runners: Mapping[Kind, Runner]) -> None:
        """Open the queue of a store's folder, or make it."""
        store.root.mkdir(parents=True, exist_ok=True)
        self._store, self._runners = store, runners
        self._queues = {kind: _open_queue(store, kind) for kind in runners}
        self._tasks = {kind: queue.task(name=f"{kind}_job")(self._perform) for kind, queue in self._queues.items()}
        self._consumers: list[Consumer] = []
        self._lock: Any = None

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue."""
        self._tasks[job.kind](job.user, job.id)

    def start(self) -> None:
        """Work in threads of this process, and take up again what earlier ones left.

        Raises:
            LockedError: Another process works on this queue.
        """
        reason = f"another server works on the jobs in {self._store.root}"
        self._lock = take_lock(self._store.root / "worker.lock", reason=reason)
        self._recover()
        for queue in self._queues.values():
            consumer = _Consumer(
                queue, workers=1, periodic=False, initial_delay=_POLL_SECONDS, backoff=1.0, max_delay=_POLL_SECONDS
            )
            consumer.start()
            self._consumers.append(consumer)

    def stop(self) -> None:
        """Take no further jobs; one that runs ends before its next image or epoch, and goes on at the next start."""
        for consumer in self._consumers:
            consumer.stop(graceful=False)
        self._consumers.clear()
        if self._lock is not None:
            release_lock(self._lock)
            self._lock = None

    @property
    def waiting(self) -> int:
        """Number of jobs in the queue."""
        return sum(queue.pending_count() for queue in self._queues.values())

    def _recover(self) -> None:
        """Put into the queue what belongs there and is not in it."""
        queued = {tuple(task.args) for queue in self._queues.values() for task in queue.pending()}
        for job in reversed(self._store.jobs()):
            if job.has_ended or (job.user, job.id) in queued or job.kind not in self._tasks:
                continue
            lost = job.lost + 1 if job.state == "running" else 0
            if lost > _MOST_LOST:
                self._store.end(job, "failed", f"The server ended {lost} times during this job, without any progress.")
                continue
            self.add(self._store.change(job, lost=lost))

    def _perform(self, user: str, identity: str) -> None:
        try:
            job = self._store.begin(self._store.get(user, identity))
        except ValueError:
            logger.warning("Job %s is not there any more.", identity)
            return
        if job is None:
            return
        try:
            with told_to(_Teller(self._store, job)):
                self._runners[job.kind](self._store, job)
        except CancelledError:
            self._store.end(job, "cancelled")
        except Exception as error:  # whatever ends a job ends it in a sentence
            if not is_mistake(error):
                logger.exception("Job %s failed.", job.id)
            self._store.end(job, "failed", describe(error))
        else:
            self._store.end(job, "done")


def _open_queue(store: JobStore, kind: str) -> SqliteHuey:
    return SqliteHuey(f"jobs_{kind}", filename=str(store.root / "queue.db"), results=False, fsync=True)


class _Consumer(Consumer):  # type: ignore[misc]  # huey has no types
    """A consumer that leaves the signals of the process to the server."""

    def _set_signal_handlers(self) -> None:
        return


class _Teller:
    """Write how far a job is, not more often than can be read, and end it where a person asks for that."""

    def __init__(self, store: JobStore, job: Job) -> None:
        self._store, self._job, self._written = store, job, 0.0

    def __call__(self, doing: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._written < _WRITE_SECONDS and done < total:
            return
        self._written = now
        if self._store.is_cancelled(self._job):
            raise CancelledError
        self._store.change(self._job, doing=doing, done=done, total=total, lost=0)


def delete_old(store: JobStore, days: float) -> int:
    """Delete jobs that ended more than so many days ago; return how many."""
    limit = datetime.now(UTC) - timedelta(days=days)
    old = [job for job in store.jobs() if job.state in ENDED and (job.ended or job.created) < limit]
    for job in old:
        store.remove(job)
    return len(old)


__all__ = ["CancelledError", "JobQueue", "LockedError", "Runner", "delete_old"]
