from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.command_parameters import format_parameters, parse_parameters


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", {}),
        ("yolo.epochs=3,yolo.batch=4", {"yolo": {"epochs": 3, "batch": 4}}),
        ("images=/my/cells, day 2,raw_format=coco", {"images": "/my/cells, day 2", "raw_format": "coco"}),
        ("images=/a,b/c=d", {"images": "/a,b/c=d"}),
        ("images='/a,b=c'", {"images": "/a,b=c"}),
        ("images=/plate #2/Zélle ü", {"images": "/plate #2/Zélle ü"}),
        ("images=/it's,models=yolo+unet", {"images": "/it's", "models": "yolo+unet"}),
        ("images=~/cells", {"images": str(Path.home() / "cells")}),
        ("sizes=[1, 2],name=null,on=true", {"sizes": [1, 2], "name": None, "on": True}),
        ("choice={name: knee, x: 1},y=2", {"choice": {"name": "knee", "x": 1}, "y": 2}),
        ("images=C:\\cells\\a,x=1", {"images": "C:\\cells\\a", "x": 1}),
        ("a=1,", {"a": 1}),
    ],
)
def test_a_comma_separates_only_where_a_name_follows(text, parameters):
    assert parse_parameters(text) == parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yolo.epochs", "expected `name=value`, got `yolo.epochs`"),
        ("=3", "expected `name=value`"),
        ("a=1,a=2", "`a` is given twice"),
        ("a=1,a.b=2", "can't be set beside"),
        ("a=[1, 2", "can't be read"),
    ],
)
def test_what_can_not_be_read_gets_a_sentence(text, message):
    with pytest.raises(ValueError, match=message):
        parse_parameters(text)


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=12).filter(lambda text: not text.startswith("~"))
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS
_NAMES = st.from_regex(r"[a-z_]{1,4}", fullmatch=True)
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, min_size=1))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_NAMES, _VALUES, max_size=3))
def test_parameters_come_back_from_their_text(parameters):
    assert parse_parameters(format_parameters(parameters)) == parameters


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"images": "/my cells", "yolo": {"epochs": 3}}, "images=/my cells,yolo.epochs=3"),
        ({"images": "/a, b=c"}, 'images="/a, b=c"'),
        ({"name": "3", "size": 1e-05, "on": True, "none": None}, 'name="3",size=1.0e-05,on=true,none=null'),
        ({"text": 'a "word"'}, 'text=a "word"'),
        ({"models": ["a/b", "c"]}, 'models=["a/b", "c"]'),
    ],
)
def test_parameters_are_written_as_a_person_would_type_them(parameters, text):
    assert format_parameters(parameters) == text
