"""Write a planned study into a project, and train, tune, evaluate and report it as ``kedro run`` does."""

import difflib
import os
import re
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_folder, atomic_path
from cell_pipelines.project import check_new_project, create_project, find_project, packaged_conf
from cell_pipelines.spreadsheet_text import protect_table
from cell_pipelines.study import DETECTORS, MODELS
from cell_pipelines.workflows.planning.plan import Plan
from cell_pipelines.workflows.planning.study_files import write_study

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.IGNORECASE)
_RESERVED = ("base", "local")
# Folders that are called by what lies in them say nothing about a study.
_GENERIC = re.compile(r"(raw_?)?(images?|imgs?|pictures|photos|jpegimages|data|train(ing)?|raw|tiffs?|pngs?)")


def name_study(images: Path) -> str:
    """Return a name for a study from the folder of its images.

    >>> name_study(Path("/data/My cells 2/images"))
    'my_cells_2'
    """
    parts = [part for part in (images.name, *(p.name for p in images.parents)) if part]
    words = [re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in parts]
    telling = [word for word in words if word and word not in _RESERVED and not _GENERIC.fullmatch(word)]
    return telling[0] if telling else "my_study"


def check_model(name: str) -> str:
    """Return the name of a model that can be trained.

    Raises:
        MistakeError: There is none of that name; the text names the nearest.
    """
    if name in MODELS:
        return name
    plain = name.lower().replace("+", "p").replace("-", "_")
    close = [plain] if plain in MODELS else difflib.get_close_matches(plain, MODELS, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    raise MistakeError(f"there is no model `{name}`.{hint} Models: {', '.join(MODELS)}.")


class OwnStudy:
    """A study in a project; neither need be there yet.

    Attributes:
        name: Of the study.
        project: Folder of the project.
        conf: Folder of the study's configuration.
        data: Folder of the study's data.
    """

    def __init__(self, name: str, folder: Path | None) -> None:
        """Find the project: that of `folder`; without it that of the working folder, or the working folder itself.

        Raises:
            MistakeError: The name is none for a folder, or the project is of another package.
        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise MistakeError(
                f"`--name` must be letters, digits, _ and -, and neither of {', '.join(_RESERVED)}; got {name!r}."
            )
        self.name = name
        start = Path.cwd() if folder is None else folder.expanduser().absolute()
        found = find_project(start)
        self.is_new_project = found is None or (folder is not None and found != start)
        self.project = start if self.is_new_project or found is None else found
        self.conf = self.project / "conf" / name
        self.data = self._data_root() / name

    def _data_root(self) -> Path:
        return self.project / os.environ.get("CELL_DATA_ROOT", "data")

    def check_new(self) -> None:
        """Refuse to write over a study, or over something else in a folder that is to become a project.

        Raises:
            MistakeError: Something is there already.
        """
        for folder in (self.conf, self.data):
            if folder.exists():
                raise MistakeError(
                    f"{folder}: a study `{self.name}` is there already; `--continue` goes on with it, `--name` names "
                    "another one."
                )
        if self.is_new_project:
            check_new_project(self.project)

    def base(self) -> Mapping[str, Any]:
        """Return the networks' parameters of the base that the study will have."""
        conf = packaged_conf() if self.is_new_project else self.project / "conf"
        text = (conf / "base" / "parameters_segmentation.yml").read_text(encoding="utf-8")
        parameters: Mapping[str, Any] = yaml.safe_load(text)
        return parameters

    def write_project(self) -> None:
        """Make the project if there is none."""
        if self.is_new_project:
            create_project(self.project)

    def write(self, plan: Plan, source: Mapping[str, Any], splits: pd.DataFrame | None) -> None:
        """Write the study, the project with it if it is new; the configuration appears whole or not at all.

        Args:
            plan: Its settings.
            source: Of ``globals.yml``: ``raw_images``, ``raw_annotations`` and ``raw_format``.
            splits: Columns ``image`` and ``split``, where the split is to be read from a table.
        """
        self.write_project()
        given = {"study": self.name, **source, "raw_read_only": True, "models": [plan.model], "image_pattern": None}
        raw = self.data / "01_raw"
        raw.mkdir(parents=True, exist_ok=True)
        for name, table in (("plan.csv", plan.table()), ("splits.csv", splits)):
            if table is not None:
                with atomic_path(raw / name) as temporary:
                    protect_table(table).to_csv(temporary, index=False)
        with atomic_folder(self.conf) as temporary:
            write_study(plan, given, temporary)

    def model(self) -> str:
        """Return the model that the study trains.

        Raises:
            MistakeError: There is no such study, or it trains no model, or several.
        """
        path = self.conf / "globals.yml"
        if not path.is_file():
            raise MistakeError(f"{path}: there is no study `{self.name}` to continue; leave out `--continue`.")
        models = yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or []
        if len(models) != 1:
            raise MistakeError(f"{path}: expected one model in `models`, got {models}; use `kedro run` for several.")
        return check_model(str(models[0]))

    def train(self, model: str, *, resume: bool) -> None:
        """Convert, prepare, train, choose thresholds, evaluate and report.

        Args:
            model: What is trained.
            resume: Go on from the last finished epoch of a training that was ended.
        """
        words = [f"--env={self.name}", f"--pipelines=train_{model},evaluation,reporting"]
        group = model if model in DETECTORS else "segmentation"
        words += [f"--params={group}.resume=true"] if resume else []
        _run_kedro(self.project, words)

    def test_images(self) -> int:
        """Return the number of test images by the split that was used."""
        table = pd.read_csv(self.data / "08_reporting" / "split_summary.csv")
        return int(table.loc[table["split"] == "test", "images"].sum())

    def training_notes(self, model: str) -> list[str]:
        """Return what must be known of the training, as the model file says it."""
        from cell_pipelines.models.model_file import read_record

        path = self.model_file(model)
        return list(read_record(path).get("training_notes") or []) if path.is_file() else []

    def model_file(self, model: str) -> Path:
        """Return the file of the tuned model."""
        return self.data / "06_models" / f"{model}.pt"


def _run_kedro(project: Path, words: list[str]) -> None:
    """Do what ``kedro run`` with these words does in the project's folder."""
    from kedro.framework.startup import bootstrap_project

    with chdir(project):
        bootstrap_project(project)
        from cell_pipelines.cli import run

        run.main(words, prog_name="kedro run", standalone_mode=False)


def use_packaged_logging() -> None:
    """Let Kedro log as the package says, unless another configuration is named; call this before Kedro is imported."""
    os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(packaged_conf() / "logging.yml"))
