"""Encoders by name: which there are, and their published weights, or those of a file, put into a network."""

import difflib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cell_pipelines.models.tensor_file import load_tensors
from cell_pipelines.models.ultralytics_home import WeightsError

_logger = logging.getLogger(__name__)

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
#: Image statistics of the encoders whose authors did not take those of ImageNet.
OTHER_STATISTICS: Mapping[str, Statistics] = {
    "inception": ((0.5,) * 3, (0.5,) * 3),
    "xception": ((0.5,) * 3, (0.5,) * 3),
    "timm-tf_efficientnet_lite": ((0.5,) * 3, (0.5,) * 3),
    "dpn": ((124 / 255, 117 / 255, 104 / 255), (1 / (0.0167 * 255),) * 3),
}
LICENCES = {
    "mit_b": "NVIDIA's licence for its source code, for non-commercial use only",
    "mobileone": "Apple's own licence",
}
WEIGHT_FILES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")


def check_encoder(encoder: str, *, transformer: bool = False) -> None:
    """Refuse an encoder that there is not; `transformer` asks for one of timm, as DPT does.

    Raises:
        ValueError: There is no such encoder; the sentence names the nearest.
    """
    import timm
    from segmentation_models_pytorch.encoders import encoders

    if transformer and not encoder.startswith("tu-"):
        raise ValueError(f"`encoder` of dpt must be one of timm's, such as 'tu-vit_tiny_patch16_224'; got {encoder!r}.")
    name = _timm_name(encoder)
    if encoder in encoders or (name is not None and timm.is_model(name.split(".")[0])):
        return
    known = [*encoders, *(f"tu-{name}" for name in timm.list_models())]
    near = ", ".join(difflib.get_close_matches(encoder, known, n=4)) or "resnet34, efficientnet-b0, tu-convnext_tiny"
    raise ValueError(f"`encoder` must be one of SMP's, or 'tu-' and one of timm's, such as {near}; got {encoder!r}.")


def warn_of_licence(encoder: str) -> None:
    """Say in the log that an encoder is not free for every use."""
    for prefix, licence in LICENCES.items():
        if encoder.startswith((prefix, f"tu-{prefix}")):
            _logger.warning("The encoder %s comes under %s.", encoder, licence)


def load_encoder_weights(module: nn.Module, encoder: str, weights: str) -> None:
    """Put weights into an encoder (which is changed); its first layer is fitted to the number of image channels.

    Args:
        module: The encoder of a network.
        encoder: Its name.
        weights: The name of published weights, or the path of a file with them.

    Raises:
        WeightsError: They can't be had, or don't fit.
    """
    path = Path(weights).expanduser()
    given = _read_file(path) if _is_file_name(weights) else _fetch(encoder, weights)
    module.load_state_dict(_fit(given, module.state_dict(), f"{weights} for {encoder}"))


def find_statistics(encoder: str, weights: str) -> Statistics | None:
    """Return mean and standard deviation of the images, in [0, 1], that weights were trained on.

    None for a model file of this project, whose network has seen images as they are.
    """
    if _is_file_name(weights):
        from cell_pipelines.models.checkpoint_file import is_checkpoint

        path = Path(weights).expanduser()
        if path.is_file() and is_checkpoint(path):
            return None
    name = _timm_name(encoder)
    if name is not None:
        import timm

        settings = timm.get_pretrained_cfg(name)
        return (tuple(settings.mean), tuple(settings.std)) if settings else IMAGENET
    if weights == "advprop":
        return OTHER_STATISTICS["inception"]
    return next((value for start, value in OTHER_STATISTICS.items() if encoder.startswith(start)), IMAGENET)


def is_of_one_size(encoder: str) -> bool:
    """Say whether timm makes an encoder for images of one size, unless it is told not to."""
    import timm

    name = _timm_name(encoder)
    settings = None if name is None else timm.get_pretrained_cfg(name)
    return settings is not None and bool(settings.fixed_input_size)


def _timm_name(encoder: str) -> str | None:
    """Return what timm calls per encoder that SMP takes from it as it is; None for one of SMP's own."""
    if encoder.startswith("tu-"):
        return encoder[3:]
    found = re.match("timm-(mobilenetv3|regnet|res2|resnest|gernet)", encoder)
    if found is None:
        return None
    return ("tf_" if found[1] == "mobilenetv3" else "") + encoder[5:]


def _is_file_name(weights: str) -> bool:
    return "/" in weights or "\\" in weights or Path(weights).suffix in WEIGHT_FILES


def _ways_out(weights: str) -> str:
    return f"Give the path of a file with them instead of {weights!r}, or train from scratch: `encoder_weights` null."


def _fetch(encoder: str, weights: str) -> dict[str, Tensor]:
    """Return published weights, from the libraries' cache or downloaded."""
    name = _timm_name(encoder)
    try:
        return _fetch_smp(encoder, weights) if name is None else _fetch_timm(name)
    except WeightsError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{encoder}: the weights {weights!r} are not here and can't be downloaded ({reason}). {_ways_out(weights)}"
        ) from error


def _fetch_smp(encoder: str, weights: str) -> dict[str, Tensor]:
    import huggingface_hub
    from safetensors.torch import load_file
    from segmentation_models_pytorch.encoders import encoders

    published = encoders[encoder]["pretrained_settings"]
    if weights not in published:
        names = ", ".join(map(repr, published)) or "none"
        raise WeightsError(f"{encoder} has no weights {weights!r}; published are {names}. {_ways_out(weights)}")
    source = published[weights]
    loaded: dict[str, Tensor] = load_file(
        huggingface_hub.hf_hub_download(source["repo_id"], "model.safetensors", revision=source["revision"])
    )
    return loaded


def _fetch_timm(name: str) -> dict[str, Tensor]:
    import timm

    state: dict[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    return state


def _read_file(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file: a state dictionary, a model file of this project, or one of Lightning."""
    if not path.is_file():
        raise WeightsError(f"{path}: expected a file with weights; there is none.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: Any = load_file(path)
        else:
            content = load_tensors(path, "a state dictionary of tensors")
    except Exception as error:
        raise WeightsError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    for key in ("weights", "state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    named = content.items() if isinstance(content, dict) else ()
    tensors = {str(name): value for name, value in named if isinstance(value, Tensor)}
    if not tensors:
        raise WeightsError(f"{path}: expected a state dictionary of tensors; there are no tensors in it.")
    return tensors


def _fit(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], what: str) -> dict[str, Tensor]:
    """Return the tensors of `given` under the names of `wanted`."""
    by_name = _index(given)
    first = next((name for name, value in wanted.items() if value.ndim == 4), "")
    fitted, missing = {}, []
    for name, value in wanted.items():
        found = by_name.get(name, by_name.get(_canonical(name)))
        if found is not None and found.shape != value.shape:
            found = _with_channels(found, value.shape) if name == first else None
        if found is None and name.endswith("num_batches_tracked"):
            found = value
        missing += [name] if found is None else []
        fitted[name] = value if found is None else found
    if missing:
        raise WeightsError(
            f"{what}: {len(missing)} of {len(wanted)} tensors are missing or of another shape, such as {missing[0]}; "
            "expected the weights of the same encoder."
        )
    return fitted


def _index(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors by their name within the encoder, and by that name as `_canonical` writes it."""
    inside = {name.partition("encoder.")[2]: value for name, value in given.items() if "encoder." in name}
    chosen = inside or dict(given)
    return {**{_canonical(name): value for name, value in chosen.items()}, **chosen}


def _canonical(name: str) -> str:
    # SMP puts timm's networks under `model.`, and timm writes `stages_0` for `stages.0` when it gives features.
    return re.sub("[._]", "", name.removeprefix("model."))


def _with_channels(weight: Tensor, shape: torch.Size) -> Tensor | None:
    """Return a first layer for another number of image channels; None where more than that differs.

    One channel takes the sum over the colours; others take the colours in turn, scaled to the same sum, as SMP does.
    """
    if weight.ndim != 4 or weight.shape[0] != shape[0] or weight.shape[2:] != shape[2:]:
        return None
    if shape[1] == 1:
        return weight.sum(1, keepdim=True)
    colours = weight.shape[1]
    return weight[:, torch.arange(shape[1]) % colours] * (colours / shape[1])
