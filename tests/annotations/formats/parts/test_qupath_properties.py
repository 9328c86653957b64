"""QuPath's properties: whatever stands at their places, reading gives findings only and what was read comes back."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.formats.qupath_geojson import read, write
from cell_pipelines.annotations.images import ImageIndex, ImageRecord

SQUARE = [[[10, 20], [30, 20], [30, 50], [10, 50], [10, 20]]]
INDEX = ImageIndex([ImageRecord("a.png", 100, 80)])


def _feature(geometry: Any = None, **members: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": SQUARE} if geometry is None else geometry
    properties = {"objectType": "annotation", **members.pop("properties", {})}
    return {"type": "Feature", "id": "PathAnnotationObject", "geometry": geometry, "properties": properties, **members}


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(10**40), 10**40) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_value_at_any_place_gives_findings_only(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    feature = _feature(
        nucleusGeometry={"type": "Polygon", "coordinates": SQUARE},
        properties={
            "objectType": "cell", "classification": {"name": "a"}, "measurements": {"a": 1}, "metadata": {"a": "b"},
            "name": "a", "color": [1, 2, 3],
        },
    )  # fmt: skip
    place: Any = feature
    places = [*((k,) for k in feature), *(("properties", k) for k in feature["properties"])]
    path = data.draw(st.sampled_from([*places, ("geometry", "type"), ("geometry", "coordinates")]))
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(_JSON)
    folder = tmp_path_factory.mktemp("fuzzed")
    (folder / "a.geojson").write_text(json.dumps([feature, feature]))
    conversion = read(folder, INDEX)
    conversion.check()
    assert conversion.objects_in + sum(f.action == "noted" for f in conversion.findings) >= 2
    write(conversion.annotations, folder / "again")
    again = read(folder / "again", INDEX).annotations
    assert again.objects.drop_columns(["category"]).equals(conversion.annotations.objects.drop_columns(["category"]))
