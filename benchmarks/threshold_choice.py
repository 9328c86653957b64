r"""Simulate the choice of thresholds on few validation images: by the best value, and by one standard error.

    OMP_NUM_THREADS=1 python benchmarks/threshold_choice.py model.pt --images dsb2018 --seen train.txt --csv choice.csv

All candidates are counted once in every image that the network did not learn from. Then 1 to 30 of the images are
drawn as validation images, threshold and sizes are chosen on them as the pipeline chooses, and what was chosen is
evaluated on all the others. The table has the mean gain of F1 at an IoU of 0.5 over the default thresholds, and the gain
that 95 % of the draws reach.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from starter import SETS, read_set

from cell_pipelines.analysis.evaluation.map_thresholds import Candidates, count_at_thresholds, search
from cell_pipelines.analysis.evaluation.threshold_choice import ChoiceSettings
from cell_pipelines.inference.predictor import create_predictor, unpack_scores
from cell_pipelines.metrics.ratios import f1
from cell_pipelines.thresholds import Threshold
from cell_pipelines.typing import FloatArray
from cell_pipelines.workflows.trained_model import TrainedModel

IMAGES, DRAWS = (1, 2, 5, 10, 30), 200
#: Sizes that are tried, as multiples of the default's: those of the study dsb2018.
SIZES = {"min_areas": (0.1, 0.25, 0.5, 1.0), "min_distances": (0.5, 0.75, 1.0, 1.5)}


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts of all candidates in all images.

    Attributes:
        candidates: What is tried.
        places: Place of each candidate among the counts.
        counts: (I, D, 5).
    """

    candidates: Candidates
    places: Mapping[Threshold, int]
    counts: FloatArray

    def gain(self, drawn: Sequence[int], choice: str) -> float:
        """Return by how much F1 on the other images exceeds that at the default."""
        settings = ChoiceSettings(choice=choice)  # type: ignore[arg-type]

        def count(grids: Mapping[str, Sequence[Threshold]]) -> dict[str, FloatArray]:
            return {name: self._of(drawn, grid) for name, grid in grids.items()}

        chosen = search({"cell": self.candidates}, count, settings)["cell"][0]
        others = np.setdiff1d(np.arange(len(self.counts)), drawn)
        both = [self._of(others, [one]).sum(axis=(0, 1))[:3] for one in (chosen, self.candidates.default)]
        return float(f1(*both[0]) - f1(*both[1]))

    def _of(self, images: Sequence[int], grid: Sequence[Threshold]) -> FloatArray:
        return self.counts[np.ix_(images, [self.places[one] for one in grid])]


def count_all(path: Path, name: str, seen: set[str]) -> Counted:
    """Return the counts of a model's candidates in the images of a set that are not among `seen`."""
    model, predictor = TrainedModel.open(path), create_predictor(path)
    assert model.representation is not None
    candidates = Candidates(model.thresholds.classes[model.categories[0]], **SIZES)
    every = _ordered(candidates, candidates.sizes_at(0.5))
    counts = []
    for image_name, image, truth in read_set(name, "all"):
        if image_name not in seen:
            (scores,) = unpack_scores(predictor.predict(image))
            counts.append(count_at_thresholds(model.representation, scores, truth, every, ChoiceSettings()))
    return Counted(candidates, {one: place for place, one in enumerate(every)}, np.array(counts))


def _ordered(candidates: Candidates, sizes: Sequence[Threshold]) -> list[Threshold]:
    """Return all combinations by rising threshold, which a sweep decodes fastest."""
    scores = [one.score for one in candidates.thresholds_at(candidates.default)]
    return [Threshold(score, one.min_area_px, one.min_distance_px) for score, one in product(scores, sizes)]


def simulate(counted: Counted) -> pd.DataFrame:
    """Return one row per number of validation images and way of choosing."""
    rows, every = [], len(counted.counts)
    for images, choice in product(IMAGES, ("argmax", "one_standard_error")):
        if 2 * images <= every:
            generator = np.random.default_rng(images)
            drawn = (generator.choice(every, images, replace=False) for _ in range(DRAWS))
            gains = np.array([counted.gain(one, choice) for one in drawn])
            rows.append((images, choice, gains.mean(), np.percentile(gains, 5)))
    return pd.DataFrame(rows, columns=["validation images", "choice", "mean gain of F1", "95 % gain at least"])


def main() -> None:
    """Print the table of one model, and add it to a CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", choices=SETS, default="dsb2018")
    parser.add_argument("--seen", type=Path, help="names of images that the network learnt from, one a line")
    parser.add_argument("--csv", type=Path)
    chosen = parser.parse_args()
    seen = set(chosen.seen.read_text(encoding="utf-8").split()) if chosen.seen else set()
    counted = count_all(chosen.model, chosen.images, seen)
    table = simulate(counted).assign(model=chosen.model.parent.name, set=chosen.images, images=len(counted.counts))
    print(table.round(4).to_string(index=False))
    if chosen.csv:
        table.round(4).to_csv(chosen.csv, mode="a", header=not chosen.csv.exists(), index=False)


if __name__ == "__main__":
    main()
