"""Create a network by its name. The only module that imports the architectures of segmentation_models_pytorch."""

import inspect
import warnings
from typing import TYPE_CHECKING, Any

from cell_pipelines.models.spec import ARCHITECTURES, ENSEMBLE, NetworkSpec
from cell_pipelines.models.ultralytics_home import WeightsError

if TYPE_CHECKING:
    import torch

#: Widths of the decoders of U-Net's family, from the coarsest stage to the finest; stages finer than the logits are not
#: built.
DECODER_CHANNELS = (256, 128, 64, 32, 16)
_SET_HERE = {"self", "kwargs", "encoder_name", "encoder_weights", "in_channels", "classes", "activation", "aux_params"}


def create_network(spec: NetworkSpec, *, encoder_weights: str | None = None) -> "torch.nn.Module":
    """Make a network; weights that nothing is loaded for are drawn from PyTorch's generator.

    Args:
        spec: What it is.
        encoder_weights: The name of published weights of the encoder, such as ``imagenet``; or the path of a file with
            them, which may also be a model file of this project with the same encoder; None for an untrained one.

    Returns:
        A module that takes images (B, in_channels, H, W), float, of any height and width, and gives logits
        (B, out_channels, H, W), or one for each row and column that `spec.out_stride` leaves. `stride` says what sizes
        need no padding inside, and `spec` what it is.

    Raises:
        ValueError: An option or the encoder is unknown, or doesn't fit the architecture.
        WeightsError: The weights can't be had, or don't fit the encoder.
    """
    from cell_pipelines.models.any_size import AnySize

    if spec.architecture == ENSEMBLE:
        return _create_ensemble(spec)
    if not ARCHITECTURES[spec.architecture].smp:
        if encoder_weights is not None:
            raise WeightsError(f"{spec.architecture} has no encoder that {encoder_weights!r} could be for: set null.")
        return _create_own(spec)
    from cell_pipelines.models.encoders import load_encoder_weights, warn_of_licence

    warn_of_licence(str(spec.encoder))
    network = _create_smp(spec)
    if encoder_weights is not None:
        load_encoder_weights(network.encoder, str(spec.encoder), encoder_weights)
    # DPT's decoder resamples the patches of a transformer to a pyramid of its own, which ends at 32.
    stride = max(int(network.encoder.output_stride), 32 if spec.architecture == "dpt" else 1)
    if stride % int(network.encoder.output_stride):
        raise ValueError(f"`encoder` of dpt must have patches of 8, 16 or 32 pixels; {spec.encoder} has others.")
    whole = AnySize(network, spec, stride=stride, minimum=stride * ARCHITECTURES[spec.architecture].stages)
    statistics = encoder_statistics(str(spec.encoder), encoder_weights)
    if statistics is not None:
        whole.normalise_by(*statistics)
    return whole


def encoder_statistics(encoder: str, weights: str | None) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return mean and standard deviation, for red, green and blue in [0, 1], of the images `weights` were trained on.

    None for an untrained encoder.
    """
    from cell_pipelines.models.encoders import find_statistics

    return None if weights is None else find_statistics(encoder, weights)


def _create_ensemble(spec: NetworkSpec) -> "torch.nn.Module":
    from cell_pipelines.models.ensemble import Ensemble

    return Ensemble([create_network(NetworkSpec.from_dict(member)) for member in spec.options["members"]], spec)


def _create_own(spec: NetworkSpec) -> "torch.nn.Module":
    from cell_pipelines.models.any_size import AnySize
    from cell_pipelines.models.c_resunet import CResUNet
    from cell_pipelines.models.stardist_unet import StarDistUNet

    kind: Any = StarDistUNet if spec.architecture == "stardist_unet" else CResUNet
    _check_options(spec, kind, {"self", "in_channels", "out_channels", "out_stride"})
    network = kind(spec.in_channels, spec.out_channels, out_stride=spec.out_stride, **spec.options)
    return AnySize(network, spec, stride=network.stride, minimum=network.stride)


def _create_smp(spec: NetworkSpec) -> Any:
    import segmentation_models_pytorch as smp

    from cell_pipelines.models.attention import add_gates
    from cell_pipelines.models.coarse_output import coarsen
    from cell_pipelines.models.encoders import check_encoder

    architecture = ARCHITECTURES[spec.architecture]
    kind = getattr(smp, architecture.smp)
    _check_options(spec, kind, _SET_HERE)
    check_encoder(str(spec.encoder), transformer=spec.architecture == "dpt")
    arguments = {"encoder_weights": None, "in_channels": spec.in_channels, "classes": spec.out_channels}
    try:
        with warnings.catch_warnings():
            # That the prefix `timm-` gives way to `tu-`; both work here.
            warnings.simplefilter("ignore")
            network = kind(spec.encoder, **arguments, **_complete_options(spec, kind))
    except (ValueError, KeyError, TypeError, RuntimeError, AssertionError, IndexError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{spec.architecture} can't be built with the encoder {spec.encoder!r} and the options "
            f"{dict(spec.options)} ({reason}); {_known_to_work(spec)}."
        ) from error
    network = add_gates(network) if architecture.gates else network
    try:
        coarsen(network, spec.out_stride)
    except ValueError as error:
        raise ValueError(f"{spec.name} can't give logits at stride {spec.out_stride}: {error}.") from error
    return network


def _known_to_work(spec: NetworkSpec) -> str:
    if spec.architecture == "dpt":
        return "it takes vision transformers of timm, such as 'tu-vit_tiny_patch16_224'"
    return "every architecture but dpt takes 'resnet34' and 'efficientnet-b0', for example"


def _check_options(spec: NetworkSpec, kind: Any, set_here: set[str]) -> None:
    known = [name for name in inspect.signature(kind.__init__).parameters if name not in set_here]
    unknown = [name for name in spec.options if name not in known]
    if unknown:
        raise ValueError(f"`options` of {spec.architecture} may hold {', '.join(known)}; got {', '.join(unknown)}.")


def _complete_options(spec: NetworkSpec, kind: Any) -> dict[str, Any]:
    from cell_pipelines.models.encoders import is_of_one_size

    options = dict(spec.options)
    depth = options.get("encoder_depth")
    default = inspect.signature(kind.__init__).parameters.get("decoder_channels")
    if depth and default is not None and default.default == DECODER_CHANNELS:
        # A shallower encoder leaves out the coarsest stages of the decoder.
        options.setdefault("decoder_channels", DECODER_CHANNELS[-depth:])
    if spec.architecture == "dpt":
        options["dynamic_img_size"] = True
    elif is_of_one_size(str(spec.encoder)):
        options["strict_img_size"] = False
    return options
