from pathlib import Path

import pytest

from cell_pipelines.app.interface import Operation, Value, describe_interface
from cell_pipelines.app.server import create_app
from cell_pipelines.app.settings import AppSettings


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> list[Operation]:
    app = create_app(AppSettings(folder=Path(tmp_path_factory.mktemp("app"))))
    return [one for found in describe_interface(app.openapi()).values() for one in found]


def _value(operations: list[Operation], method: str, path: str, name: str) -> Value:
    one = next(one for one in operations if (one.method, one.path) == (method, path))
    return next(value for value in one.values if value.name == name)


def test_every_value_says_what_it_may_be_and_every_operation_what_it_gives(operations: list[Operation]) -> None:
    assert len(operations) > 15
    assert all(one.text.endswith(".") for one in operations)
    assert all(value.kind and value.place for one in operations for value in one.values)


def test_forms_limits_and_objects_are_read(operations: list[Operation]) -> None:
    give = "/api/v1/jobs"
    assert _value(operations, "POST", give, "files").kind == "file, any number of times"
    assert not _value(operations, "POST", give, "model").required
    threshold = _value(operations, "GET", "/api/v1/jobs/{identity}/images/{number}/cells", "threshold")
    assert (threshold.kind, threshold.place, threshold.required) == ("number, 0 to 1", "query", False)
    assert threshold.text.startswith("Least score")
    edit = _value(operations, "POST", "/api/v1/jobs/{identity}/images/{number}/corrections", "")
    assert (edit.kind, edit.place, edit.required) == ("object", "body", True)
    assert _value(operations, "POST", "/api/v1/jobs/{identity}/train", "name").required
