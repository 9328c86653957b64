"""Say which of some images a model has seen in its training, or in that of a model which it started from."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cell_pipelines.imaging.reading import ImageFile
from cell_pipelines.imaging.signatures import find_known, image_signature
from cell_pipelines.workflows.parallel import ParallelParameters, map_images


def signatures_of(
    images: Mapping[str, ImageFile], names: Sequence[str], parallel: ParallelParameters | None = None
) -> list[str]:
    """Return the signature of each image that is named."""
    files = [images[name] for name in names]
    return list(map_images(_signature, files, description="looking for training images", total=len(files),
                           parallel=parallel))  # fmt: skip


def _signature(file: ImageFile) -> str:
    return image_signature(file())


def seen_images(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the signatures of training and validation images that a model file holds, in plain values.

    Args:
        record: What the model file says.
        name: Of the model.

    Returns:
        ``model`` and ``signatures`` of the model itself and of each that it started from, as far as their files say it.
    """
    own = (record.get("training_images") or {}).get("signatures")
    return [*([{"model": name, "signatures": list(own)}] if own else []), *(record.get("started_from") or [])]


def inherited_images(*starts: str | None) -> list[dict[str, Any]]:
    """Return `seen_images` of the model files that a training starts from.

    Args:
        starts: Model files of this project; None, and weights that are none of its model files, say nothing.
    """
    from cell_pipelines.models.model_file import read_record

    found = []
    for start in starts:
        path = Path(start or "").expanduser()
        if start and path.is_file():
            try:
                found += seen_images(read_record(path), path.stem)
            except ValueError:  # weights of another origin: nothing is known of the images
                continue
    return found


def describe_seen(signatures: Sequence[str], seen: Sequence[Mapping[str, Any]], what: str = "evaluated") -> str:
    """Return the sentence about images that a model was trained on; empty where there is none.

    Args:
        signatures: Of the images that a model is evaluated on.
        seen: As `seen_images` gives it.
        what: What the images are called.
    """
    return " ".join(_sentences(signatures, seen, what))


def _sentences(signatures: Sequence[str], seen: Sequence[Mapping[str, Any]], what: str) -> Iterator[str]:
    for model in seen:
        if count := int(find_known(signatures, model["signatures"]).sum()):
            verb = "looks" if count == 1 else "look"
            yield (
                f"{count} of the {len(signatures)} {what} images {verb} the same as an image that {model['model']} was "
                "trained or validated on, so F1 and count errors are better than on new images."
            )
