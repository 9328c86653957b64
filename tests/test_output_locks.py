import logging
import threading
import time

import pytest

from cell_pipelines.locks import LockedError
from cell_pipelines.output_locks import OutputLocks

TRAINING = ["annotations", "yolo_dataset", "yolo.checkpoint", "yolo.history"]


def test_a_second_run_of_one_model_is_refused_and_one_of_another_is_not(tmp_path):
    first, second, other = (OutputLocks(tmp_path) for _ in range(3))
    first.take(TRAINING)
    with pytest.raises(
        LockedError, match=r"another run is working on yolo; wait for it to end, or end it \(process \d+"
    ):
        second.take(["truth.counts", "yolo.report"])
    other.take(["annotations", "truth.counts", "unet.checkpoint"])  # what the refused one had is given back
    first.release()
    second.take(TRAINING)


def test_locks_of_trials_in_other_folders_do_not_meet(tmp_path):
    for folder in ("a", "b"):
        OutputLocks(tmp_path / folder).take(TRAINING)


def test_what_belongs_to_the_study_is_written_by_one_run_after_the_other(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    first, second, order = OutputLocks(tmp_path), OutputLocks(tmp_path), []
    first.enter(["annotations"])
    first.enter(["split_summary"])

    def follow():
        second.enter(["annotations"])
        order.append("second")
        second.release()

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(0.3)
    for name in ("annotations", "split_summary"):
        order.append(name)
        first.saved(name)
    assert order == ["annotations", "split_summary"]
    first.enter(["yolo.checkpoint"])  # from here on it writes only what is its own
    thread.join(10)
    assert order[-1] == "second"
    assert "another run is preparing the study's data" in caplog.text and "Waiting for it." in caplog.text


def test_a_node_that_still_writes_keeps_the_lock_of_the_study(tmp_path):
    first, second = OutputLocks(tmp_path), OutputLocks(tmp_path)
    first.enter(["annotations"])
    first.enter(["yolo.checkpoint"])
    thread = threading.Thread(target=second.enter, args=(["annotations"],))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    first.release()
    thread.join(10)
    assert not thread.is_alive()
