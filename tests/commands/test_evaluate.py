import re

import pandas as pd
import pytest

from cell_pipelines import api


def test_metrics_are_printed_with_intervals_and_their_files_after_them(labelled, squares_model, invoke):
    result = invoke("evaluate", "cells", "labels", "--model", squares_model)
    assert result.exit_code == 0, result.output
    assert "squares: 21 cells counted, 21 annotated, in 8 images." in result.output
    assert re.search(r"^F1 of masks at IoU 0.5 +1$", result.output, re.MULTILINE), result.output
    assert "What models call `cell` is compared with annotated `nucleus`." in result.output
    folder = labelled / "evaluation_cells"
    assert {"report.html", "tables.xlsx", "classes.csv", "images.csv"} <= {path.name for path in folder.iterdir()}
    table = pd.read_csv(folder / "classes.csv")
    assert table["category"].tolist() == ["nucleus", "all classes"]


def test_the_split_of_the_annotations_chooses_images_and_is_said_otherwise(labelled, squares_model, invoke):
    result = invoke("evaluate", "cells", "labels", "--model", squares_model, "--split", "test")
    assert result.exit_code == 2
    assert "`split` must be one that the annotations state (none), got 'test'" in result.output


MISTAKES = {
    "no annotations": (["cells", "label"], "expected annotations; there is no label in .* Did you mean labels"),
    "a folder without annotations": (["cells", "empty"], "found no annotations"),
    "annotations of other images": (["other", "labels"], "expected annotations of images such as x.png"),
    "a format that is not there": (["cells", "labels", "--annotation-format", "cocco"], "Did you mean `coco`"),
    "a format that is another": (["cells", "labels", "--annotation-format", "yolo"], "labels"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_nothing_is_written(mistake, labelled, squares_image, squares_model, invoke):
    from cell_pipelines.imaging.reading import write_image

    (labelled / "empty").mkdir()
    write_image(squares_image(1), labelled / "other" / "x.png")
    words, sentence = MISTAKES[mistake]
    result = invoke("evaluate", *words, "--model", squares_model)
    assert result.exit_code == 2, result.output
    assert re.search(sentence, result.output), result.output
    assert sorted(path.name for path in labelled.iterdir()) == ["cells", "empty", "labels", "other"]


def test_a_broken_image_that_is_annotated_is_an_error(labelled, squares_model, invoke):
    (labelled / "cells" / "3.png").write_bytes(b"")
    result = invoke("evaluate", "cells", "labels", "--model", squares_model)
    assert "objects dropped" in result.output or result.exit_code == 2


def test_comparison_prints_one_row_per_model_and_what_the_tests_say(labelled, squares_model, invoke, tmp_path):
    other = tmp_path / "strict.pt"
    other.write_bytes(api.load_model(squares_model).with_score(0.999).store(
        api.load_model(squares_model).with_score(0.999).thresholds))  # fmt: skip
    result = invoke("compare", "cells", "labels", "--model", squares_model, "--model", other)
    assert result.exit_code == 0, result.output
    assert re.search(r"^squares +", result.output, re.MULTILINE)
    assert re.search(r"^strict +", result.output, re.MULTILINE)
    folder = labelled / "comparison_cells"
    assert {"report.html", "models.csv", "tests.csv", "differences.csv"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("models", "sentence"), [
    (1, "needs at least two models, got 1"), (2, "must differ from each other"),
])  # fmt: skip
def test_a_comparison_needs_two_models_that_differ(models, sentence, labelled, squares_model, invoke):
    result = invoke("compare", "cells", "labels", *["--model", squares_model] * models)
    assert result.exit_code == 2
    assert sentence in result.output


def test_annotations_are_converted_with_the_account_of_what_was_lost(labelled, invoke):
    result = invoke("convert", "labels", "voc", "--format", "pascal_voc", "--images", "cells")
    assert result.exit_code == 0, result.output
    assert "coco (" in result.output and "to pascal_voc: 21 objects read in 8 images" in result.output
    assert len(list((labelled / "voc").rglob("*.xml"))) == 8
    assert (labelled / "voc_findings.csv").is_file()
    back = invoke("convert", "voc", "back", "--format", "coco", "--images", "cells")
    assert "21 objects read in 8 images, 0 dropped" in back.output


def test_annotations_without_their_images_ask_for_them(labelled, invoke):
    result = invoke("convert", "labels", "voc", "--format", "pascal_voc")
    assert result.exit_code == 2
    assert "name their folder (`images`, `--images` of a command)" in result.output
    assert not (labelled / "voc").exists()
