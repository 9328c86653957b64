"""Which models the study at hand compares, and whose cells it counts; pipelines over several are made of these.

Kedro registers pipelines without knowing the environment, so the hook that does know it says so here first.
"""

DETECTORS = ("yolo", "yolo_seg")
SEGMENTERS = (
    "resunet", "unet", "unetpp", "manet", "linknet", "fpn", "pan", "deeplabv3", "deeplabv3plus", "pspnet", "upernet",
    "segformer", "dpt", "attention_unet", "attention_linknet", "stardist",
)  # fmt: skip
MODELS = (*DETECTORS, *SEGMENTERS)

#: Cells that are not a model's predictions of the study's own images.
OTHER_CELLS = ("truth", "new")

_DEFAULT = ("yolo", "resunet", "unetpp")
_chosen: list[str] = list(_DEFAULT)
_cells: list[str] = ["truth"]


def choose_models(names: str | list[str] | None) -> None:
    """Choose the models that composite pipelines run over; None chooses those of the demo.

    Args:
        names: Models by name; as text with ``+`` between them.

    Raises:
        ValueError: A name is unknown or comes twice, or there is none.
    """
    chosen = list(_DEFAULT) if names is None else names.split("+") if isinstance(names, str) else list(names)
    unknown = [name for name in chosen if name not in MODELS]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"`models` must be different ones among {', '.join(MODELS)}, got {chosen}.")
    _chosen[:] = chosen


def chosen_models() -> tuple[str, ...]:
    """Return the models that composite pipelines run over, in the order in which they are compared."""
    return tuple(_chosen)


def choose_cells(names: str | list[str] | None) -> None:
    """Choose whose cells the statements about samples are made of; None chooses those of the truth.

    Args:
        names: ``truth``, ``new`` for the predictions of new images, or models by name; as text with ``+`` between them.

    Raises:
        ValueError: A name is unknown or comes twice, or there is none.
    """
    chosen = ["truth"] if names is None else names.split("+") if isinstance(names, str) else list(names)
    unknown = [name for name in chosen if name not in (*OTHER_CELLS, *MODELS)]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        known = ", ".join((*OTHER_CELLS, *MODELS))
        raise ValueError(f"`cells` must be different ones among {known}, got {chosen}.")
    _cells[:] = chosen


def chosen_cells() -> tuple[str, ...]:
    """Return whose cells the statements about samples are made of, in the order in which they are compared."""
    return tuple(_cells)
