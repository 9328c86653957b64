"""The Python interface: count cells, evaluate models and convert annotations in one call each.

>>> from cell_pipelines import count
>>> result = count("cells/*.tif", model="nuclei")  # doctest: +SKIP
>>> result.table[["image", "total"]]  # doctest: +SKIP

Kedro's pipelines and the commands call the same functions, so that counts are the same through every one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cell_pipelines.failures import MistakeError
from cell_pipelines.unfinished import scratch_folder
from cell_pipelines.workflows.count_result import CountResult
from cell_pipelines.workflows.counting import count_cells, find_cells
from cell_pipelines.workflows.image_sources import (
    Channel,
    Depth,
    Images,
    Time,
    collect_images,
    folders_of,
)
from cell_pipelines.workflows.model_export import export_model as export_model
from cell_pipelines.workflows.model_names import DEFAULT_MODEL, Model, open_model
from cell_pipelines.workflows.outputs import check_new_folder, check_outside
from cell_pipelines.workflows.parameters.call_arguments import (
    Diameter,
    PixelSize,
    check_averaging,
    read_inference,
    read_prediction,
    read_threshold,
)
from cell_pipelines.workflows.regions import count_regions, read_regions
from cell_pipelines.workflows.trained_model import TrainedModel

if TYPE_CHECKING:
    from cell_pipelines.workflows.annotation_conversion import ConversionResult
    from cell_pipelines.workflows.comparison_result import ComparisonResult
    from cell_pipelines.workflows.evaluation_result import EvaluationResult


def load_model(model: Model = DEFAULT_MODEL) -> TrainedModel:
    """Return a trained model, for `count` and `evaluate`.

    Args:
        model: Name of a starter, path of a model file, or ``study/model`` of a project in this folder.

    Raises:
        MistakeError: There is no such model; the sentence says which there are.
        ValueError: The file is no model.
    """
    return open_model(model)


def count(
    images: Images,
    model: Model = DEFAULT_MODEL,
    *,
    diameter: Diameter = None,
    pixel_size: PixelSize = None,
    channel: Channel = None,
    z: Depth = None,
    time: Time = None,
    threshold: float | None = None,
    test_time_augmentation: bool = False,
    engine: str = "pytorch",
    workers: int = 1,
    regions: str | Path | None = None,
    out: str | Path | None = None,
) -> CountResult:
    """Count the cells of images.

    Args:
        images: An array (H, W) or (H, W, C) of bool, unsigned integers or floats; a file, a folder that is searched at
            any depth, or a pattern such as ``"~/cells/*.tif"``; or a list of arrays, or of paths.
        model: What finds the cells.
        diameter: Of a cell in pixels, or in micrometres as ``"12 um"``; ``"auto"`` measures it. None for ``"auto"``
            where the model knows the diameter that it was trained on, else images are taken as they are.
        pixel_size: Micrometres per pixel of images whose files don't say; for a diameter in micrometres, and for
            areas of cells in square micrometres. What a file says is used where it says something else, with a warning.
        channel: What to take of files with several channels: a name, or a number from 0, or several. None for those
            that the model was trained on, or all.
        z: What to take of files with several depths: a number from 0, or ``"max"`` or ``"mean"`` over all of them.
            ``"each"`` counts every one as an image, and links their cells to objects in three dimensions: `stacks`.
        time: What to take of files with several time points: a number from 0; ``"each"`` counts every one.
        threshold: Least score of a cell, in [0, 1], for all classes; None for the model's own.
        test_time_augmentation: Average a network over eight turns and mirror images, at eight times its cost.
        engine: Library that runs a network: ``"pytorch"``, on the processor ``"onnxruntime"`` or ``"openvino"``, or
            ``"auto"`` for the fastest with the same counts in parts of the first four images; a column names it.
        workers: Processes among which the images are divided; each loads the model.
        regions: Folder or file with annotated regions of the images (QuPath's GeoJSON, ImageJ's ROIs and others), in
            which cells are counted besides.
        out: A new folder that gets the tables, a page, the annotations and the overlays; None to write nothing.

    Returns:
        The counts, one row per image, and the cells. An image that can't be read has a row with its `error`.

    Raises:
        ImageFormatError: There is no image, or none can be read.
        MistakeError: There is no such model, a value is out of range, or `out` can't be written.
    """
    inference = read_inference(diameter, pixel_size, test_time_augmentation, engine)
    parameters = read_prediction(threshold, workers)
    files = collect_images(images, channel, z=z, time=time)
    trained = check_averaging(open_model(model), inference)
    place = None if out is None else check_new_folder(Path(out))
    if place is not None:
        check_outside(place, folders_of(images))
    areas = None if regions is None else read_regions(files, Path(regions))
    with scratch_folder() as scores:
        found = find_cells(files, trained, scores, inference, parameters)
    in_regions = None if areas is None else count_regions(found.annotations, areas, Path(str(regions)))
    result = CountResult(count_cells(found, trained, parameters), found.annotations, files, trained, in_regions)
    if place is not None:
        result.save(place)
    return result


def evaluate(
    images: Images,
    annotations: str | Path,
    model: Model = DEFAULT_MODEL,
    *,
    format: str = "auto",
    split: str | None = None,
    diameter: Diameter = None,
    pixel_size: PixelSize = None,
    channel: Channel = None,
    z: Depth = None,
    time: Time = None,
    threshold: float | None = None,
    test_time_augmentation: bool = False,
) -> EvaluationResult:
    """Evaluate a model on annotated images.

    Args:
        images: As for `count`, but no arrays.
        annotations: Folder of the annotations, or the file that holds them.
        model: The model.
        format: Format of the annotations; ``auto`` recognises it.
        split: ``train``, ``val`` or ``test``, where the annotations state it; None for all images.
        diameter: As for `count`.
        pixel_size: As for `count`.
        channel: As for `count`.
        z: As for `count`.
        time: As for `count`.
        threshold: As for `count`.
        test_time_augmentation: As for `count`.

    Returns:
        All metrics with 95 % intervals by class, image and cell, and a page.

    Raises:
        ImageFormatError: There is no image.
        MistakeError: There is no such model, nothing is annotated, or classes don't fit.
        AnnotationFormatError: The format isn't recognised.
    """
    from cell_pipelines.workflows.model_evaluation import evaluate_annotated

    inference = read_inference(diameter, pixel_size, test_time_augmentation)
    opened = {"": check_averaging(open_model(model), inference).with_score(read_threshold(threshold))}
    files = collect_images(images, channel, z=z, time=time)
    return evaluate_annotated(opened, inference, files, Path(annotations), format=format, split=split)[0][""]


def compare(
    images: Images,
    annotations: str | Path,
    models: Sequence[Model],
    *,
    format: str = "auto",
    split: str | None = None,
    diameter: Diameter = None,
    pixel_size: PixelSize = None,
    channel: Channel = None,
    z: Depth = None,
    time: Time = None,
) -> ComparisonResult:
    """Compare models on the same annotated images, with intervals and paired tests.

    Args:
        images: As for `evaluate`.
        annotations: As for `evaluate`.
        models: Two or more, as for `count`.
        format: As for `evaluate`.
        split: As for `evaluate`.
        diameter: As for `count`.
        pixel_size: As for `count`.
        channel: As for `count`.
        z: As for `count`.
        time: As for `count`.

    Raises:
        MistakeError: As for `evaluate`, or there are fewer than two models.
        ImageFormatError: There is no image.
        AnnotationFormatError: The format isn't recognised.
    """
    from cell_pipelines.workflows.comparison_result import compare_results, names_of_models
    from cell_pipelines.workflows.model_evaluation import evaluate_annotated

    if len(models) < 2:
        raise MistakeError(f"a comparison needs at least two models, got {len(models)}.")
    opened = [open_model(model) for model in models]
    named = dict(zip(names_of_models(models, opened), opened, strict=True))
    files, inference = collect_images(images, channel, z=z, time=time), read_inference(diameter, pixel_size)
    found, truth, parameters = evaluate_annotated(
        named, inference, files, Path(annotations), format=format, split=split
    )
    return compare_results(found, truth, parameters)


def convert(
    source: str | Path,
    destination: str | Path,
    format: str,
    *,
    images: Images | None = None,
    source_format: str = "auto",
) -> ConversionResult:
    """Convert annotations into another format.

    Args:
        source: Folder of the annotations, or the file that holds them.
        destination: A new folder.
        format: One of `annotations.formats.registry.FORMATS`.
        images: The images that are annotated; None where they lie beside the annotations.
        source_format: Format of the annotations; ``auto`` recognises it.

    Returns:
        What was read and written, and all that was dropped or changed.

    Raises:
        MistakeError: There is no such source, format or image, or `destination` can't be written.
        AnnotationFormatError: The format isn't recognised.
    """
    from cell_pipelines.workflows.annotation_conversion import convert_source, find_annotated

    path = Path(source).expanduser()
    files = find_annotated(path, images)
    return convert_source(files, path, Path(destination), format=format, source_format=source_format)
