from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog

from cell_pipelines.parameter_checks import Configuration
from cell_pipelines.pipeline_registry import register_pipelines
from cell_pipelines.settings import CONFIG_LOADER_ARGS
from cell_pipelines.study import (
    DETECTORS,
    MODELS,
    OTHER_CELLS,
    choose_cells,
    choose_experiments,
    choose_models,
    choose_plate_counts,
)

from .conftest import ROOT

STUDIES = sorted(p.name for p in (ROOT / "conf").iterdir() if p.is_dir() and p.name not in ("base", "local"))
#: What nodes hand over to each other and nobody keeps; all else has a file, a folder or an MLflow run.
IN_MEMORY = {
    "analysed_plates", "count_sections", "data_sections", "dose_responses", "error_sections", "evaluation_sections",
    "experiment_results",
    "model_choice", "new_failures", "origin", "picture_sections", "score_sections", "study_data",
    "training_sections", "results", "conversion_results", "preparation_results", "comparison_results",
}  # fmt: skip
#: Data sets that are one place seen in several ways, or another's by default.
SHARED_PLACES = {"raw", "annotations_to_export", "evaluated_classes", "next_images_evaluation"}


def load(study: str, **parameters: Any) -> OmegaConfigLoader:
    return OmegaConfigLoader(conf_source=str(ROOT / "conf"), env=study, runtime_params=parameters, **CONFIG_LOADER_ARGS)


@pytest.fixture(autouse=True)
def the_demos_choice_afterwards() -> Iterator[None]:
    before = load("local")["parameters"]["experiments"]
    yield
    choose_models(None)
    choose_cells(None)
    choose_plate_counts(None)
    choose_experiments(before)


def names_of_data_sets(loader: OmegaConfigLoader) -> set[str]:
    choose_models([*DETECTORS, "resunet"])  # what is of a model is of every model of its kind
    choose_cells([*OTHER_CELLS, "yolo"])
    names: set[str] = set()
    for dry_run, plate_counts in ((True, None), (False, "counts.csv")):
        choose_experiments(loader["parameters"]["experiments"], dry_run=dry_run)
        choose_plate_counts(plate_counts)
        names |= {name for pipeline in register_pipelines().values() for name in pipeline.datasets()}
    return {name for name in names if name != "parameters" and not name.startswith("params:")}


def resolve(loader: OmegaConfigLoader) -> dict[str, dict[str, Any] | None]:
    resolver = DataCatalog.from_config(loader["catalog"]).config_resolver
    return {
        name: resolver.resolve_pattern(name)
        if name in resolver.config or resolver.match_dataset_pattern(name)
        else None
        for name in sorted(names_of_data_sets(loader))
    }


def place(entry: dict[str, Any]) -> str | None:
    inner = {**entry, **entry.get("dataset", {})}
    return inner.get("filepath") or inner.get("path") or inner.get("default") or inner.get("folder")


@pytest.mark.parametrize("study", ["local", *STUDIES])
def test_every_data_set_of_every_pipeline_is_in_the_catalog_but_what_nobody_keeps(study: str) -> None:
    entries = resolve(load(study))
    in_memory = {n for n, entry in entries.items() if entry is None or entry["type"].endswith("MemoryDataset")}
    assert {name.rpartition(".")[2] for name in in_memory} == IN_MEMORY


def test_no_two_data_sets_are_written_to_one_place() -> None:
    entries = {name: entry for name, entry in resolve(load("local")).items() if entry is not None}
    places = Counter(
        (entry["type"], where)  # figures and tables of one name have endings of their own
        for name, entry in entries.items()
        if (where := place(entry)) and name.partition("@")[0].rpartition(".")[2] not in SHARED_PLACES
    )
    assert [where for where, times in places.items() if times > 1] == []


def test_every_entry_of_the_catalog_is_some_data_set_of_a_pipeline() -> None:
    loader = load("local")
    resolver = DataCatalog.from_config(loader["catalog"]).config_resolver
    names = names_of_data_sets(loader)
    used = {name if name in resolver.config else resolver.match_dataset_pattern(name) for name in names}
    assert set(loader["catalog"]) - used == set()


def test_the_trials_of_an_experiment_keep_all_that_is_a_models_in_their_own_folder() -> None:
    entries = resolve(load("local", results="/trial"))
    of_models = {
        name: place(entry)
        for name, entry in entries.items()
        if entry is not None and name.partition(".")[0] in MODELS and place(entry) is not None
    }
    biology = ("cells", "joined_metadata", "metadata_findings", "viability_", "morphology_", "fish_", "tracking_")
    for name, where in of_models.items():
        inside = not name.partition(".")[2].startswith(biology)
        assert str(where).startswith("/trial/" if inside else "data/demo/"), name
    for model in DETECTORS:
        assert str(place(entries[f"{model}_dataset"] or {})).startswith("/trial/")


def test_tables_figures_and_pages_are_shown_in_their_layer() -> None:
    layers = {"01_raw": "raw", "02_intermediate": "intermediate", "03_primary": "primary",
              "05_model_input": "model_input", "06_models": "models", "07_model_output": "model_output",
              "08_reporting": "reporting"}  # fmt: skip
    for name, entry in resolve(load("local")).items():
        where = place(entry or {})
        for folder, layer in layers.items():
            if where and f"/{folder}" in where and "MemoryDataset" not in (entry or {})["type"]:
                assert (entry or {})["metadata"] == {"kedro-viz": {"layer": layer}}, name


def test_the_base_catalog_says_each_idea_once() -> None:
    lines = [
        line for path in (ROOT / "conf/base").glob("catalog*.yml") for line in path.read_text("utf-8").splitlines()
    ]
    assert len(lines) <= 450


def test_runtime_parameters_are_read_through_what_entries_share() -> None:
    configuration = Configuration(ROOT / "conf/base", ROOT / "conf/local")
    catalog = DataCatalog.from_config(load("local")["catalog"])
    pipelines = register_pipelines()
    assert "results" in configuration.read_by(pipelines["train_yolo"], catalog)
    assert "results" not in configuration.read_by(pipelines["annotation_conversion"], catalog)


def test_tables_figures_and_images_have_a_preview_in_kedro_viz() -> None:
    for name, entry in resolve(load("local")).items():
        kind = {**(entry or {}), **(entry or {}).get("dataset", {})}.get("type", "")
        if kind.endswith(("CSVDataset", "TidyTableDataset", "FigureDataset", "ImageDataset")):
            module, _, dataset = kind.rpartition(".")
            preview = getattr(getattr(import_module(module), dataset), "preview", None)
            assert preview is not None and "return" in preview.__annotations__, name


@pytest.mark.parametrize("study", ["local", *STUDIES])
def test_every_study_reads_and_writes_below_the_data_root_or_what_a_variable_names(
    study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("CELL_REAL_DATA", "CELL_LIVE_DEAD"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CELL_DATA_ROOT", "/root_of_data")
    loader = load(study)
    elsewhere = {
        name: where
        for name, entry in resolve(loader).items()
        if (where := place(entry or {})) and not where.startswith("/root_of_data/")
    }
    assert elsewhere == {}
    own = loader["globals"].get("raw_folder")
    assert own is None or "set CELL_" in loader["globals"]["raw_source"]
    assert own is None or all(
        str(place(loader["catalog"][f"raw@{kind}"])).startswith(own) for kind in ("generated", "images", "annotations")
    )
