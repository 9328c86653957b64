"""Define average precision in the words that all its definitions share."""

from typing import Final

RANKED: Final = (
    "the area under the precision-recall curve of all predictions of a category, ranked by score over all "
    "images, taken as COCO does (best precision at a recall of at least 0, 0.01, ..., 1, averaged) but with "
    "COCO's limit of 100 predictions per image (maxDets) lifted so that every prediction counts"
)
RANKED_IS_NOT_ACCURACY: Final = "it is not TP/(TP+FP+FN), which some cell tools also call average precision"
