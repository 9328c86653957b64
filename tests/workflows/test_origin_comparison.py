from cell_pipelines.workflows.origin_comparison import Change, compare_origins, explain_differences

THEN = {
    "mlflow.source.git.commit": "aaa", "code.sha256": "c1", "configuration.sha256": "k1", "machine.threads": "2",
    "version.torch": "2.14", "version.numpy": "2.4", "mlflow.user": "somebody",
}  # fmt: skip


def test_nothing_differs_from_itself():
    compared = compare_origins(THEN, THEN)
    assert compared.changes == ()
    assert compared.sentences() == ["The same as then: commit, code, configuration, threads, all versions."]


def test_each_change_is_a_sentence_and_hashes_are_not_shown():
    now = {
        **THEN,
        "mlflow.source.git.commit": "bbb",
        "code.sha256": "c2",
        "version.torch": "2.15",
        "machine.threads": "1",
    }
    compared = compare_origins(THEN, now)
    assert compared.sentences() == [
        "The same as then: configuration, 1 of 2 versions.",
        "Not the same: commit: aaa then, bbb now.",
        "Not the same: code: another one now.",
        "Not the same: threads: 2 then, 1 now.",
        "Not the same: torch: 2.14 then, 2.15 now.",
    ]


def test_what_is_missing_on_one_side_is_none():
    changes = compare_origins({"version.openvino": "1"}, {"constraints.sha256": "x"}).changes
    assert set(changes) == {Change("constraints.txt", None, "x"), Change("openvino", "1", None)}
    assert {change.sentence() for change in changes} == {
        "constraints.txt: none then, x now",
        "openvino: 1 then, none now",
    }


def test_differences_are_explained_by_what_may_matter_and_by_the_clock():
    changes = [Change("commit", "a", "b"), Change("threads", "2", "1"), Change("data", "a", "b")]
    parameters = {"yolo.minutes": "5", "segmentation.minutes": "None", "yolo.epochs": "3"}
    assert explain_differences(changes, parameters) == [
        "threads: 2 then, 1 now.",
        "data: another one now.",
        "yolo.minutes=5: the clock decides how many steps a training has.",
    ]


def test_without_a_recorded_change_something_else_is_named():
    (sentence,) = explain_differences([Change("commit", "a", "b")], {})
    assert sentence.startswith("nothing that was recorded has changed")
