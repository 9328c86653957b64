"""Attributes as text come back as they were."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.formats.objects.attribute_text import from_text, to_text, to_xml_text
from cell_pipelines.annotations.formats.sources import json_values as values

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
@settings(max_examples=50, deadline=None)
def test_every_value_comes_back_and_xml_can_hold_it(value: Any) -> None:
    text = to_text(value)
    assert from_text(to_xml_text(text)) == value
    assert json.dumps(from_text(text), sort_keys=True) == json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("text", ["", "nan", "Infinity", "1e999", "9" * 5000, "[" * 5000, "007", "a b", "{x}", "t"])
def test_what_is_no_json_stays_text(text: str) -> None:
    assert from_text(text) == text


@pytest.mark.parametrize("value", [True, "3", None, [1], float("nan"), float("inf"), 10**400, 1e300])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="`x` must be"):
        values.to_number(value, "x")


@pytest.mark.parametrize(
    "value", [None, 3, "ab", [[1]], [[1, 2], [3]], [[1, None]], [["a", "b"]], [[[1, 2]]], [[1, 10**400]]]
)
def test_what_are_no_vertices_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="`points` must be"):
        values.to_vertices(value)
