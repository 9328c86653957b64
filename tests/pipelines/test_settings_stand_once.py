"""Settings that a pipeline's parameters and the library's data class would both define."""

import ast
import importlib
import inspect
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

import cell_pipelines
from cell_pipelines.pipelines.segmentation.parameters import SegmentationParameters
from cell_pipelines.training.segmentation.settings import SegmentationSettings, SegmentationTraining, Tiles

PACKAGE = Path(cell_pipelines.__file__).parent
PARAMETERS = sorted([
    *PACKAGE.glob("pipelines/*/parameters.py"), *PACKAGE.glob("workflows/parameters/*.py"),
    PACKAGE / "workflows" / "model_costs.py",
])  # fmt: skip
#: Where settings are used; what pages and pipelines make of them are results, not settings.
LIBRARY = (
    "training",
    "inference",
    "analysis",
    "simulation",
    "annotations",
    "imaging",
    "metrics",
    "models",
    "workflows",
)
#: Fields that a class of parameters and a class of the library both define, each for a reason.
ALLOWED = {
    ("PreparationParameters", "Intensities"): {"normalisation"},  # a record of what was done; a required field
    ("NetworkParameters", "SegmentationTraining"): {"encoder_weights"},  # a study names them beside the architecture
    ("YoloParameters", "YoloTraining"): {"oversampling"},  # none is None there, as in trainings interrupted before
    ("ExperimentParameters", "TrainedModel"): {"kind"},  # of an experiment, and of a model
    ("ExperimentParameters", "ModelTables"): {"costs"},  # a switch, and a table
    ("NextImagesParameters", "OutputReader"): {"reach_px"},  # of a search that has the distance, and of ones without
    ("InferenceParameters", "ParallelParameters"): {"engine"},  # that runs a network, and that divides images
    # The comparison's level and metrics are chosen, its resamples and seed are those of the evaluation.
    ("ComparisonParameters", "ComparisonSettings"): {"metrics", "level"},
    ("EvaluationParameters", "ComparisonSettings"): {"seed"},
    # A study may leave the distance out, which is then computed of the images; a choice may be `fixed` without any.
    ("EvaluationParameters", "EvaluationSettings"): {"iou", "max_distance_px"},
    # Of each class, whose sizes are multiples of its own default; nothing but the default is tried without scores.
    ("ThresholdParameters", "Candidates"): {"n_thresholds", "min_areas", "min_distances"},
    ("ThresholdParameters", "ChoiceSettings"): {"objective", "choice", "split", "iou", "max_distance_px"},
}


def load(path):
    return importlib.import_module(".".join(("cell_pipelines", *path.relative_to(PACKAGE).with_suffix("").parts)))


def own_fields(kind):
    """Return the fields that a class defines itself; those that it inherits are defined elsewhere."""
    return set(vars(kind).get("__annotations__", {})) - {"model_config"}


def is_settings(kind):
    return inspect.isclass(kind) and (is_dataclass(kind) or issubclass(kind, BaseModel))


def parameter_classes():
    return [kind for path in PARAMETERS for kind in vars(load(path)).values()
            if is_settings(kind) and kind.__module__ == load(path).__name__]  # fmt: skip


def called_classes(path):
    """Return the names of what a file calls, or calls a method of."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {part.id for call in calls for part in [call, getattr(call, "value", None)] if isinstance(part, ast.Name)}
    return {name for name in names if name[0].isupper()}


def imported(path):
    """Return the classes that a file imports, also inside functions, by name."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cell_pipelines."):
            module = importlib.import_module(node.module)
            found |= {name.asname or name.name: getattr(module, name.name, None) for name in node.names}
    return {name: kind for name, kind in found.items() if is_settings(kind)}


@cache
def handed_over():
    """Return each class of parameters with each class of the library that is made where it is known."""
    classes, pairs = parameter_classes(), []
    for folder in ("pipelines", "workflows"):
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            known = imported(path)
            made = [known[name] for name in called_classes(path) & set(known)]
            for parameters in classes:
                if parameters in known.values():
                    pairs += [(parameters, kind) for kind in made if kind is not parameters]
    return tuple(dict.fromkeys(pairs))


def in_library(kind):
    return kind.__module__.split(".")[1] in LIBRARY and kind not in parameter_classes()


def shared_fields():
    """Return the fields that both of two classes define, by the names of the classes."""
    pairs = ((one, other) for one, other in handed_over() if in_library(other))
    return {(a.__name__, b.__name__): both for a, b in pairs if (both := own_fields(a) & own_fields(b))}


def default(kind, name):
    """Return the default of a field of either kind of class; where there is none, a value that equals nothing."""
    if name in getattr(kind, "model_fields", {}):
        return kind.model_fields[name].default
    return next((field.default for field in fields(kind) if field.name == name), MISSING)


def test_no_setting_is_defined_by_the_parameters_and_by_the_library():
    twice = {pair: names - ALLOWED.get(pair, set()) for pair, names in shared_fields().items()}
    assert {pair: names for pair, names in twice.items() if names} == {}, "let the parameters inherit the library's"


def test_every_exception_is_still_needed():
    found = shared_fields()
    assert {pair: names - found.get(pair, set()) for pair, names in ALLOWED.items()} == {
        pair: set() for pair in ALLOWED
    }


@pytest.mark.parametrize("pair", handed_over(), ids=lambda pair: pair[0].__name__)
def test_a_setting_that_two_classes_define_has_one_default(pair):
    for name in ALLOWED.get((pair[0].__name__, pair[1].__name__), set()) - {
        "max_distance_px", "costs", "oversampling", "engine",
    }:  # fmt: skip
        one, other = (default(kind, name) for kind in pair)
        assert one == other or MISSING in (one, other), name


def test_a_setting_written_twice_is_seen():
    class Twice(BaseModel):
        overlap: int = 0

    assert own_fields(Twice) & own_fields(Tiles) == {"overlap"}
    assert own_fields(SegmentationParameters) & own_fields(SegmentationSettings) == set()
    assert (SegmentationParameters, SegmentationTraining) in handed_over()
