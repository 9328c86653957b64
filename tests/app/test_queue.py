import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cell_pipelines.app.jobs import Job, JobStore
from cell_pipelines.app.queue import JobQueue, Runner, delete_old
from cell_pipelines.failures import MistakeError
from cell_pipelines.locks import LockedError
from cell_pipelines.progress import create_progress

_SECONDS = 20.0


def _job(store: JobStore, title: str = "a", user: str = "local") -> Job:
    return store.create(user, "count", title, {})


def _wait(is_done: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not is_done():
        assert time.monotonic() < end, "the job did not end"
        time.sleep(0.02)


@contextmanager
def _working(store: JobStore, runner: Runner) -> Iterator[JobQueue]:
    queue = JobQueue(store, {"count": runner})
    queue.start()
    try:
        yield queue
    finally:
        queue.stop()


def _ended(store: JobStore, job: Job) -> bool:
    return store.get(job.user, job.id).has_ended


def test_jobs_are_done_once_and_in_order(tmp_path: Path) -> None:
    store, done = JobStore(tmp_path), list[str]()
    with _working(store, lambda _, job: done.append(job.title)) as queue:
        jobs = [_job(store, str(number)) for number in range(5)]
        for job in jobs:
            queue.add(job)
            queue.add(job)  # a second time in the queue is no second time of the work
        _wait(lambda: all(_ended(store, job) for job in jobs) and not queue.waiting)
    assert done == ["0", "1", "2", "3", "4"]


def test_what_was_queued_or_begun_when_the_server_ended_goes_on(tmp_path: Path) -> None:
    store, done = JobStore(tmp_path), list[str]()
    queued, lost, begun, ended = (_job(store, title) for title in ("queued", "lost", "begun", "ended"))
    JobQueue(store, {"count": lambda *_: None}).add(queued)
    store.begin(begun)
    store.end(ended, "done")
    with _working(store, lambda _, job: done.append(job.title)):
        _wait(lambda: all(_ended(store, job) for job in (queued, lost, begun)))
    assert sorted(done) == ["begun", "lost", "queued"]


def test_a_job_that_ends_the_server_again_and_again_is_given_up(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = store.change(_job(store), state="running", lost=5)
    with _working(store, lambda *_: pytest.fail("it must not run again")):
        _wait(lambda: _ended(store, job))
    assert "ended 6 times during this job" in store.get(job.user, job.id).message


def test_a_mistake_fails_a_job_in_one_sentence_and_the_next_one_runs(tmp_path: Path) -> None:
    def run(_: JobStore, job: Job) -> None:
        if job.title == "bad":
            raise MistakeError("this can't be read.")

    store = JobStore(tmp_path)
    with _working(store, run) as queue:
        bad, good = _job(store, "bad"), _job(store, "good")
        queue.add(bad)
        queue.add(good)
        _wait(lambda: _ended(store, good))
    failed = store.get("local", bad.id)
    assert (failed.state, failed.message) == ("failed", "this can't be read.")
    assert store.get("local", good.id).state == "done"


def test_a_running_job_is_cancelled_before_its_next_step(tmp_path: Path) -> None:
    going, steps = threading.Event(), list[int]()

    def run(_: JobStore, __: Job) -> None:
        with create_progress() as bar:
            task = bar.add_task("counting", total=1000)
            for number in range(1000):
                steps.append(number)
                going.set()
                time.sleep(0.01)
                bar.advance(task)

    store = JobStore(tmp_path)
    with _working(store, run) as queue:
        job = _job(store)
        queue.add(job)
        assert going.wait(_SECONDS)
        store.cancel(job)
        _wait(lambda: _ended(store, job))
    assert store.get(job.user, job.id).state == "cancelled"
    assert len(steps) < 1000


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = _job(store)
    JobQueue(store, {"count": lambda *_: None}).add(job)
    assert store.cancel(job).state == "cancelled"
    with _working(store, lambda *_: pytest.fail("it was cancelled")) as queue:
        _wait(lambda: not queue.waiting)
    assert store.get(job.user, job.id).state == "cancelled"


def test_progress_of_a_job_is_kept(tmp_path: Path) -> None:
    def run(_: JobStore, __: Job) -> None:
        with create_progress() as bar:
            task = bar.add_task("finding cells", total=3)
            for _ in range(3):
                bar.advance(task)

    store = JobStore(tmp_path)
    with _working(store, run) as queue:
        job = _job(store)
        queue.add(job)
        _wait(lambda: _ended(store, job))
    ended = store.get(job.user, job.id)
    assert (ended.done, ended.total) == (3, 3)


def test_only_one_process_works_on_a_queue(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    with _working(store, lambda *_: None), pytest.raises(LockedError, match="another server works"):
        JobQueue(store, {"count": lambda *_: None}).start()


def test_a_user_sees_own_jobs_only(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    mine, other = _job(store, user="anna"), _job(store, user="ben")
    assert [job.id for job in store.jobs("anna")] == [mine.id]
    with pytest.raises(MistakeError, match="there is no job"):
        store.get("anna", other.id)


@pytest.mark.parametrize("identity", ["..", "../../ben", "", "20261130-000000-0000000", "*"])
def test_no_name_of_a_job_leads_elsewhere(tmp_path: Path, identity: str) -> None:
    with pytest.raises(MistakeError, match="there is no job"):
        JobStore(tmp_path).get("anna", identity)


def test_only_old_ended_jobs_are_deleted(tmp_path: Path) -> None:
    store, now = JobStore(tmp_path), datetime.now(UTC)
    old, recent, running = _job(store), _job(store), _job(store)
    store.change(old, state="done", ended=now - timedelta(days=8))
    store.change(recent, state="failed", ended=now - timedelta(days=6))
    store.change(running, state="running", started=now - timedelta(days=9))
    assert delete_old(store, days=7) == 1
    assert {job.id for job in store.jobs()} == {recent.id, running.id}


def test_a_job_that_has_not_ended_is_not_deleted(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    with pytest.raises(MistakeError, match="cancel it first"):
        store.remove(_job(store))
