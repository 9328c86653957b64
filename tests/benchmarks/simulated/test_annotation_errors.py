import numpy as np
import pytest
from simulated.annotation_errors import ERROR_KINDS, inject_label_errors
from simulated.detections import DetectorSkill, simulate_detections

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.geometry.areas import object_areas
from cell_pipelines.annotations.geometry.run_lengths import mask_to_run_lengths
from cell_pipelines.annotations.selection import object_places


def cells(kind="box", images=6):
    builder = AnnotationBuilder(["live", "dead"])
    for number in range(images):
        image = builder.add_image(f"{number}.png", width=120, height=90)
        for x in range(5, 100, 30):
            for y in range(5, 70, 30):
                box = (x, y, x + 14, y + 12)
                mask = np.zeros((90, 120), bool)
                mask[y : y + 12, x : x + 14] = True
                counts = mask_to_run_lengths(mask) if kind == "mask" else None
                builder.add_object(image, "live" if x < 50 else "dead", kind, box, counts=counts)
    return builder.build()


@pytest.mark.parametrize("kind", ["box", "mask"])
@pytest.mark.parametrize("injected", ERROR_KINDS)
def test_each_kind_of_error_is_what_it_says(kind, injected):
    right = cells(kind)
    wrong, errors = inject_label_errors(right, {injected: 0.3}, seed=3)
    assert set(errors["kind"]) == {injected}
    more = {"deleted": -1, "duplicated": 1, "invented": 1}.get(injected, 0)
    assert wrong.n_objects == right.n_objects + more * len(errors)
    assert np.nanmax(np.abs(object_areas(wrong) - 14 * 12)) == 0
    rows = {
        (i, p): n
        for n, (i, p) in enumerate(zip(wrong.image_index.tolist(), object_places(wrong).tolist(), strict=True))
    }
    for error in errors.to_dict(orient="records"):
        if error["label"] >= 0:
            row = rows[wrong.names.index(error["image"]), error["label"]]
            assert wrong.boxes[row].tolist() == [error[edge] for edge in ("x_min", "y_min", "x_max", "y_max")]


def test_without_errors_nothing_changes():
    right = cells("mask")
    same, errors = inject_label_errors(right, dict.fromkeys(ERROR_KINDS, 0.0))
    assert errors.empty
    assert same.fingerprint() == right.fingerprint()


def test_the_same_seed_plants_the_same_errors():
    first, second = (
        inject_label_errors(cells(), dict.fromkeys(ERROR_KINDS, 0.1), seed=5)[0].fingerprint() for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("shares", [{"forgotten": 0.1}, {"deleted": -0.1}, {"deleted": 0.7, "moved": 0.7}])
def test_impossible_shares_are_refused(shares):
    with pytest.raises(ValueError, match="shares"):
        inject_label_errors(cells(), shares)


def test_images_without_cells_stay():
    empty = AnnotationBuilder(["cell"])
    empty.add_image("a", width=8, height=8)
    assert inject_label_errors(empty.build(), {"moved": 1.0})[0].names == ["a"]
    assert simulate_detections(empty.build(), DetectorSkill()).n_objects == 0


def test_a_detector_finds_the_share_of_cells_that_its_skill_says():
    truth = cells(images=200)
    found = simulate_detections(truth, DetectorSkill(recall=0.8, false_positives=0.1, jitter=0.0, confusion=0.0))
    sure = found.scores >= 0.5
    edges = {(i, *box) for i, box in zip(truth.image_index, truth.boxes.tolist(), strict=True)}
    on_cells = [(i, *box) in edges for i, box in zip(found.image_index[sure], found.boxes[sure].tolist(), strict=True)]
    assert np.sum(on_cells) / truth.n_objects == pytest.approx(0.8, abs=0.03)
    assert (len(on_cells) - np.sum(on_cells)) / truth.n_objects == pytest.approx(0.1, abs=0.03)


def test_detectors_err_together_on_what_is_hard():
    truth = cells(images=100)

    def missed(shared, seed):
        skill = DetectorSkill(recall=0.7, false_positives=0.01, jitter=0.0, confusion=0.0, shared=shared, seed=seed)
        found = simulate_detections(truth, skill)
        sure = found.scores >= 0.5
        seen = {(i, *box) for i, box in zip(found.image_index[sure], found.boxes[sure].tolist(), strict=True)}
        return np.array([(i, *b) not in seen for i, b in zip(truth.image_index, truth.boxes.tolist(), strict=True)])

    together, alone = (np.corrcoef(missed(s, 1), missed(s, 2))[0, 1] for s in (0.8, 0.0))
    assert together > 0.4
    assert abs(alone) < 0.1
