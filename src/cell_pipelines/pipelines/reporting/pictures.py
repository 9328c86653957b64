"""Images of one model's report: the worst and the best with lines that can be switched, and scores beside cells."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cell_pipelines.analysis.evaluation.image_evaluation import ImageEvaluation
from cell_pipelines.analysis.evaluation.matched_cells import MatchedCells, match_cells
from cell_pipelines.analysis.evaluation.pairing import pair
from cell_pipelines.annotations.schema import AnnotationSet
from cell_pipelines.annotations.selection import select_images, select_objects, select_split
from cell_pipelines.imaging.intensity import to_rgb, to_uint8
from cell_pipelines.imaging.reading import Image, ImageFile
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.thresholds import Thresholds
from cell_pipelines.workflows.evaluation import accepted_pairs, evaluation_settings
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.reading import read_scores
from cell_pipelines.workflows.trained_model import TrainedModel

_MATCHED = (
    "Found: the outline of a prediction that matches a true cell (true positive). False: a prediction that matches "
    "none, with a cross. Missed: a true cell that nothing matches (false negative). The boxes above each image switch "
    "the lines. The worst images by F1 come first, then the best."
)
_SCORES = (
    "From left to right: the image, the network's scores, the cells cut out of them by the thresholds of the model "
    "file, and the true cells; of a large image the part with the most cells."
)


def describe_pictures(
    truth: AnnotationSet, predictions: AnnotationSet, thresholds: dict[str, Any], images: dict[str, ImageFile],
    evaluation: EvaluationParameters, parameters: ReportingParameters,
) -> list[Any]:  # fmt: skip
    """Return the section of the worst and the best images with their true and false positives and false negatives."""
    from cell_pipelines.report.page.html import Section

    if not parameters.pictures or not parameters.overlays:
        return []
    pairing = pair(truth, predictions, evaluation.split)
    settings = evaluation_settings(pairing, evaluation)
    accepted = accepted_pairs(pairing, thresholds)
    seen = [match_cells(ImageEvaluation(image, settings), evaluation.matching) for image in accepted]
    shown = [_layered(one, images) for one in _worst_and_best(seen, parameters.overlays)]
    return [Section("Worst and best images", shown, note=f"Cells are matched {seen[0].rule}. {_MATCHED}")]


def _f1(cells: MatchedCells) -> float:
    return float(f1(*cells.counts))


def _worst_and_best(seen: list[MatchedCells], count: int) -> list[MatchedCells]:
    ranked = sorted(seen, key=lambda cells: (np.isnan(_f1(cells)), _f1(cells)))
    worst = min(count // 2, len(ranked))
    best = max(worst, len(ranked) - (count - worst))
    return [*ranked[:worst], *ranked[best:]]


def _layered(cells: MatchedCells, images: Mapping[str, ImageFile]) -> Any:
    from cell_pipelines.report.page.html import LayeredPicture
    from cell_pipelines.report.page.layers import box_layers, instance_layers

    shown = _displayed(images[cells.name])
    flags = {"found": cells.matched, "correct": cells.correct}
    if cells.true_labels is not None and cells.labels is not None:
        layers = instance_layers(cells.true_labels, cells.labels, **flags)
    else:
        layers = box_layers(cells.true_boxes, cells.boxes, shown.shape, **flags)
    score = "no cells" if np.isnan(_f1(cells)) else f"F1 {_f1(cells):.2f}"
    tp, fp, fn = cells.counts
    return LayeredPicture(
        shown, layers, f"{cells.name}: {score}; {tp} true positives, {fp} false positives, {fn} false negatives"
    )


def _displayed(file: ImageFile) -> Image:
    from cell_pipelines.report.overlays.display import to_display

    return to_display(to_rgb(to_uint8(file())))


def describe_scores(
    truth: AnnotationSet, scores: pd.DataFrame, store: Path, model: Path, thresholds: dict[str, Any],
    images: dict[str, ImageFile], evaluation: EvaluationParameters, parameters: ReportingParameters,
) -> list[Any]:  # fmt: skip
    """Return the section that shows a few test images from the network's scores to its cells."""
    from cell_pipelines.report.page.html import Section

    if not parameters.pictures or not parameters.scores:
        return []
    trained = TrainedModel.open(model).with_thresholds(Thresholds.from_plain(thresholds))
    if not trained.is_scored:
        return []
    evaluated = select_split(truth, evaluation.split)
    files = scores.set_index("image")["file"].dropna()
    shown = [
        panel
        for one in some_images(evaluated, parameters.scores)
        if one.names[0] in files
        for panel in _score_pictures(one, store / files[one.names[0]], trained, images)
    ]
    return [Section("From scores to cells", shown, note=_SCORES)] if shown else []


def some_images(annotations: AnnotationSet, count: int) -> Iterator[AnnotationSet]:
    """Yield the images of most cells, of fewest, and of numbers in between."""
    ranked = np.argsort(-annotations.counts().sum(axis=1), kind="stable")
    for place in np.unique(np.linspace(0, len(ranked) - 1, min(count, len(ranked))).astype(int)):
        yield select_images(annotations, ranked[[place]])


def _score_pictures(
    one: AnnotationSet, file: Path, model: TrainedModel, images: Mapping[str, ImageFile]
) -> Iterator[Any]:
    from cell_pipelines.annotations.geometry.label_images import objects_to_labels
    from cell_pipelines.report.figures.montage import score_panels
    from cell_pipelines.report.page.html import Picture
    from cell_pipelines.representations.heat import heat_map
    from cell_pipelines.representations.rescaled import Rescaled

    name = one.names[0]
    image = to_rgb(to_uint8(images[name]()))
    assert model.representation is not None
    for category, scores in read_scores(model, file).items():
        own = select_objects(one, one.category == one.categories.index(category))
        heat = heat_map(model.representation, scores, image.shape[:2])
        cells = Rescaled(model.representation, image.shape[:2]).decode(scores, model.thresholds.classes[category])
        panels = score_panels(image, heat, cells.labels, objects_to_labels(own)[0])
        yield Picture(panels, name if len(model.categories) == 1 else f"{name}, {category}")
