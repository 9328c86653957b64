import pytest

from cell_pipelines.models import yolo_checkpoint
from cell_pipelines.workflows import trained_model


@pytest.fixture
def pretend_detector(monkeypatch):
    """Let any file be a detector whose file says what is given, of these classes."""

    def pretend(record, categories):
        monkeypatch.setattr(trained_model, "model_family", lambda path: "yolo")
        monkeypatch.setattr(trained_model, "read_record", lambda path: record)
        monkeypatch.setattr(yolo_checkpoint, "read_categories", lambda path: tuple(categories))

    return pretend
