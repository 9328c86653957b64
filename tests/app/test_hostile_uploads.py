from pathlib import Path
from typing import Any

import pytest
from app_hostile import send, snapshot
from simulated.hostile_uploads import KINDS, hostile_uploads

from .conftest import MODEL


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("count", "seed"),
    [pytest.param(len(KINDS), 0), pytest.param(500, 1, marks=[pytest.mark.slow, pytest.mark.exhaustive])],
)
def test_hostile_uploads_get_a_sentence_each_and_nothing_is_written_outside(
    tmp_path: Path, serve: Any, count: int, seed: int
) -> None:
    faults = []
    place = tmp_path / "a" / "b"
    with serve(place / "server") as client:
        for number, upload in enumerate(hostile_uploads(count, seed)):
            _, wrong = send(client, upload, MODEL)
            faults += [f"{number} {upload.kind}: {fault}" for fault in wrong]
            outside = snapshot(tmp_path, place / "server") - {str(tmp_path / "a"), str(place)}
            assert not outside, (number, upload.kind, outside)
        jobs = client.app.state.store.jobs()
        assert {path.name for path in (place / "server" / "users" / "local" / "jobs").iterdir()} == {j.id for j in jobs}
    assert not faults, "\n".join(faults)
