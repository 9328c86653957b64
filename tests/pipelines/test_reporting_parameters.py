"""Parameters of the report are read under the names that they had."""

import logging

import pytest
from pydantic import ValidationError

from cell_pipelines import old_names
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters


def test_the_old_name_of_the_montages_is_read_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    old_names._warn.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert ReportingParameters.model_validate({"strips": 2}).montages == 2
    assert [record.message for record in caplog.records] == [
        "The parameter `reporting.strips` is now `reporting.montages`; its old name is still read."
    ]


def test_the_new_name_gives_no_warning_and_both_together_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    assert ReportingParameters.model_validate({"montages": 3}).montages == 3
    assert not caplog.records
    with pytest.raises(ValidationError, match="strips"):
        ReportingParameters.model_validate({"montages": 3, "strips": 2})
