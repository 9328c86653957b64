"""Write names of models as in their papers, on pages and in figures; files and columns keep the registered names."""

import re
from typing import Final

#: Titles of registered models and of the architectures that they are made of.
TITLES: Final = {
    "yolo": "YOLO",
    "yolo_seg": "YOLO-seg",
    "rtdetr": "RT-DETR",
    "rtdetr-l": "RT-DETR-l",
    "rtdetr-x": "RT-DETR-x",
    "resunet": "c-ResUNet",
    "unet": "U-Net",
    "unetpp": "U-Net++",
    "unetplusplus": "U-Net++",
    "manet": "MA-Net",
    "linknet": "LinkNet",
    "fpn": "FPN",
    "pan": "PAN",
    "deeplabv3": "DeepLabV3",
    "deeplabv3plus": "DeepLabV3+",
    "pspnet": "PSPNet",
    "upernet": "UPerNet",
    "segformer": "SegFormer",
    "dpt": "DPT",
    "attention_unet": "Attention U-Net",
    "attention_linknet": "Attention LinkNet",
    "stardist": "StarDist",
    "stardist_unet": "StarDist U-Net",
}
_LONGEST_FIRST: Final = sorted(TITLES, key=len, reverse=True)
_YOLO: Final = re.compile(r"yolo(v?\d+)([nsmlx])(-seg)?")


def model_title(name: str) -> str:
    """Return how a model or a trial is called where people read of it; a name that is not known stays as it is.

    >>> [model_title(name) for name in ("unetpp", "yolov8n", "yolo_yolov8n", "unetpp_resnet34", "mine")]
    ['U-Net++', 'YOLOv8n', 'YOLOv8n', 'U-Net++ resnet34', 'mine']
    """
    if version := _YOLO.fullmatch(name):
        return "YOLO" + "".join(part or "" for part in version.groups())
    if name in TITLES:
        return TITLES[name]
    for known in _LONGEST_FIRST:
        rest = name.removeprefix(f"{known}_")
        if rest != name:
            title = model_title(rest)
            return title if title.startswith("YOLO") else f"{TITLES[known]} {title}"
    return name
