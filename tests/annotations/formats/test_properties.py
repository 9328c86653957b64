"""Any set that can be thought of, through every format: what comes back is what fitting left of it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import (
    FORMATS,
    create_format,
    fit_annotations,
    read_annotations,
    write_annotations,
)
from cell_pipelines.annotations.formats.writing.adapting import adapt_to_format
from cell_pipelines.annotations.geometry.run_lengths import mask_box, mask_to_run_lengths
from cell_pipelines.annotations.images import ImageIndex
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet

CLASSES = ("cell", "größere Zelle", "a b", "x,y;z", 'says "no"', "<tag>&amp;", "100%", "-1", "none")
NAMES = ("a", "b c", "größe", "d.1", "e-f_g", "t000", "7", "plate 1/A1/s 1", "plate 1/A2/s 1", "with 'quote'")


@st.composite
def annotation_sets(draw: st.DrawFn) -> AnnotationSet:
    """Draw up to three images with up to five objects each, of every geometry, anywhere in the image."""
    builder = AnnotationBuilder()
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)):
        width, height = draw(st.integers(3, 40)), draw(st.integers(3, 40))
        row = builder.add_image(f"{name}.png", width=width, height=height)
        for _ in range(draw(st.integers(0, 5))):
            _add(draw, builder, row, (width, height))
    return builder.build()


def _add(draw: st.DrawFn, builder: AnnotationBuilder, row: int, size: tuple[int, int]) -> None:
    extra = {
        "score": draw(st.none() | st.floats(0, 1, width=32)),
        "crowd": draw(st.booleans()),
        "attributes": draw(st.none() | st.dictionaries(st.sampled_from(["stain", "z", "ok"]), _VALUES, max_size=2)),
    }
    category = draw(st.sampled_from(CLASSES))
    # Quarters are kept by every text format, also by those that write 32-bit numbers.
    low = [draw(st.integers(0, 4 * side - 4)) / 4 for side in size]
    high = [draw(st.integers(int(4 * a) + 4, 4 * side)) / 4 for a, side in zip(low, size, strict=True)]
    geometry = draw(st.sampled_from(GEOMETRIES))
    if geometry == "polygon":
        midpoint = low[0] + (high[0] - low[0]) * draw(st.sampled_from([0.0, 0.5, 1.0]))
        ring = np.array([[low[0], high[1]], [midpoint, low[1]], [high[0], high[1]]])
        builder.add_polygon(row, category, [ring], **extra)
    elif geometry == "mask":
        bits = draw(st.lists(st.booleans(), min_size=9, max_size=9))
        mask = np.zeros(size[::-1], np.bool_)
        top, left = int(min(low[1], size[1] - 3)), int(min(low[0], size[0] - 3))
        mask[top : top + 3, left : left + 3] = np.array(bits).reshape(3, 3)
        mask[top, left] = True
        builder.add_object(row, category, "mask", mask_box(mask), counts=mask_to_run_lengths(mask), **extra)
    else:
        builder.add_object(row, category, geometry, [*low, *(low if geometry == "point" else high)], **extra)


_VALUES = st.integers(-5, 5) | st.sampled_from(["DAPI", "ü,;", ""]) | st.booleans()


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(annotations=annotation_sets())
def test_what_comes_back_is_what_fitting_left(
    name: str,
    annotations: AnnotationSet,
    index_of: Callable[[AnnotationSet], ImageIndex],
    assert_equal_sets: Callable[[AnnotationSet, AnnotationSet], None],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lost = write_annotations(annotations, Path(folder), format=name)
        conversion = read_annotations(Path(folder), index_of(annotations), format=name)
    expected, account = fit_annotations(annotations, name)
    assert [f for f in lost if f in account or f.action != "noted"] == list(account)
    conversion.check()
    assert_equal_sets(expected, conversion.annotations)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(annotations=annotation_sets())
def test_fitting_twice_changes_nothing_more_and_counts_what_it_drops(name: str, annotations: AnnotationSet) -> None:
    capabilities = create_format(name).CAPABILITIES
    once, account = adapt_to_format(annotations, capabilities)
    again, nothing = adapt_to_format(once, capabilities)
    assert again.fingerprint() == once.fingerprint()
    assert not [f for f in nothing if f.action in ("dropped", "changed")]
    if capabilities.touching:
        assert once.n_objects == annotations.n_objects - sum(f.objects for f in account if f.action == "dropped")
