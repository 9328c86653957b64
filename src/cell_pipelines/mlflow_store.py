"""The MLflow store in a SQLite file: made whole, by one process at a time, and recognised when it is not."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cell_pipelines.files import WriteError, atomic_path, remove_abandoned
from cell_pipelines.locks import locked

logger = logging.getLogger(__name__)
# It logs errors of the database with their traceback before it raises them.
logging.getLogger("mlflow.store.db.utils").addFilter(
    lambda record: not record.getMessage().startswith("SQLAlchemy database error")
)

_PREFIX = "sqlite:///"
# Making the tables takes some seconds, on a busy machine a minute.
_PATIENCE_S = 300.0
_OTHER = "name another one by the environment variable MLFLOW_TRACKING_URI, such as sqlite:////home/me/mlflow.db"


class StoreError(RuntimeError):
    """A store that MLflow can't work with; says why and what to do in a sentence."""


_BROKEN = (
    "{path}: the MLflow store is broken, most likely since the run that made it was interrupted, or it is of another "
    f"version of MLflow ({{reason}}); move it away, or {_OTHER}."
)


@contextmanager
def prepared_store(uri: str) -> Iterator[None]:
    """Hold the store's lock while the block runs, with the store there and whole.

    Nothing is done about stores that are no SQLite file, such as a server.

    Args:
        uri: MLflow's tracking URI.

    Raises:
        StoreError: The file can't be made, or is no whole store.
        LockedError: Another process holds the lock for minutes.
    """
    path = sqlite_file(uri)
    if path is None:
        yield
        return
    try:
        lock = path.with_name(f".{path.name}.lock")
        with locked(lock, reason=f"{path}: the MLflow store is being made by another run", seconds=_PATIENCE_S):
            # What a killed run has left of a store that it was making.
            remove_abandoned(path.parent, skip=tuple(child.name for child in path.parent.iterdir()))
            _prepare(path)
            yield
    except WriteError as error:
        raise StoreError(f"{path}: the MLflow store can't be written: {error} You can {_OTHER}.") from error


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite URI; None for any other store, or one in memory."""
    place = uri.removeprefix(_PREFIX).partition("?")[0]
    return Path(place) if uri.startswith(_PREFIX) and place and place != ":memory:" else None


def _prepare(path: Path) -> None:
    """Make the store where there is none, and bring an older one up to date, in a copy that then takes its place."""
    if path.is_dir():
        raise StoreError(f"{path}: expected MLflow's store, a file; it is a folder. Move it away, or {_OTHER}.")
    try:
        revision = _revision(path)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: expected MLflow's store, got {error}; move it away, or {_OTHER}.") from error
    if revision == _latest_revision():
        if not _has_all_tables(path):
            raise StoreError(_BROKEN.format(path=path, reason="tables are missing"))
        return
    with atomic_path(path, durable=True) as temporary:
        if path.is_file():
            _copy(path, temporary)
        _initialise(temporary, path, revision)


def _revision(path: Path) -> str | None:
    """Return the revision of the tables at `path`, ``""`` where tables have none; None where there are no tables."""
    tables = _tables(path)
    if "alembic_version" not in tables:
        return "" if tables else None
    with closing(_read(path)) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else "" if tables - {"alembic_version"} else None


def _read(path: Path) -> sqlite3.Connection:
    # Not opened by a URI for reading only: a journal that a killed process has left must be rolled back.
    return sqlite3.connect(path, timeout=60)


def _tables(path: Path) -> set[str]:
    if not path.is_file() or not path.stat().st_size:
        return set()
    with closing(_read(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _latest_revision() -> str:
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())


def _has_all_tables(path: Path) -> bool:
    from mlflow.store.db.base_sql_model import Base
    from mlflow.store.tracking import sqlalchemy_store  # noqa: F401, with it all tables are known

    return set(Base.metadata.tables) <= _tables(path)


def _copy(path: Path, target: Path) -> None:
    with closing(_read(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _initialise(temporary: Path, path: Path, revision: str | None) -> None:
    if revision is not None:
        logger.info("%s: the MLflow store is of revision %s; it is brought up to date.", path, revision or "unknown")
    try:
        _create_tables(temporary)
    except Exception as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        if "disk is full" in reason or "disk I/O" in reason:
            raise StoreError(f"{path}: the MLflow store can't be made: {reason}.") from error
        if revision is None:
            raise
        raise StoreError(_BROKEN.format(path=path, reason=reason)) from error


def _create_tables(path: Path) -> None:
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine_with_retry

    engine: Any = create_sqlalchemy_engine_with_retry(f"{_PREFIX}{path.as_posix()}")
    try:
        _initialize_tables(engine)
    finally:
        engine.dispose()
