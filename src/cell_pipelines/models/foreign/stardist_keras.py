"""Read a model folder of StarDist, as its Keras version writes it, into the same network in PyTorch."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from cell_pipelines.models.checkpoint import write_checkpoint
from cell_pipelines.models.foreign.extras import import_extra
from cell_pipelines.models.registry import create_network
from cell_pipelines.models.spec import NetworkSpec

_Arrays = list[npt.NDArray[Any]]
#: Weights in the order in which StarDist prefers them.
_WEIGHTS = ("weights_best.h5", "weights_last.h5", "weights_now.h5")
#: What StarDist takes where a folder holds no thresholds.
_DEFAULT_THRESHOLDS = {"prob": 0.5, "nms": 0.4}
#: Steps of the grid at the image's edge where StarDist's prediction takes no candidates.
_EDGE = 2
#: What the network must be, by the names in ``config.json``; the first value is what a file that says nothing means.
_KNOWN: Mapping[str, tuple[Any, ...]] = {
    "n_dim": (2,), "backbone": ("unet",), "n_classes": (None,), "unet_pool": ([2, 2],), "unet_activation": ("relu",),
    "unet_last_activation": ("relu",), "unet_batch_norm": (False,), "unet_expansion": (2,),
}  # fmt: skip


def read(name: str, category: str) -> bytes:
    """Return the bytes of a model file with the network, weights and thresholds of a StarDist folder.

    Args:
        name: Path of a folder with ``config.json``, weights as ``.h5`` and, where its authors optimised them,
            ``thresholds.json``.
        category: Name of the class of its cells.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged, or the network is of a kind that is not known here.
    """
    folder = Path(name).expanduser()
    config = _read_json(folder / "config.json")
    spec = _to_spec(config, folder / "config.json")
    chosen = _read_json(folder / "thresholds.json") if (folder / "thresholds.json").is_file() else _DEFAULT_THRESHOLDS
    network = _create(spec, folder / "config.json")
    weights = _find_weights(folder)
    _load(network, _read_layers(weights, config.get("unet_prefix", "")), weights)
    threshold, nms = (_share(chosen, name, folder / "thresholds.json") for name in ("prob", "nms"))
    stride = int(network.stride)  # type: ignore[arg-type]
    options = {
        "n_rays": int(config["n_rays"]), "grid": int(config["grid"][0]), "nms": nms,
        "min_score": min(0.05, max(threshold, 1e-3)), "edge_px": _EDGE * config["grid"][0], "multiple": stride,
        "stride": spec.out_stride,
    }  # fmt: skip
    description = {
        "categories": [category],
        "representation": {"name": "star", "options": options},
        "decoding": {category: {"score": threshold}},
        "colour": {1: "grey", 3: "rgb"}.get(spec.in_channels, "channels"),
        "normalisation": "percentile_1_to_99_8",
        "source": {"tool": "stardist", "name": folder.name, "weights": weights.name},
    }
    return write_checkpoint(network, description)


def files(name: str) -> tuple[Path, ...]:
    """Return the files that `read` reads.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no weights.
    """
    folder = Path(name).expanduser()
    found = (folder / "config.json", _find_weights(folder), folder / "thresholds.json")
    return tuple(path for path in found if path.is_file())


def _find_weights(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder}: expected a model folder of StarDist with config.json, weights (such as {_WEIGHTS[0]}) and "
            f"thresholds.json; there is no config.json."
        )
    found = [folder / name for name in _WEIGHTS if (folder / name).is_file()] or sorted(folder.glob("*.h5"))
    if not found:
        raise FileNotFoundError(f"{folder}: expected weights of StarDist, such as {_WEIGHTS[0]}; there is no .h5 file.")
    return found[0]


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file of a StarDist model; there is none.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: expected JSON of a StarDist model, got none: {error}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected settings by name, got {type(content).__name__}.")
    return content


def _share(values: Mapping[str, Any], name: str, path: Path) -> float:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{path}: expected `{name}` in [0, 1], got {value!r}.")
    return float(value)


def _to_spec(config: Mapping[str, Any], path: Path) -> NetworkSpec:
    """Return the network that a configuration describes."""
    for name, known in _KNOWN.items():
        if (value := config.get(name, known[0])) not in known:
            raise ValueError(f"{path}: only StarDist networks with `{name}` {known[0]!r} can be read; got {value!r}.")
    grid, kernel = config.get("grid", [1, 1]), config.get("unet_kernel_size", [3, 3])
    for name, pair in (("grid", grid), ("unet_kernel_size", kernel)):
        if not (isinstance(pair, list) and len(pair) == 2 and pair[0] == pair[1] and isinstance(pair[0], int)):
            raise ValueError(f"{path}: only StarDist networks with a square `{name}` can be read; it has {pair!r}.")
    if grid[0] < 1 or grid[0] & (grid[0] - 1):
        raise ValueError(f"{path}: only StarDist networks with a `grid` of powers of two can be read; it has {grid!r}.")
    try:
        options = {
            "grid": grid[0], "depth": int(config["unet_n_depth"]), "width": int(config["unet_n_filter_base"]),
            "convolutions": int(config["unet_n_conv_per_depth"]), "kernel_size": kernel[0],
            "features": int(config["net_conv_after_unet"]),
        }  # fmt: skip
        channels, rays = int(config["n_channel_in"]), int(config["n_rays"])
        return NetworkSpec("stardist_unet", None, channels, 1 + rays, grid[0], options=options)
    except KeyError as error:
        raise ValueError(f"{path}: expected the setting {error} of a StarDist network; it is not there.") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: expected the settings of a StarDist network: {error}") from error


def _create(spec: NetworkSpec, path: Path) -> torch.nn.Module:
    try:
        return create_network(spec)
    except ValueError as error:
        raise ValueError(f"{path}: its network can't be built here: {error}") from error


def _read_layers(path: Path, prefix: str) -> dict[str, _Arrays]:
    """Return kernel and bias of each layer that has weights, in the order of the file, by name without the prefix."""
    h5py = import_extra("h5py", "stardist-keras", "the weights of StarDist")
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            if "layer_names" not in root.attrs:
                raise ValueError(
                    f"{path}: expected weights as StarDist saves them (Keras' HDF5 with `layer_names`); it is another "
                    "HDF5 file, such as one of Keras 3 that ends in .weights.h5."
                )
            groups = {_text(name): root[_text(name)] for name in root.attrs["layer_names"]}
            found = {name: [np.asarray(group[_text(w)]) for w in group.attrs["weight_names"]]
                     for name, group in groups.items()}  # fmt: skip
    except (OSError, KeyError) as error:
        raise ValueError(f"{path}: expected the weights of a StarDist network, got a damaged file: {error}.") from error
    return {name.removeprefix(prefix): arrays for name, arrays in found.items() if arrays}


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _load(network: torch.nn.Module, layers: dict[str, _Arrays], path: Path) -> None:
    """Put the weights of Keras' layers into the network."""
    stages = network.network.stages  # type: ignore[union-attr]
    # Layers before the grid have no names of StarDist's own, only Keras' counted ones.
    unnamed = [name for name in layers if name.startswith("conv2d")]
    wanted = list(_layer_names(stages, iter(unnamed)))
    head = {"prob", "dist"}
    expected = {name for name, _ in wanted} | head
    if expected != set(layers):
        missing, other = sorted(expected - set(layers)), sorted(set(layers) - expected)
        raise ValueError(
            f"{path}: the layers don't fit the network of config.json: "
            f"missing {', '.join(missing) or 'none'}; unknown {', '.join(other) or 'none'}."
        )
    for name, layer in wanted:
        _fill(layer, *_to_torch(layers[name], name, path), name=name, path=path)
    parts = [_to_torch(layers[name], name, path) for name in ("prob", "dist")]
    kernel, bias = (torch.cat([part[place] for part in parts]) for place in (0, 1))
    _fill(network.network.head, kernel, bias, name="prob and dist", path=path)  # type: ignore[union-attr,arg-type]


def _layer_names(stages: Any, unnamed: Iterator[str]) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield each convolution of the network with the name of its layer in StarDist."""
    for stage, layers in stages.items():
        kind, _, level = stage.partition("_")
        convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
        for number, layer in enumerate(convolutions):
            # The last one of a stage after the deepest has the number after the next.
            last = number + (number == len(convolutions) - 1)
            names = {"down": f"down_level_{level}_no_{number}", "middle": f"middle_{last}",
                     "up": f"up_level_{level}_no_{last}", "features": "features"}  # fmt: skip
            yield names[kind] if kind in names else next(unnamed, f"conv2d for {stage}"), layer


def _to_torch(arrays: _Arrays, name: str, path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    if len(arrays) != 2 or arrays[0].ndim != 4 or arrays[1].ndim != 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"{path}: expected kernel and bias of the convolution {name}, got arrays of shape {shapes}.")
    kernel = np.ascontiguousarray(arrays[0].transpose(3, 2, 0, 1), dtype=np.float32)
    return torch.from_numpy(kernel), torch.from_numpy(np.array(arrays[1], dtype=np.float32))


def _fill(layer: torch.nn.Module, kernel: torch.Tensor, bias: torch.Tensor, *, name: str, path: Path) -> None:
    weight: torch.Tensor = layer.weight  # type: ignore[assignment]
    if weight.shape != kernel.shape or layer.bias.shape != bias.shape:
        raise ValueError(
            f"{path}: the layer {name} doesn't fit the network of config.json: "
            f"expected weights {tuple(weight.shape)}, got {tuple(kernel.shape)}."
        )
    layer.load_state_dict({"weight": kernel, "bias": bias})
