"""Choose the model file that new images are counted by: the one that is named, else the best on validation images."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredModel:
    """A model of a study as it lies in the study's folder.

    Attributes:
        name: Name of the model, such as ``unetpp``.
        path: File that is used: the tuned model, or the trained one where that is later or the only one.
        is_tuned: Whether thresholds were chosen for it.
        validation: What the file says of its validation: ``f1``, ``objective``, ``split`` and ``matching``.
    """

    name: str
    path: Path
    is_tuned: bool
    validation: Mapping[str, Any]

    @property
    def f1(self) -> float:
        """F1 on validation images at the chosen thresholds; nan where the file does not say."""
        value = self.validation.get("f1")
        return float("nan") if value is None else float(value)


def choose_model(
    folder: Path, models: Sequence[str], known: Sequence[str], wanted: str | None = None, *, quiet: bool = False
) -> Path:
    """Return the model file that new images are counted by.

    Args:
        folder: Where the study keeps its models, as ``<model>.pt`` and, before tuning, ``<model>_untuned.pt``.
        models: Models of the study, in its order.
        known: All names of models; others than the study's are taken where it has none of its own.
        wanted: Name of a model, path of a model file, or name of another tool's model, such as ``stardist:/folder``;
            None for the best of the study on validation images.
        quiet: Do not log which was chosen and why.

    Raises:
        FileNotFoundError: There is no such model, or none at all.
        ValueError: Several could be meant.
    """
    if wanted is not None:
        return _named(folder, wanted, (*models, *known))
    found = _find(folder, models) or _find(folder, known)
    if not found:
        raise FileNotFoundError(
            f"{folder}: expected a trained model of this study ({', '.join(models)}); there is none. Train one first, "
            f"with the same --env: --pipelines=train_{models[0]}; or name a file: --params=model=/path/to/model.pt."
        )
    chosen, reason = _best(folder, found)
    level = logging.DEBUG if quiet else logging.INFO
    logger.log(level, "New images are counted by %s (%s): %s.", chosen.name, chosen.path, reason)
    return chosen.path


def _named(folder: Path, wanted: str, known: Sequence[str]) -> Path:
    from cell_pipelines.models.foreign.names import import_foreign, is_foreign

    if is_foreign(wanted):
        return import_foreign(wanted)
    path = Path(wanted).expanduser()
    if wanted in known:
        found = _find(folder, [wanted])
        if found:
            return found[0].path
        there = ", ".join(model.name for model in _find(folder, dict.fromkeys(known))) or "none"
        raise FileNotFoundError(
            f"{folder}: expected the model {wanted} as {wanted}.pt or {wanted}_untuned.pt; trained models there: "
            f"{there}. Train it first: --pipelines=train_{wanted}."
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"`model` must be the path of a model file or a model's name, got {wanted}; there is no such file."
        )
    return path.absolute()


def _find(folder: Path, names: Sequence[str] | Mapping[str, Any]) -> list[StoredModel]:
    found = [_stored(folder, name) for name in dict.fromkeys(names)]
    return [model for model in found if model is not None]


def _stored(folder: Path, name: str) -> StoredModel | None:
    tuned, untuned = (folder / f"{name}{ending}.pt" for ending in ("", "_untuned"))
    if not tuned.is_file():
        return StoredModel(name, untuned.absolute(), False, {}) if untuned.is_file() else None
    from cell_pipelines.models.model_file import read_record

    record = read_record(tuned)
    if untuned.is_file() and _is_newer(untuned, tuned, record):
        logger.warning("%s is of an earlier training than %s; the later one is taken.", tuned, untuned)
        return StoredModel(name, untuned.absolute(), False, {})
    return StoredModel(name, tuned.absolute(), True, record.get("validation") or {})


def _is_newer(untuned: Path, tuned: Path, record: Mapping[str, Any]) -> bool:
    """Say whether a trained file is of another, later training than the tuned one."""
    from cell_pipelines.models.model_file import read_record

    if untuned.stat().st_mtime_ns <= tuned.stat().st_mtime_ns:
        return False
    return read_record(untuned).get("run_id") != record.get("run_id") or record.get("run_id") is None


def _best(folder: Path, found: Sequence[StoredModel]) -> tuple[StoredModel, str]:
    if len(found) == 1:
        only = found[0]
        return only, "the only trained model of the study" + ("" if only.is_tuned else ", its thresholds not tuned")
    tuned = [model for model in found if model.is_tuned]
    if len(tuned) == 1:
        return tuned[0], "the only one whose thresholds are tuned"
    compared = [model for model in tuned if model.f1 == model.f1]
    kinds = {repr({key: model.validation.get(key) for key in ("split", "matching")}) for model in compared}
    if not tuned or len(compared) < len(tuned) or len(kinds) > 1:
        raise ValueError(
            f"{folder}: several models could count ({', '.join(model.name for model in found)}), and their files hold "
            f"no results on the same validation images to choose by. Name one: --params=model={found[0].name}; or run "
            "the pipeline evaluation first, which tunes and compares them."
        )
    best = max(compared, key=lambda model: model.f1)
    values = ", ".join(f"{model.name} {model.f1:.3f}" for model in compared)
    return best, f"the highest F1 on images of {best.validation.get('split')} ({values})"
