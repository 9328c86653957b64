from pathlib import Path

import pytest

from cell_pipelines.command_parameters import parse_parameters


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
