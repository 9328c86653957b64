import logging

import pytest

from cell_pipelines.quiet_loggers import quiet_loggers


def test_loggers_are_quiet_in_the_block_and_as_before_after_it_and_after_an_error(caplog) -> None:
    talker = logging.getLogger("a_talker")
    talker.setLevel(logging.DEBUG)
    with pytest.raises(OSError), quiet_loggers("a_talker", "another"):
        talker.warning("kept back")
        talker.error("heard")
        raise OSError
    talker.debug("heard again")
    assert caplog.messages == ["heard", "heard again"]
    assert logging.getLogger("another").level == logging.NOTSET
