"""The only loop over images: one function, many images, in this process or several, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Annotated, Literal, TypeVar

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cell_pipelines.processes import end_with_parent
from cell_pipelines.progress import create_progress

Item = TypeVar("Item")
Result = TypeVar("Result")
_KEPT_BYTES = 32 * 1000 * 1000


class ParallelParameters(BaseModel):
    """Parameters of a loop over images.

    Attributes:
        engine: ``serial`` in this process, ``processes`` on this machine, ``dask`` on a cluster.
        workers: Number of processes.
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


@contextmanager
def _executor(parallel: ParallelParameters) -> Iterator[Executor]:
    if parallel.engine == "processes":
        with ProcessPoolExecutor(parallel.workers, get_context("spawn"), initializer=_begin_worker) as pool:
            yield pool
        return
    from distributed import Client, LocalCluster

    if parallel.address:
        with Client(parallel.address) as client:
            yield client.get_executor()
        return
    cluster = LocalCluster(n_workers=parallel.workers, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        yield client.get_executor()


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
        Results in the order of the items. At most four results a worker wait in memory.
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
    window: deque[Future[Result]] = deque()
    with _executor(parallel) as pool:
        for item in items:
            window.append(pool.submit(function, item))
            if len(window) >= 4 * parallel.workers:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()


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
