"""Simulate counts of evaluated images with a known truth, to see how often intervals contain it.

Cells of an image share its focus and its stain, and images of a series share more: so the probability that a cell is
found differs from series to series and from image to image, and images hold very different numbers of cells.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from cell_pipelines.typing import FloatArray


@dataclass(frozen=True)
class EvaluationCounts:
    """Counts of R repetitions of an experiment with I images and M models, (R, I, M) float64 each.

    Attributes:
        true: Cells of each image.
        tp: Those that were found.
        fp: Predictions that are no cell.
        pixel_tp: Pixels that are cell and predicted as such, as `pixel_fp` and `pixel_fn`.
        pixel_fp: Pixels wrongly predicted.
        pixel_fn: Pixels missed.
    """

    true: FloatArray
    tp: FloatArray
    fp: FloatArray
    pixel_tp: FloatArray
    pixel_fp: FloatArray
    pixel_fn: FloatArray

    @property
    def found(self) -> FloatArray:
        """(R, I, M, 3) tp, fp and fn of cells."""
        return np.stack([self.tp, self.fp, self.true - self.tp], axis=-1)

    @property
    def pixels(self) -> FloatArray:
        """(R, I, M, 3) tp, fp and fn of pixels."""
        return np.stack([self.pixel_tp, self.pixel_fp, self.pixel_fn], axis=-1)

    @property
    def totals(self) -> FloatArray:
        """(R, I, M, 2) true and predicted cells."""
        return np.stack([self.true, self.tp + self.fp], axis=-1)


@dataclass(frozen=True)
class CountModel:
    """Model by which the counts arise.

    Attributes:
        cells: Mean number of cells of an image.
        dispersion: Variance of that number over its square, beyond that of Poisson.
        log_sd: Standard deviation of its logarithm, log-normal and beyond `dispersion`; 0 for none.
        recall: Share of cells found in an image of middling difficulty, in (0, 1).
        false_share: False predictions a true cell.
        image_sd: Spread of the log-odds of a cell to be found between images, the same for all models.
        model_sd: The same, of each model and image on its own.
        series_sd: The same between series of images.
        model_series_sd: The same, of each model and series on its own, so that models differ at random in a series.
        series: Images of a series; 1 for none.
        better: By how much the log-odds of the last model are above those of the others.
    """

    cells: float = 30.0
    dispersion: float = 0.5
    log_sd: float = 0.0
    recall: float = 0.85
    false_share: float = 0.12
    image_sd: float = 0.6
    model_sd: float = 0.3
    series_sd: float = 0.0
    model_series_sd: float = 0.0
    series: int = 1
    better: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.recall < 1 or self.cells <= 0 or self.series < 1:
            raise ValueError(
                f"`recall` must lie in (0, 1), `cells` above 0 and `series` be 1 or more, got {self.recall}, "
                f"{self.cells} and {self.series}."
            )


def simulate_counts(
    model: CountModel, images: int, *, models: int = 1, repetitions: int = 1, rng: np.random.Generator
) -> EvaluationCounts:
    """Draw the counts of experiments.

    Args:
        model: How counts come about.
        images: Images of an experiment.
        models: Models evaluated on them.
        repetitions: Experiments.
        rng: What draws.
    """
    shape = (repetitions, images)
    series = np.arange(images) // model.series
    shared = rng.normal(0, model.series_sd, (repetitions, int(series[-1]) + 1 if images else 0))[:, series]
    hard = (shared + rng.normal(0, model.image_sd, shape))[..., None]
    own = rng.normal(0, model.model_sd, (*shape, models))
    if model.model_series_sd:
        effects = rng.normal(0, model.model_series_sd, (repetitions, int(series[-1]) + 1 if images else 0, models))
        own = own + effects[:, series]
    shift = np.where(np.arange(models) == models - 1, model.better, 0.0) if models > 1 else 0.0
    odds = special.logit(model.recall) + hard + own + shift
    rate = model.cells * np.ones(shape)
    if model.dispersion:
        rate = rate * rng.gamma(1 / model.dispersion, model.dispersion, shape)
    if model.log_sd:
        rate = rate * rng.lognormal(0, model.log_sd, shape)
    true = np.repeat(rng.poisson(rate).astype(np.float64)[..., None], models, axis=-1)
    tp = rng.binomial(true.astype(np.int64), special.expit(odds)).astype(np.float64)
    fp = rng.poisson(model.false_share * rate[..., None] * np.exp(-hard / 2 - own / 2 - shift)).astype(np.float64)
    return EvaluationCounts(true, tp, fp, *_pixels(true, tp, fp, odds, rng))


def _pixels(
    true: FloatArray, tp: FloatArray, fp: FloatArray, odds: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, ...]:
    """Give each cell about 100 pixels, of which more are found where more cells are."""
    area = 100 * true * rng.gamma(25, 1 / 25, true.shape[:2])[..., None]
    inside = np.divide(tp, true, out=np.zeros(true.shape), where=true > 0) * special.expit(2 + odds / 2)
    right = np.round(area * inside)
    return right, np.round(0.06 * area + 40 * fp), np.round(area) - right
