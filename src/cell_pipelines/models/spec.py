"""List the networks, each described in plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


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
    "stardist_unet": Architecture("StarDist's own U-Net, for which weights are published (Schmidt et al. 2018)"),
}

#: What the network of a file made of several trained ones is called; it is none that could be trained.
ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class NetworkChoice:
    """An architecture with its encoder, before the channels of images and outputs are known.

    Attributes:
        architecture: A name of `ARCHITECTURES`.
        encoder: The part that finds features, by its name in segmentation_models_pytorch, such as ``resnet34``, or as
            ``tu-`` and a name of timm; None for an architecture without one.
        options: Further arguments of the architecture, such as ``encoder_depth`` or ``decoder_channels``.
    """

    architecture: str
    encoder: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    @property
    def name(self) -> str:
        """Name in tables."""
        return f"{self.architecture} {self.encoder}" if self.encoder else self.architecture

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"`architecture` must be one of {', '.join(ARCHITECTURES)}, got {self.architecture!r}.")
        has_encoder = bool(ARCHITECTURES[self.architecture].smp)
        if has_encoder and not self.encoder:
            raise ValueError(f"`encoder` must be named for {self.architecture}, such as 'resnet34'; got none.")
        if self.encoder and not has_encoder:
            raise ValueError(f"`encoder` must be null for {self.architecture}, which has none; got {self.encoder!r}.")


@dataclass(frozen=True)
class NetworkSpec(NetworkChoice):
    """Description of a network in plain values; a model file keeps it.

    Attributes:
        in_channels: Channels of an image.
        out_channels: Channels of the logits: categories times channels of their representation.
        out_stride: Every so many-th row and column of the image has logits, a power of two; that of the
            representation.
    """

    in_channels: int = 3
    out_channels: int = 1
    out_stride: int = 1

    def __post_init__(self) -> None:
        if self.architecture != ENSEMBLE:
            super().__post_init__()
        if min(self.in_channels, self.out_channels) < 1:
            raise ValueError(
                f"`in_channels` and `out_channels` must be 1 or more, got {self.in_channels} and {self.out_channels}."
            )
        if self.out_stride < 1 or self.out_stride & (self.out_stride - 1):
            raise ValueError(f"`out_stride` must be a power of two, got {self.out_stride}.")

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
