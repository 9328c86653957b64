import shapely

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.app.cells import outlines

_SQUARE = {"x": [2.0, 6.0, 6.0, 2.0], "y": [3.0, 3.0, 8.0, 8.0]}


def test_outlines_of_boxes_polygons_and_masks_in_one_image_are_alike() -> None:
    builder = AnnotationBuilder(["cell"])
    image = builder.add_image("a.png", width=10, height=10)
    ring = shapely.get_coordinates(shapely.box(2, 3, 6, 8).exterior)[:-1]
    counts = [23, *[5, 5] * 3, 5, 42]  # columns 2 to 5, rows 3 to 7
    builder.add_box(image, "cell", (2, 3, 6, 8))
    builder.add_polygon(image, "cell", [ring])
    builder.add_object(image, "cell", "mask", (2, 3, 6, 8), counts=counts)
    found = outlines(builder.build())
    shapes = [shapely.Polygon(list(zip(rings[0]["x"], rings[0]["y"], strict=True))) for rings in found]
    assert [shape.equals(shapely.box(2, 3, 6, 8)) for shape in shapes] == [True] * 3
    assert found[0] == [_SQUARE]


def test_outlines_of_one_geometry_alone_are_drawn() -> None:
    builder = AnnotationBuilder(["cell"])
    builder.add_box(builder.add_image("a.png", width=10, height=10), "cell", (2, 3, 6, 8))
    assert outlines(builder.build()) == [[_SQUARE]]
