import numpy as np
import pytest

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.formats.registry import write_annotations
from cell_pipelines.imaging.reading import write_image

_BACKBONE = "[[-1, 1, Conv, [8, 3, 2]], [-1, 1, Conv, [8, 3, 2]], [-1, 1, Conv, [16, 3, 2]]]"
NETWORKS = {
    "tiny": f"nc: 80\nbackbone: {_BACKBONE}\nhead: [[[2], 1, Detect, [nc]]]\n",
    # 16 channels, 12 queries, 2 points, 2 attention heads, 1 layer of 16 channels
    "tiny_transformer": f"nc: 80\nbackbone: {_BACKBONE}\nhead: [[[2], 1, RTDETRDecoder, [nc, 16, 12, 2, 2, 1, 16]]]\n",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A tiny data set of one bright square an image, with networks of three layers beside it."""
    folder = tmp_path_factory.mktemp("boxes")
    builder = AnnotationBuilder(("cell",))
    for number in range(6):
        split = "train" if number < 4 else "val"
        row = builder.add_image(f"images/{split}/{number}.png", width=32, height=32, split=split)
        builder.add_box(row, "cell", (8, 8, 20, 20))
        image = np.full((32, 32, 3), 40, dtype=np.uint8)
        image[8:20, 8:20] = 200
        write_image(image, folder / "images" / split / f"{number}.png")
    write_annotations(builder.build(), folder, format="yolo")
    for name, network in NETWORKS.items():
        (folder / f"{name}.yaml").write_text(network)
    return folder
