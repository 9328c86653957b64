import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.selection import filter_by_score
from cell_pipelines.thresholds import Threshold, Thresholds

DETECTOR = {"live": 0.4, "dead": 0.7}
NETWORK = {"live": {"score": 0.6, "min_area_px": 9.0, "min_distance_px": 3.0}}


def objects(*scores):
    builder = AnnotationBuilder(("live", "dead"))
    row = builder.add_image("a.png", width=9, height=9)
    for category, score in scores:
        builder.add_box(row, category, (1, 1, 3, 3), score=score)
    return builder.build()


@pytest.mark.parametrize("plain", [DETECTOR, NETWORK, {}])
def test_what_is_written_is_read_again(plain):
    assert Thresholds.from_plain(plain).to_plain() == plain


def test_files_of_earlier_versions_are_read():
    old = {"live": {"cutoff": 0.6, "min_area_px": 9.0, "spacing_px": 3.0}}
    assert Thresholds.from_plain(old) == Thresholds.from_plain(NETWORK)


def test_an_object_at_its_threshold_counts_and_one_below_does_not():
    limits = Thresholds.from_plain({"live": 0.5, "dead": 0.51})  # 0.5 is the same number in single and double precision
    kept = filter_by_score(objects(("live", 0.5), ("live", 0.499), ("dead", 0.5)), limits)
    assert kept.scores.tolist() == [0.5] and kept.category.tolist() == [0]


def test_decoded_cells_and_classes_without_threshold_all_count():
    cells = objects(("live", 0.1), ("dead", 0.1))
    assert filter_by_score(cells, Thresholds.from_plain(NETWORK)).n_objects == 2
    assert filter_by_score(cells, Thresholds({"live": Threshold(0.5)})).category.tolist() == [1]
    assert filter_by_score(objects(), Thresholds.from_plain(DETECTOR)).n_objects == 0


def test_one_score_for_all_classes_leaves_sizes_as_they_are():
    changed = Thresholds.from_plain(NETWORK).with_score(0.2)
    assert changed.classes["live"] == Threshold(0.2, 9.0, 3.0)
    assert Thresholds.from_plain(DETECTOR).with_score(None).to_plain() == DETECTOR


@pytest.mark.parametrize("wrong", [{"score": 1.1}, {"score": -0.1}, {"min_area_px": -1.0}, {"min_distance_px": -1.0}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Threshold(**wrong)
