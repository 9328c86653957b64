"""The only loop over images: one function, many images, in this process or several, in bounded memory."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import Annotated, Literal, TypeVar

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.failures import MistakeError
from cell_pipelines.processes import end_with_parent
from cell_pipelines.progress import create_progress

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items for each worker that wait or are worked on.
_WAITING = 4
_KEPT_BYTES = 32 * 1000 * 1000


class ParallelParameters(BaseModel):
    """Parameters of a loop over images.

    Attributes:
        engine: ``serial`` in this process, ``processes`` on this machine, ``dask`` on a cluster. A process that ends is
            replaced, and what it had not finished is done again.
        workers: Number of processes; of a scheduler that `address` names, all its workers are used.
        address: Address of a Dask scheduler; without one a local cluster is started.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    engine: Literal["serial", "processes", "dask"] = "serial"
    workers: Annotated[int, Field(ge=1)] = 1
    address: str | None = None


def _begin_worker() -> None:
    """Let a process end with its parent, compute in one thread, and keep the memory that images need again and again.

    The C library gives memory back to the system above twice the largest block that was freed so far, 32 MB at most.
    For a small image, getting it anew takes a third of the time.
    """
    end_with_parent()
    cv2.setNumThreads(1)
    np.empty(_KEPT_BYTES, dtype=np.uint8)


class WorkerDeathError(MistakeError):
    """A process that works on an item ends each time, as where its memory runs out."""


@contextmanager
def _cluster(parallel: ParallelParameters) -> Iterator[tuple[Executor, int]]:
    """Give the workers of a Dask scheduler, of one on this machine where no address is given, and their number."""
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        if parallel.address is None:
            cluster = LocalCluster(
                n_workers=parallel.workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
            )
            stack.enter_context(cluster)
        client = stack.enter_context(Client(parallel.address or cluster))
        workers = max(len(client.nthreads()), 1)
        logger.info("Dask: %d workers, dashboard at %s", workers, client.dashboard_link)
        yield client.get_executor(), workers


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin_worker)


def map_images(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    description: str,
    total: int,
    parallel: ParallelParameters | None = None,
) -> Iterator[Result]:
    """Yield `function` of every item in order, with a progress bar and the time that remains.

    Args:
        function: Works on one item; picklable where `parallel` names several processes.
        items: Small things such as paths or bound loaders, never pixels.
        description: What the progress bar says.
        total: Number of items.
        parallel: How to spread the work; serial when not given.

    Yields:
        Results in the order of the items. At most four results per worker wait in memory.

    Raises:
        WorkerDeathError: The process that works on an item ends each time.
    """
    with create_progress() as bar:
        task = bar.add_task(description, total=total)
        for result in _results(function, items, parallel or ParallelParameters()):
            bar.advance(task)
            yield result


def _results(
    function: Callable[[Item], Result], items: Iterable[Item], parallel: ParallelParameters
) -> Iterator[Result]:
    if parallel.engine == "serial" or (parallel.engine == "processes" and parallel.workers == 1):
        yield from map(function, items)
        return
    results = _from_cluster if parallel.engine == "dask" else _from_processes
    yield from results(function, items, parallel)


def _from_cluster(
    function: Callable[[Item], Result], items: Iterable[Item], parallel: ParallelParameters
) -> Iterator[Result]:
    """Yield results of a cluster, which gives the work of a worker that ends to another one."""
    from distributed import KilledWorker

    window: deque[tuple[Item, Future[Result]]] = deque()
    with _cluster(parallel) as (executor, workers):
        try:
            for item in items:
                window.append((item, executor.submit(function, item)))
                if len(window) >= _WAITING * workers:
                    yield window[0][1].result()
                    window.popleft()
            while window:
                yield window[0][1].result()
                window.popleft()
        except KilledWorker as error:
            raise WorkerDeathError(_describe_death(window[0][0])) from error


def _from_processes(
    function: Callable[[Item], Result], items: Iterable[Item], parallel: ParallelParameters
) -> Iterator[Result]:
    """Yield results of processes; where one ends, what it and its neighbours had is done again, each alone."""
    window: deque[tuple[Item, Future[Result]]] = deque()
    waiting = iter(items)
    pool = _pool(parallel.workers)
    try:
        while True:
            for item in islice(waiting, _WAITING * parallel.workers - len(window)):
                window.append((item, _submit(pool, function, item)))
            if not window:
                return
            try:
                result = window[0][1].result()
            except BrokenExecutor:
                pool.shutdown()
                logger.warning("a worker process ended; its work is done again.")
                window = deque((item, _again(function, item, future)) for item, future in window)
                pool = _pool(parallel.workers)
                continue
            window.popleft()
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: Executor, function: Callable[[Item], Result], item: Item) -> Future[Result]:
    """Return what becomes of an item; of a pool whose processes have ended meanwhile, a future that says so."""
    try:
        return pool.submit(function, item)
    except BrokenExecutor as error:
        refused: Future[Result] = Future()
        refused.set_exception(error)
        return refused


def _again(function: Callable[[Item], Result], item: Item, future: Future[Result]) -> Future[Result]:
    """Return what a process had done of an item before the others broke off, or does of it now, alone."""
    if future.done() and not isinstance(future.exception(), BrokenExecutor):
        return future
    with _pool(1) as alone:
        repeated = alone.submit(function, item)
        if isinstance(repeated.exception(), BrokenExecutor):
            raise WorkerDeathError(_describe_death(item)) from repeated.exception()
        return repeated


def _describe_death(item: object) -> str:
    name = item[0] if isinstance(item, tuple) else item
    return (
        f"{name}: the process that works on it ends each time, as where memory runs out; use fewer workers, or set "
        "`inference.memory_gb`."
    )


def load_ahead(load: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what `load` gives for it, loading the next one meanwhile; two are in memory at most."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(load, item)))
            if len(waiting) == 2:
                first, loaded = waiting.popleft()
                yield first, loaded.result()
        for item, loaded in waiting:
            yield item, loaded.result()
