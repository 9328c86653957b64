"""Read a model of the BioImage.IO Model Zoo: what its description says of axes, sizes and outputs.

It runs by `bioimageio.core`, with the preprocessing of its description. What an output means, descriptions leave open
but for the names of channels; where these don't say it, a person has to.
"""

import importlib.metadata
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cell_pipelines.models.checkpoint_file import save_content
from cell_pipelines.models.foreign.extras import import_extra
from cell_pipelines.models.foreign.file_hashes import check_unchanged, hash_files

#: What a channel of the output may be. Those of `other` and of background are not read.
MEANINGS = ("foreground", "boundary", "labels", "background", "other")
#: What the output of a package means that this project exported: what its ``config`` says below this key.
OWN = "cell_pipelines"
_PURPOSE = "models of BioImage.IO"
_DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml")
# Postprocessing whose results are label images.
_LABELLING = ("stardist_postprocessing", "cellpose_flow_dynamics")
# Formats of weights that run no code of the package, best first.
_CLOSED = ("torchscript", "onnx")


def split_name(name: str) -> tuple[tuple[str, ...], Path]:
    """Return what the output's channels mean, where the name says it, and the package.

    >>> split_name("foreground-boundary:nuclei.zip")[0], split_name("nuclei.zip")[0]
    (('foreground', 'boundary'), ())
    """
    before, colon, path = name.partition(":")
    words = tuple(before.split("-"))
    if colon and set(words) <= set(MEANINGS):
        return words, Path(path).expanduser()
    return (), Path(name).expanduser()


def files(name: str) -> tuple[Path, ...]:
    """Return the files of a package: a ZIP file, or the description with the files that it names.

    Raises:
        FileNotFoundError: There is no such package.
        ValueError: The description can't be read.
    """
    source = _source(split_name(name)[1])
    return (source,) if zipfile.is_zipfile(source) else (source, *sorted(_named_files(source)))


def read(name: str, category: str) -> bytes:
    """Return the bytes of a model file that stands for a package.

    Args:
        name: Path of a ZIP file, a description (``rdf.yaml``) or its folder; before it, with a colon, what the channels
            of its output mean, as in `split_name`.
        category: Name of the class of its cells.

    Raises:
        FileNotFoundError: There is no such package.
        ValueError: The description can't be read, is of no model with one image in and one out, or doesn't say what its
            output means.
        ImportError: `bioimageio.core` is not installed.
    """
    given, path = split_name(name)
    source = _source(path)
    model = load_description(source)
    own = {} if given else _own_description(model)
    meanings = given or ((OWN,) if own else _described_meanings(model, source))
    description = {
        "normalisation": "percentile",
        **(own or _foreign_description(meanings, model, source, category)),
        "source": {"tool": "bioimageio", "name": str(model.name), "output": "-".join(meanings)},
        "foreign": {
            "tool": "bioimageio", "weights": str(source.absolute()), "sha256": hash_files(files(name)),
            "library": importlib.metadata.version("bioimageio.core"), "output": "-".join(meanings),
        },
    }  # fmt: skip
    return save_content(description, {})


def _own_description(model: Any) -> dict[str, Any]:
    """Return what this project wrote into a package that it exported; nothing of a package from elsewhere."""
    found = (model.config.model_extra or {}).get(OWN) or {}
    return {key: found[key] for key in ("categories", "representation", "decoding", "normalisation") if key in found}


def _foreign_description(meanings: tuple[str, ...], model: Any, source: Path, category: str) -> dict[str, Any]:
    _check_meanings(meanings, model, source)
    score = 0.0 if "labels" in meanings else 0.5
    representation = {"name": _representation(meanings), "options": {}}
    return {"categories": [category], "representation": representation, "decoding": {category: {"score": score}}}


def load_bioimageio(record: Mapping[str, Any], device: str, *, trust: bool) -> tuple[Any, Any]:
    """Return the description of a package and what predicts with it, on a device of PyTorch.

    Args:
        record: What `read` wrote under ``foreign``.
        device: Name of the device.
        trust: Run Python code that comes with the package.

    Raises:
        FileNotFoundError: The package is gone.
        ValueError: It is another one than it was, or its weights are code that isn't trusted.
        ImportError: `bioimageio.core` is not installed.
    """
    source = Path(record["weights"])
    check_unchanged(record, files(str(source)) if source.is_file() else (source,))
    model = load_description(source)
    form = _weights_format(model, source, trust=trust)
    core = import_extra("bioimageio.core", "bioimageio", _PURPOSE)
    return model, core.create_prediction_pipeline(model, devices=[device], weights_format=form)


def create_sample(pipeline: Any, pixels: Any) -> Any:
    """Return an image (H, W, C) as `bioimageio.core` takes it, with the axes in the model's order."""
    tensor = import_extra("bioimageio.core", "bioimageio", _PURPOSE).Tensor(
        pixels[None], dims=("batch", "y", "x", "channel")
    )
    digest = import_extra("bioimageio.core.digest_spec", "bioimageio", _PURPOSE)
    model = pipeline.model_description
    one = digest.get_tensor(tensor, one_image(model.inputs, "input", Path(str(model.name))), extra_dims="squeeze")
    return digest.create_sample_for_model(model, inputs=one)


def load_description(source: Path) -> Any:
    """Return the description of a package in the newest format, without asking the network.

    Raises:
        ValueError: It can't be read, or is of no model.
        ImportError: `bioimageio.core` is not installed.
    """
    import_extra("loguru", "bioimageio", _PURPOSE).logger.disable("bioimageio")
    spec = import_extra("bioimageio.spec", "bioimageio", _PURPOSE)
    import_extra("bioimageio.core", "bioimageio", _PURPOSE)
    try:
        return spec.load_model_description(source, format_version="latest", perform_io_checks=False)
    except Exception as error:
        if "index_key" in str(error):
            found = [f"{name} {importlib.metadata.version(name)}" for name in ("bioimageio.spec", "pydantic")]
            raise ImportError(f'{" and ".join(found)} don\'t go together: pip install "pydantic<2.14".') from error
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{source}: expected a model of BioImage.IO; it can't be read: {reason}") from error


def one_image(tensors: Any, side: str, source: Path) -> Any:
    """Return the one tensor of a model's inputs or outputs that is an image in two dimensions.

    Raises:
        ValueError: There is none, or several, or it has further axes.
    """
    found = [one for one in tensors if {"x", "y"} <= {str(axis.id) for axis in one.axes}]
    if len(found) != 1 or (side == "input" and len(tensors) != 1):
        names = ", ".join(str(one.id) for one in tensors)
        raise ValueError(f"{source}: expected a model with one image as {side}, got {len(tensors)} ({names}).")
    (tensor,) = found
    if other := [str(axis.id) for axis in tensor.axes if axis.type not in ("batch", "channel", "space")]:
        raise ValueError(f"{source}: the {side} has the axis {other[0]}; only images in two dimensions can be used.")
    if "z" in {str(axis.id) for axis in tensor.axes}:
        raise ValueError(f"{source}: the {side} has three dimensions; only models for two can be used.")
    return tensor


def channel_names(tensor: Any) -> tuple[str, ...]:
    """Return the names of the channels of an input or output; one without a name where it has no such axis."""
    found = next((axis for axis in tensor.axes if axis.type == "channel"), None)
    return ("",) if found is None else tuple(str(name) for name in found.channel_names)


def _source(path: Path) -> Path:
    found = next((path / name for name in _DESCRIPTIONS if (path / name).is_file()), path)
    if found.is_file():
        return found
    what = f"there is no {_DESCRIPTIONS[0]} in it" if path.is_dir() else "there is no such file"
    raise FileNotFoundError(
        f"{path}: expected a model of BioImage.IO: a ZIP file, {_DESCRIPTIONS[0]} or folder; {what}."
    )


def _named_files(source: Path) -> set[Path]:
    import yaml

    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{source}: expected a description of BioImage.IO (YAML), got something else.") from error
    paths = (source.parent / text for text in _texts(content) if 0 < len(text) < 256 and "\n" not in text)
    return {path for path in paths if path.is_file()}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _described_meanings(model: Any, source: Path) -> tuple[str, ...]:
    output = one_image(model.outputs, "output", source)
    names = tuple(name.lower() for name in channel_names(output))
    if set(names) <= set(MEANINGS):
        return names
    if any(getattr(step, "id", "") in _LABELLING for step in output.postprocessing):
        return ("labels",)
    shown = ", ".join(name or "without a name" for name in names)
    example = "-".join(("foreground", "boundary", *names)[: len(names)]) if len(names) < 3 else "background-…"
    raise ValueError(
        f"{source}: its description doesn't say what its output means (channels: {shown}); say it by one word a "
        f"channel before the path, such as bioimageio:{example}:{source}; words: {', '.join(MEANINGS)}."
    )


def _check_meanings(meanings: tuple[str, ...], model: Any, source: Path) -> None:
    one_image(model.inputs, "input", source)
    names = channel_names(one_image(model.outputs, "output", source))
    if len(meanings) != len(names):
        raise ValueError(
            f"{source}: its output has {len(names)} channels ({', '.join(names)}), but {len(meanings)} words say what "
            f"they mean: {'-'.join(meanings)}."
        )


def _representation(meanings: tuple[str, ...]) -> str:
    kinds = [word for word in meanings if word not in ("background", "other")]
    known = {("labels",): "labels", ("foreground",): "binary", ("boundary", "foreground"): "three_class"}
    if (found := known.get(tuple(sorted(kinds)))) is None:
        raise ValueError(
            f"an output must have one channel of labels, or one of foreground and at most one of boundary, got "
            f"{'-'.join(meanings)}."
        )
    return found


def _weights_format(model: Any, source: Path, *, trust: bool) -> str:
    there = [name for name in (*_CLOSED, "pytorch_state_dict") if getattr(model.weights, name, None) is not None]
    if not there:
        raise ValueError(f"{source}: expected weights as {', '.join(_CLOSED)} or pytorch_state_dict; there are none.")
    steps = [step for one in model.inputs for step in one.preprocessing]
    steps += [step for one in model.outputs for step in one.postprocessing]
    if not trust and (there[0] not in _CLOSED or any(getattr(step, "id", "") == "custom" for step in steps)):
        raise ValueError(
            f"{source}: it runs Python code that comes with it or that it names. If you know where it is from, "
            "predict with `inference.trust=true`; its code then runs with all that you may do."
        )
    return there[0]
