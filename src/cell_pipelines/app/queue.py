"""The queue of jobs on disk and the threads that work on them; what a server had begun when it ended goes on."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from huey import SqliteHuey
from huey.consumer import Consumer

from cell_pipelines.app.jobs import ENDED, Job, JobStore, Kind, MissingJobError
from cell_pipelines.app.models import remove_unused_models
from cell_pipelines.app.sentences import without_places
from cell_pipelines.failures import describe, is_mistake
from cell_pipelines.files import remove_abandoned
from cell_pipelines.locks import LockedError, release_lock, take_lock
from cell_pipelines.progress import told_to

logger = logging.getLogger(__name__)

#: Does a job of one kind; progress is told by `progress.create_progress`.
Runner = Callable[[JobStore, Job], None]
# A job during which the server ended so often without any progress is what ends it.
_MOST_LOST = 5
_POLL_SECONDS = 0.05
# A server that ends waits this long for its threads.
_STOP_SECONDS = 4.0
# Old jobs are looked for this often.
_CLEAN_SECONDS = 3600.0
# Progress is written this often, and a wish to end is looked for.
_WRITE_SECONDS = 0.3


class CancelledError(Exception):
    """A person asked for the job to end."""


class StoppedError(Exception):
    """The server ends; the job goes on when it starts again."""


class JobQueue:
    """Jobs in the order in which they were given, of each kind one at a time."""

    def __init__(self, store: JobStore, runners: Mapping[Kind, Runner]) -> None:
        """Open the queue of a store's folder, or make it."""
        store.root.mkdir(parents=True, exist_ok=True)
        self._store, self._runners = store, runners
        self._queues = {kind: _open_queue(store, kind) for kind in runners}
        self._tasks = {kind: queue.task(name=f"{kind}_job")(self._perform) for kind, queue in self._queues.items()}
        self._consumers: list[Consumer] = []
        self._stopping = threading.Event()
        self._cleaner: threading.Thread | None = None
        self._lock: Any = None

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue."""
        self._tasks[job.kind](job.user, job.id)

    def start(self, keep_days: float | None = None) -> None:
        """Work in threads of this process, unless it does, and take up again what earlier ones left.

        Args:
            keep_days: Ended jobs are deleted after so many days; None keeps them.

        Raises:
            LockedError: Another process works on this queue.
        """
        if self._lock is not None:
            return
        reason = f"another server works on the jobs in {self._store.root}"
        self._lock = take_lock(self._store.root / "worker.lock", reason=reason)
        self._stopping.clear()
        self._store.sweep()
        self.recover(is_worker=True)
        for queue in self._queues.values():
            consumer = _Consumer(
                queue, workers=1, periodic=False, initial_delay=_POLL_SECONDS, backoff=1.0, max_delay=_POLL_SECONDS
            )
            consumer.start()
            self._consumers.append(consumer)
        self._cleaner = threading.Thread(target=self._clean, args=(keep_days,), daemon=True, name="cleaning")
        self._cleaner.start()

    def stop(self) -> None:
        """Take no further jobs; one that runs ends before its next image or epoch, and goes on at the next start."""
        self._stopping.set()
        for consumer in self._consumers:
            consumer.stop(graceful=False)
        end = time.monotonic() + _STOP_SECONDS
        for consumer in self._consumers:
            for _, thread in consumer.worker_threads:
                thread.join(max(end - time.monotonic(), 0.0))
        self._consumers.clear()
        if self._cleaner is not None:
            self._cleaner.join(_STOP_SECONDS)
            self._cleaner = None
        if self._lock is not None:
            release_lock(self._lock)
            self._lock = None

    @property
    def waiting(self) -> int:
        """Number of jobs in the queue."""
        return sum(queue.pending_count() for queue in self._queues.values())

    @property
    def works(self) -> bool:
        """Whether the threads that work on jobs are alive."""
        threads = [thread for consumer in self._consumers for _, thread in consumer.worker_threads]
        return bool(threads) and all(thread.is_alive() for thread in threads)

    def recover(self, *, is_worker: bool = False) -> None:
        """Put into the queue what belongs there and is not in it.

        Args:
            is_worker: Jobs that are said to run do not, since whoever works on this queue does this before.
        """
        queued = {tuple(task.args) for queue in self._queues.values() for task in queue.pending()}
        for job in reversed(self._store.jobs()):
            is_open = job.state == "queued" or (is_worker and job.state == "running")
            if not is_open or (job.user, job.id) in queued or job.kind not in self._tasks:
                continue
            try:
                self._take_up(job)
            except MissingJobError:
                continue

    def _take_up(self, job: Job) -> None:
        remove_abandoned(self._store.folder(job))
        lost = job.lost + 1 if job.state == "running" else 0
        if lost > _MOST_LOST:
            self._store.end(job, "failed", f"The server ended {lost} times during this job, without any progress.")
            return
        self.add(self._store.change(job, lost=lost) if lost != job.lost else job)

    def _clean(self, keep_days: float | None) -> None:
        while True:
            try:
                if keep_days is not None:
                    delete_old(self._store, keep_days)
                self._store.sweep()
                remove_unused_models(self._store)
            except OSError as error:
                logger.warning("Old jobs could not be deleted: %s.", error.strerror)
            if self._stopping.wait(_CLEAN_SECONDS):
                return

    def _perform(self, user: str, identity: str) -> None:
        try:
            job = self._store.begin(self._store.get(user, identity))
        except MissingJobError:
            logger.warning("Job %s is not there any more.", identity)
            return
        if job is None:
            return
        try:
            self._run(job)
        except MissingJobError:
            logger.warning("Job %s was deleted while it ran.", job.id)
        except OSError as error:  # the disk may be full; it goes on at the next start
            logger.error("What became of job %s could not be written: %s.", job.id, error.strerror)

    def _run(self, job: Job) -> None:
        try:
            with told_to(_Teller(self._store, job, self._stopping)):
                self._runners[job.kind](self._store, job)
        except StoppedError:
            self._store.change(job, state="queued")
        except CancelledError:
            self._store.end(job, "cancelled")
        except Exception as error:  # noqa: BLE001  whatever ends a job ends it in a sentence
            if not is_mistake(error):
                self._log(job, error)
            self._store.end(job, "failed", without_places(describe(error), self._store.root))
        else:
            self._store.end(job, "done")

    def _log(self, job: Job, error: Exception) -> None:
        """Keep a traceback, which may name images, with the job."""
        path = self._store.folder(job) / "error.log"
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")
        logger.error("Job %s failed with %s; the traceback is in its folder.", job.id, type(error).__name__)


def _open_queue(store: JobStore, kind: str) -> SqliteHuey:
    return SqliteHuey(f"jobs_{kind}", filename=str(store.root / "queue.db"), results=False, fsync=True)


class _Consumer(Consumer):  # type: ignore[misc]  # huey has no types
    """A consumer that leaves the signals of the process to the server."""

    def _set_signal_handlers(self) -> None:
        return


class _Teller:
    """Write how far a job is, not more often than can be read, and end it where a person asks for that."""

    def __init__(self, store: JobStore, job: Job, stopping: threading.Event) -> None:
        self._store, self._job, self._stopping = store, job, stopping
        self._reached, self._lost, self._written = dict(job.reached), job.lost, 0.0

    def __call__(self, doing: str, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise StoppedError
        now = time.monotonic()
        if now - self._written < _WRITE_SECONDS and done < total:
            return
        self._written = now
        if self._store.is_cancelled(self._job):
            raise CancelledError
        if done > self._reached.get(doing, 0):  # and not only what was done before the server ended
            self._reached[doing], self._lost = done, 0
        self._store.change(self._job, doing=doing, done=done, total=total, reached=dict(self._reached), lost=self._lost)


def delete_old(store: JobStore, days: float) -> int:
    """Delete jobs that ended more than so many days ago; return how many."""
    limit = datetime.now(UTC) - timedelta(days=days)
    old = [job for job in store.jobs() if job.state in ENDED and (job.ended or job.created) < limit]
    for job in old:
        with suppress(MissingJobError):  # a person was quicker
            store.remove(job)
    return len(old)


__all__ = ["CancelledError", "JobQueue", "LockedError", "Runner", "delete_old"]
