"""Networks by name: what there is, what each one takes, and how one is made. The only door to SMP's architectures."""

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cell_pipelines.models.ultralytics_home import WeightsError

if TYPE_CHECKING:
    import torch

__all__ = ["ARCHITECTURES", "Architecture", "NetworkSpec", "WeightsError", "create_network", "encoder_statistics"]

#: Widths of the decoders of U-Net's family, from the coarsest stage to the finest.
DECODER_CHANNELS = (256, 128, 64, 32, 16)
_SET_HERE = {"self", "kwargs", "encoder_name", "encoder_weights", "in_channels", "classes", "activation", "aux_params"}


@dataclass(frozen=True)
class Architecture:
    """One kind of network.

    Attributes:
        about: What it is, and whose.
        smp: Its class in segmentation_models_pytorch, or the one that it extends; empty for one of our own.
        gates: Whether attention gates are put on its skip connections.
        stages: Least number of rows and columns that its coarsest features must have.
    """

    about: str
    smp: str = ""
    gates: bool = False
    stages: int = 1


ARCHITECTURES: Mapping[str, Architecture] = {
    "resunet": Architecture("c-ResUNet: residual blocks behind a learned grey scale (Morelli, Clissa et al. 2021)"),
    "unet": Architecture("U-Net (Ronneberger et al. 2015)", "Unet"),
    "unetplusplus": Architecture("U-Net++: nested skip connections (Zhou et al. 2018)", "UnetPlusPlus"),
    "manet": Architecture("MA-Net: attention over positions and scales (Fan et al. 2020)", "MAnet"),
    "linknet": Architecture("LinkNet: skip connections are added (Chaurasia and Culurciello 2017)", "Linknet"),
    "fpn": Architecture("Feature pyramid network (Kirillov et al. 2017)", "FPN"),
    "pan": Architecture("Pyramid attention network (Li et al. 2018)", "PAN", stages=8),
    "deeplabv3": Architecture("DeepLabV3: dilated convolutions (Chen et al. 2017)", "DeepLabV3"),
    "deeplabv3plus": Architecture("DeepLabV3+: DeepLabV3 with a decoder (Chen et al. 2018)", "DeepLabV3Plus"),
    "pspnet": Architecture("Pyramid scene parsing network (Zhao et al. 2016)", "PSPNet"),
    "upernet": Architecture("UPerNet: pyramid pooling and feature pyramid (Xiao et al. 2018)", "UPerNet"),
    "segformer": Architecture("SegFormer's decoder (Xie et al. 2021)", "Segformer"),
    "dpt": Architecture("Dense prediction transformer; needs a vision transformer (Ranftl et al. 2021)", "DPT"),
    "attention_unet": Architecture("U-Net with attention gates (Oktay et al. 2018)", "Unet", gates=True),
    "attention_linknet": Architecture("LinkNet with attention gates", "Linknet", gates=True),
}


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is, in plain values; a model file keeps it.

    Attributes:
        architecture: A name of `ARCHITECTURES`.
        encoder: The part that finds features, by its name in segmentation_models_pytorch, such as ``resnet34``, or as
            ``tu-`` and a name of timm; None for an architecture without one.
        in_channels: Channels of an image.
        out_channels: Channels of the logits: categories times channels of their representation.
        options: Further arguments of the architecture, such as ``encoder_depth`` or ``decoder_channels``.
    """

    architecture: str
    encoder: str | None = None
    in_channels: int = 3
    out_channels: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"`architecture` must be one of {', '.join(ARCHITECTURES)}, got {self.architecture!r}.")
        if min(self.in_channels, self.out_channels) < 1:
            raise ValueError(
                f"`in_channels` and `out_channels` must be 1 or more, got {self.in_channels} and {self.out_channels}."
            )
        has_encoder = bool(ARCHITECTURES[self.architecture].smp)
        if has_encoder and not self.encoder:
            raise ValueError(f"`encoder` must be named for {self.architecture}, such as 'resnet34'; got none.")
        if self.encoder and not has_encoder:
            raise ValueError(f"`encoder` must be null for {self.architecture}, which has none; got {self.encoder!r}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {**asdict(self), "options": dict(self.options)}

    @classmethod
    def from_dict(cls, fields: object) -> "NetworkSpec":
        """Return the specification with these fields, as `to_dict` gives them.

        Raises:
            ValueError: They are not those of a network.
        """
        if not isinstance(fields, Mapping) or not {"architecture"} <= set(fields) <= set(cls.__dataclass_fields__):
            raise ValueError(f"`network` must hold {', '.join(cls.__dataclass_fields__)}; got {fields!r}.")
        return cls(**fields)


def create_network(spec: NetworkSpec, *, encoder_weights: str | None = None) -> "torch.nn.Module":
    """Make a network; weights that nothing is loaded for are drawn from PyTorch's generator.

    Args:
        spec: What it is.
        encoder_weights: The name of published weights of the encoder, such as ``imagenet``; or the path of a file with
            them, which may also be a model file of this project with the same encoder; None for an untrained one.

    Returns:
        A module that takes images (B, in_channels, H, W), float, of any height and width, and gives logits
        (B, out_channels, H, W). `stride` says what sizes need no padding inside, and `spec` what it is.

    Raises:
        ValueError: An option or the encoder is unknown, or doesn't fit the architecture.
        WeightsError: The weights can't be had, or don't fit the encoder.
    """
    from cell_pipelines.models.any_size import AnySize

    if not ARCHITECTURES[spec.architecture].smp:
        if encoder_weights is not None:
            raise WeightsError(f"{spec.architecture} has no encoder that {encoder_weights!r} could be for: set null.")
        return _create_resunet(spec)
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


def _create_resunet(spec: NetworkSpec) -> "torch.nn.Module":
    from cell_pipelines.models.any_size import AnySize
    from cell_pipelines.models.c_resunet import CResUNet

    _check_options(spec, CResUNet, {"self", "in_channels", "out_channels"})
    network = CResUNet(spec.in_channels, spec.out_channels, **spec.options)
    return AnySize(network, spec, stride=network.stride, minimum=network.stride)


def _create_smp(spec: NetworkSpec) -> Any:
    import segmentation_models_pytorch as smp

    from cell_pipelines.models.attention import add_gates
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
    return add_gates(network) if architecture.gates else network


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
