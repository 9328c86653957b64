import pytest
from kedro.runner import ParallelRunner, SequentialRunner, ThreadRunner

from cell_pipelines.failures import MistakeError
from cell_pipelines.run_checks import check_runner


@pytest.mark.parametrize("runner", [ThreadRunner(), ParallelRunner(), ThreadRunner, "kedro.runner.ParallelRunner"])
def test_runners_that_run_several_nodes_at_once_are_refused(runner):
    with pytest.raises(MistakeError, match=r"--runner=(Thread|Parallel)Runner: expected Kedro's SequentialRunner"):
        check_runner(runner)


@pytest.mark.parametrize("runner", [None, SequentialRunner(), "SequentialRunner"])
def test_the_usual_runner_is_taken_unless_it_saves_in_threads(runner):
    check_runner(runner)
    with pytest.raises(MistakeError, match="--async: expected"):
        check_runner(runner, is_async=True)
