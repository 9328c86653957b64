"""Nuclei and signals are drawn where they are, and no pattern hides a nucleus where there is room."""

import numpy as np
import pandas as pd
import pytest

from cell_pipelines.report.overlays.fish import overlay_fish
from cell_pipelines.report.palette import FALSE_POSITIVE, INK, TRUE_POSITIVE

SIDE = 1000  # large enough not to be enlarged


def scene() -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    image = np.random.default_rng(0).integers(0, 40, (SIDE, SIDE, 3), dtype=np.uint8)
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[100:300, 100:300], labels[500:700, 600:800] = 1, 2
    nuclei = pd.DataFrame({"nucleus": [1, 2], "category": ["whole", "destroyed"], "pattern": ["2:2", "1:2"]})
    return image, labels, nuclei


def signals(**kept: list[bool]) -> pd.DataFrame:
    return pd.DataFrame({"channel": ["red", "green"], "row": [150.0, 250.0], "column": [200.0, 200.0]} | kept)


def has(canvas: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((canvas == colour).all(axis=2).any())


def test_whole_nuclei_are_green_and_destroyed_ones_red_and_dashed() -> None:
    image, labels, nuclei = scene()
    drawn = overlay_fish(image, labels, nuclei, signals().iloc[:0])
    assert (drawn[100, 110:290] == TRUE_POSITIVE).all()
    assert 0.2 < (drawn[500, 610:790] == FALSE_POSITIVE).all(axis=1).mean() < 0.8


def test_signals_are_circled_in_their_colour_and_stay_visible() -> None:
    image, labels, nuclei = scene()
    drawn = overlay_fish(image, labels, nuclei, signals())
    assert has(drawn[140:161, 190:211], (255, 96, 84)) and has(drawn[240:261, 190:211], (112, 255, 140))
    plain = overlay_fish(image, labels, nuclei, signals().iloc[:0])
    assert (drawn[148:153, 198:203] == plain[148:153, 198:203]).all(), "the spot itself is not painted over"


def test_what_was_left_out_is_crossed_only_when_asked() -> None:
    image, labels, nuclei = scene()
    table = signals(kept=[True, False])
    drawn = overlay_fish(image, labels, nuclei, table)
    assert not has(drawn[240:261, 190:211], (112, 255, 140))
    crossed = overlay_fish(image, labels, nuclei, table, rejected=table)
    assert has(crossed[240:261, 190:211], (176, 182, 190)) and not has(crossed[148:153, 198:203], (176, 182, 190))


def test_patterns_stand_beside_the_nuclei() -> None:
    image, labels, nuclei = scene()
    written = overlay_fish(image, labels, nuclei, signals().iloc[:0])
    silent = overlay_fish(image, labels, nuclei.assign(pattern=""), signals().iloc[:0])
    changed = (written != silent).any(axis=2)[:SIDE]
    assert changed.any() and not (changed & (labels > 0)).any()
    assert has(written[:SIDE], INK)


def test_small_deep_and_empty_images_work_and_nothing_is_changed() -> None:
    image, labels, nuclei = scene()
    small = (image[::10, ::10].astype(np.uint16) * 200, labels[::10, ::10].copy())
    before = small[0].copy()
    drawn = overlay_fish(*small, nuclei, signals().assign(row=15.0, column=20.0))
    assert drawn.shape[1] >= 900 and drawn.dtype == np.uint8 and np.array_equal(small[0], before)
    overlay_fish(small[0], np.zeros_like(small[1]), nuclei.iloc[:0], signals().iloc[:0])


def test_wrong_labels_and_categories_are_told() -> None:
    image, labels, nuclei = scene()
    with pytest.raises(ValueError, match="`labels` must have the image's height and width"):
        overlay_fish(image, labels[:-1], nuclei, signals())
    with pytest.raises(ValueError, match="`nuclei` must have the categories whole, destroyed, got odd"):
        overlay_fish(image, labels, nuclei.assign(category="odd"), signals())
