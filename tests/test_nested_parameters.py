import pytest

from cell_pipelines.nested_parameters import flatten, nest


def test_nested_and_dotted_parameters_are_the_same_thing():
    dotted = {"a.b.c": 1, "a.d": [1, 2], "e": None}
    assert nest(dotted) == {"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None}
    assert flatten(nest(dotted)) == dotted


@pytest.mark.parametrize("dotted", [{"a": 1, "a.b": 2}, {"a.b": 2, "a": 1}])
def test_a_value_cannot_hold_others(dotted):
    with pytest.raises(ValueError, match=r"can't be set beside"):
        nest(dotted)
