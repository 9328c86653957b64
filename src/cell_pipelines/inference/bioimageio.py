"""Scores of a whole image by a model of BioImage.IO, as its own description says that it is run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cell_pipelines.imaging.image_statistics import ImageStatistics
from cell_pipelines.imaging.intensity import Colour, to_colour
from cell_pipelines.imaging.reading import Image, LargeImage
from cell_pipelines.inference.device import choose_device
from cell_pipelines.inference.pixels import UnitPixels, read_part
from cell_pipelines.models.foreign.bioimageio import OWN, channel_names, load_bioimageio, one_image
from cell_pipelines.representations.base import Representation, Scores
from cell_pipelines.typing import AnyArray, Float32Array

_COLOURS: Mapping[int, Colour] = {1: "grey", 3: "rgb"}


class BioimagePredictor:
    """A model of BioImage.IO ready to predict.

    Args:
        checkpoint: A model file of `models.foreign.bioimageio`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        trust: Run Python code that comes with the package, with all that you may do.

    Raises:
        ValueError: The package is another one than it was, or needs code that isn't trusted.
        FileNotFoundError: It is gone.
        ImportError: `bioimageio.core` is not installed.
    """

    def __init__(self, checkpoint: Path, *, device: str = "auto", trust: bool = False) -> None:
        from cell_pipelines.models.checkpoint_file import read_description
        from cell_pipelines.representations.registry import create_representation

        description = read_description(checkpoint)
        record, chosen = description["foreign"], description["representation"]
        self.categories = tuple(description["categories"])
        self.representation: Representation = create_representation(chosen["name"], **chosen["options"])
        self._source = Path(record["weights"])
        self._meanings = tuple(record["output"].split("-"))
        model, self._pipeline = load_bioimageio(record, str(choose_device(device)), trust=trust)
        self._input = one_image(model.inputs, "input", self._source)
        self._output = one_image(model.outputs, "output", self._source)
        self._channels = len(channel_names(self._input))
        self._pipeline.load()

    def predict(self, image: Image | LargeImage) -> tuple[Scores, ...]:
        """Return the scores of one image (H, W) or (H, W, C) of any depth, for each category.

        Intensities come as they are: the description's preprocessing scales them. Where the model takes one channel,
        it gets the mean of all.

        Raises:
            ValueError: The image has other channels, is deeper or larger than the model takes, or the output is not
                what was said of it.
        """
        whole = read_part(image, (0, 0, image.shape[0], image.shape[1]))
        pixels = to_colour(whole, _COLOURS.get(self._channels, "channels"))
        self._check(pixels)
        output = self._run(pixels)
        if self._meanings != (OWN,):
            return (self.representation.reduce(self._meant(output)),)
        parts = np.split(np.ascontiguousarray(output, np.float32), len(self.categories))
        return tuple(self.representation.reduce(part) for part in parts)

    def statistics(self, image: Image | LargeImage) -> ImageStatistics:
        """Return how dark, bright and noisy the image is."""
        return UnitPixels(image, colour="channels", normalisation="percentile").statistics()

    def _check(self, pixels: Image) -> None:
        if pixels.shape[2] != self._channels:
            raise ValueError(f"the image has {pixels.shape[2]} channels, but the model takes {self._channels}.")
        taken = str(getattr(self._input, "dtype", "float32"))
        if not taken.startswith("float") and not np.can_cast(pixels.dtype, taken, "safe"):
            raise ValueError(f"the image is {pixels.dtype}, but the model takes {taken}; save it so.")

    def _run(self, pixels: Image) -> AnyArray:
        """Return the output (C, H, W) for pixels (H, W, C): padded to a size that the model takes, then cropped."""
        from cell_pipelines.models.foreign.bioimageio import create_sample

        margins = [self._margin(axis) for axis in ("y", "x")]
        shape = pixels.shape[:2]
        sizes = [self._size(axis, side + 2 * m) for axis, side, m in zip("yx", shape, margins, strict=True)]
        room = [(m, size - side - m) for m, size, side in zip(margins, sizes, shape, strict=True)]
        padded = np.pad(pixels, [*room, (0, 0)], mode="symmetric")
        sample = create_sample(self._pipeline, padded)
        given = {"skip_input_padding": True, "skip_output_cropping": True}
        found = self._pipeline.predict_sample_without_blocking(sample, **given).members[self._output.id]
        axes = [axis for axis in ("channel", "y", "x") if axis in found.dims]
        array = np.asarray(found.data.transpose("batch", *axes))[0]
        return self._cropped(array if array.ndim == 3 else array[None], shape, sizes, margins)

    def _cropped(self, output: AnyArray, shape: tuple[int, ...], sizes: list[int], margins: list[int]) -> AnyArray:
        step = self.representation.stride
        if self._meanings == (OWN,) and [side * step for side in output.shape[1:]] == sizes:
            return output[:, : -(-shape[0] // step), : -(-shape[1] // step)]
        lost = [size - side for size, side in zip(sizes, output.shape[1:], strict=True)]
        starts = [margin - one // 2 for margin, one in zip(margins, lost, strict=True)]
        if min(lost) < 0 or min(starts) < 0 or any(one % 2 for one in lost):
            raise ValueError(
                f"the output is {output.shape[1]} x {output.shape[2]} pixels for an image of {sizes[0]} x {sizes[1]}; "
                "only models whose output has the image's scale can be used."
            )
        (top, left), (height, width) = starts, shape
        return output[:, top : top + height, left : left + width]

    def _margin(self, name: str) -> int:
        """Return how much of the image's surroundings the model wants to see at each side."""
        axis = next(axis for axis in self._output.axes if str(axis.id) == name)
        lost = -int(getattr(axis.size, "offset", 0) or 0)
        return max(int(getattr(axis, "halo", 0) or 0), -(-lost // 2), 0)

    def _size(self, name: str, least: int) -> int:
        """Return the smallest size that the model takes and that is at least `least`."""
        size = next(axis for axis in self._input.axes if str(axis.id) == name).size
        if isinstance(size, int):
            if least > size:
                raise ValueError(
                    f"the model takes {size} pixels a side, but this image needs {least}; cut it into tiles."
                )
            return size
        if hasattr(size, "min"):
            steps = max(-(-(least - size.min) // size.step), 0)
            return int(size.min + steps * size.step)
        return least

    def _meant(self, output: AnyArray) -> Float32Array:
        """Return the outputs of the representation from the channels (C, H, W) of the model."""
        planes = dict(zip(self._meanings, output, strict=True))
        if "labels" in planes:
            return np.asarray(planes["labels"])[None]
        foreground = np.asarray(planes["foreground"], np.float32)
        if "boundary" not in planes:
            return foreground[None]
        # Both are probabilities of their own: a pixel of a cell is of its boundary or of its inside.
        boundary = np.asarray(planes["boundary"], np.float32)
        return np.stack([1 - foreground, foreground * boundary, foreground * (1 - boundary)])
