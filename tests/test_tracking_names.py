"""Names of classes as metrics, checked with MLflow's own rules."""

import mlflow
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric, _validate_param

from cell_pipelines.datasets.metrics_dataset import ModelMetricsDataset
from cell_pipelines.tracking_names import to_tracking_names

AWKWARD = ["dead/", "a//b", "x" * 300, "x" * 299 + "y", "CD4+", "CD4*", "cd4_", "CD4_", ".", "..", "/", "", " ", "../a",
           "a/./b", "é", "Zelle, tot", "a\nb", "100 %", "a:b", "NK/T", "lebend\0", "🦠", "a/", "a/_", "/a"]  # fmt: skip


@given(st.lists(st.text(max_size=8) | st.sampled_from(AWKWARD), max_size=12))
@example(AWKWARD)
def test_every_name_is_one_that_mlflow_takes_and_no_two_are_the_same(classes):
    names = [f"test_f1/{name}" for name in dict.fromkeys(classes)] + [*dict.fromkeys(classes)]
    found = to_tracking_names(names)
    assert set(found) == set(names)
    for name in found.values():
        _validate_metric(name, 1.0, 0, 0)
        _validate_param(name, "1")
    assert len({name.casefold() for name in found.values()}) == len(found)


def test_names_that_mlflow_takes_stay_as_they_are_and_others_are_only_mended():
    kept = ["test_f1", "test_f1/NK/T", "test_f1/Zelle tot", "val_loss", "a.b-c_d", "test_f1/é"]
    assert to_tracking_names(kept) == {name: name for name in kept}
    assert to_tracking_names(["f1/CD4+"]) == {"f1/CD4+": "f1/CD4_"}
    assert to_tracking_names(["f1/dead/"]) == {"f1/dead/": "f1/dead/_"}
    both = to_tracking_names(["f1/CD4+", "f1/CD4*", "f1/CD4_"])
    assert both["f1/CD4_"] == "f1/CD4_"
    assert both["f1/CD4+"].startswith("f1/CD4__")


def test_a_name_does_not_depend_on_the_order_of_the_others():
    first, second = to_tracking_names(AWKWARD), to_tracking_names(AWKWARD[::-1])
    assert {name: first[name] for name in AWKWARD if name not in ("cd4_", "CD4_")} == {
        name: second[name] for name in AWKWARD if name not in ("cd4_", "CD4_")
    }


def test_a_class_has_one_name_in_all_metrics_also_in_those_that_another_lacks():
    found = to_tracking_names(["f1/CD4+", "f1/CD4*", "ap50/CD4+", "ap50/CD4*", "low/CD4+"])
    assert len({name.partition("/")[2] for original, name in found.items() if original.endswith("+")}) == 1
    assert len({name.partition("/")[2] for name in found.values()}) == 2


@pytest.mark.slow
def test_metrics_of_many_classes_of_any_name_arrive_in_the_run(tmp_path):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.set_experiment("names")  # another test's is not in this store
    classes = [*AWKWARD, *(f"class {number}" for number in range(1200))]
    with mlflow.start_run() as run:
        points = {f"test_f1/{name}": {"value": float(i), "step": 0} for i, name in enumerate(classes)}
        ModelMetricsDataset(model="yolo").save(points)
    found = mlflow.get_run(run.info.run_id).data.metrics
    assert sorted(found.values()) == [float(i) for i in range(len(classes))]
