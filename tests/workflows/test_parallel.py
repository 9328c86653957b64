import os
import subprocess
import sys
import time

import cv2
import psutil
import pytest
from pydantic import ValidationError

from cell_pipelines.workflows.parallel import ParallelParameters, WorkerDeathError, load_ahead, map_images


def square(value):
    return value * value


def slow_first(value):
    time.sleep(0.2 if value == 0 else 0.0)
    return value


def where(_):
    return os.getpid()


def threads(_):
    return cv2.getNumThreads()


def run(function, items, **parallel):
    parameters = ParallelParameters(**parallel)
    return list(map_images(function, items, description="test", total=len(items), parallel=parameters))


@pytest.mark.parametrize("count", [0, 1, 25])
def test_several_processes_give_what_one_gives_in_the_same_order(count):
    items = list(range(count))
    assert run(square, items, engine="processes", workers=2) == run(square, items) == [i * i for i in items]


def test_a_slow_item_keeps_its_place():
    assert run(slow_first, [0, 1, 2, 3], engine="processes", workers=2) == [0, 1, 2, 3]


def test_processes_are_other_processes():
    assert os.getpid() not in run(where, [1, 2], engine="processes", workers=2)


def test_each_process_computes_in_one_thread():
    assert set(run(threads, [1, 2, 3], engine="processes", workers=2)) == {1}


def test_items_are_taken_only_as_results_are_asked_for():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = map_images(square, items(), description="test", total=100)
    next(results)
    assert len(taken) == 1


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValidationError, match="engine"):
        ParallelParameters(engine="threads")


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_loading_ahead_gives_every_item_its_own_result_in_order(count):
    assert list(load_ahead(square, range(count))) == [(i, i * i) for i in range(count)]


def test_loading_ahead_holds_two_results_at_most():
    loaded = []
    results = load_ahead(loaded.append, range(10))
    for done in range(8):
        next(results)
        assert len(loaded) <= done + 2
    results.close()


@pytest.mark.exhaustive
def test_workers_end_when_the_process_that_started_them_was_killed():
    program = (
        "import time\n"
        "from cell_pipelines.workflows.parallel import ParallelParameters, map_images\n"
        "parallel = ParallelParameters(engine='processes', workers=2)\n"
        "list(map_images(time.sleep, [60, 60], description='', total=2, parallel=parallel))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    children, until = [], time.monotonic() + 60
    while len(children) < 3 and time.monotonic() < until:  # two workers, and multiprocessing's own helper
        children = psutil.Process(parent.pid).children(recursive=True)
        time.sleep(0.1)
    assert len(children) == 3
    time.sleep(5)  # until they have begun
    parent.kill()
    parent.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []


def end_once(item):
    """End the process at the first item that comes by, once; the file says whether that has been."""
    place, number = item
    if number == 3 and not place.exists():
        place.touch()
        os._exit(9)
    return number * 10


def end_always(item):
    if item[1] == 3:
        os._exit(9)
    return item[1]


def test_what_a_process_that_ended_had_not_finished_is_done_by_another(tmp_path):
    items = [(tmp_path / "ended", number) for number in range(12)]
    assert run(end_once, items, engine="processes", workers=2) == [number * 10 for number in range(12)]
    assert (tmp_path / "ended").exists()


def end_second_once(item):
    place, number = item
    if number == 1 and not place.exists():
        place.touch()
        os._exit(9)
    return number


def test_a_process_that_ends_while_results_are_used_loses_nothing(tmp_path):
    items = [(tmp_path / "ended", number) for number in range(12)]
    parallel = ParallelParameters(engine="processes", workers=2)
    results = map_images(end_second_once, items, description="test", total=12, parallel=parallel)
    found = [next(results)]
    until = time.monotonic() + 30
    while not (tmp_path / "ended").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)  # until the pool knows
    assert [*found, *results] == list(range(12))


def test_an_item_that_ends_every_process_is_named(tmp_path):
    items = [(tmp_path / f"{number}.png", number) for number in range(6)]
    with pytest.raises(WorkerDeathError, match=r"3\.png: the process that works on it ends each time"):
        run(end_always, items, engine="processes", workers=2)


@pytest.mark.slow
def test_a_cluster_gives_the_same_and_replaces_a_worker_that_ended(tmp_path):
    pytest.importorskip("distributed")
    items = [(tmp_path / "ended", number) for number in range(12)]
    assert run(end_once, items, engine="dask", workers=2) == [number * 10 for number in range(12)]
