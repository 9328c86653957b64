"""The tolerance of a threshold comes from the images that it is chosen on."""

import numpy as np

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.pipelines.threshold_optimisation.nodes import choose_thresholds, summarise_validation
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters


def annotations(test_side: float, *, scored: bool) -> AnnotationSet:
    builder = AnnotationBuilder(("cell",))
    rng = np.random.default_rng(0)
    for split, side in (("val", 10.0), ("test", test_side)):
        row = builder.add_image(f"{split}.png", width=400, height=400, split=split)
        for x, y in rng.uniform(0, 380, (20, 2)).tolist():
            box = (x, y, x + side, y + side)
            builder.add_box(row, "cell", box, **({"score": float(rng.uniform())} if scored else {}))
    return builder.build()


def test_sizes_of_test_annotations_do_not_reach_the_threshold() -> None:
    parameters = ThresholdParameters(split="val", objective="f1_centroid")
    found = annotations(10.0, scored=True)
    told = []
    for test_side in (10.0, 300.0):
        truth = annotations(test_side, scored=False)
        thresholds, table = choose_thresholds(truth, found, parameters)
        told.append((thresholds, table.to_numpy().tolist(), summarise_validation(truth, table, thresholds, parameters)))
    assert repr(told[0]) == repr(told[1])
