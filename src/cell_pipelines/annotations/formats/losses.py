"""List what each format would lose of a set, before it is written."""

import numpy as np
import pandas as pd

from cell_pipelines.annotations.columns import Rings
from cell_pipelines.annotations.formats.capabilities import Capabilities, substitute
from cell_pipelines.annotations.formats.registry import FORMATS, AnnotationFormat, create_format
from cell_pipelines.annotations.geometry.label_images import objects_to_labels
from cell_pipelines.annotations.schema import GEOMETRIES, AnnotationSet
from cell_pipelines.annotations.selection import iterate_images, select_objects


def loss_table(annotations: AnnotationSet) -> pd.DataFrame:
    """Return what every format would lose of `annotations`: columns format, kept, lost."""
    rows, overlap = [], share_pixels(annotations)
    for name in FORMATS:
        kept, lost = expected_losses(annotations, create_format(name).CAPABILITIES, overlap=overlap)
        rows.append({"format": name, "kept": "; ".join(kept), "lost": "; ".join(lost) or "nothing"})
    return pd.DataFrame(rows, columns=["format", "kept", "lost"])


def share_pixels(annotations: AnnotationSet) -> bool:
    """Say whether two objects of an image have pixels in common, as label images can't hold them.

    Images are drawn one after the other, until one has such objects; points have no pixels.
    """
    codes = annotations.objects["geometry"].to_numpy()
    drawn = np.isin(codes, [GEOMETRIES.index(name) for name in ("polygon", "mask", "box")])
    areas = select_objects(annotations, drawn)
    return any(bool(objects_to_labels(image)[1].any()) for image in iterate_images(areas) if image.n_objects > 1)


def expected_losses(
    annotations: AnnotationSet, capabilities: Capabilities, *, overlap: bool
) -> tuple[list[str], list[str]]:
    """Return what a format of these capabilities keeps of a set and what it loses, in a few words each.

    Args:
        annotations: The set.
        capabilities: What the format holds.
        overlap: Whether objects share pixels; see `share_pixels`.
    """
    kept: list[str] = []
    lost: list[str] = []
    codes = np.bincount(annotations.objects["geometry"].to_numpy(), minlength=len(GEOMETRIES))
    capabilities = capabilities.for_geometries([GEOMETRIES[code] for code in np.flatnonzero(codes)])
    for name, count in zip(GEOMETRIES, codes.tolist(), strict=True):
        target = substitute(name, capabilities)
        if count and target == name:
            kept.append(f"{count} {_plural(name)}")
        elif count:
            lost.append(f"{count} {_plural(name)} " + (f"become {_plural(target)}" if target else "are left out"))
    named = capabilities.attributes if isinstance(capabilities.attributes, tuple) else ()
    several = np.diff(Rings.from_arrow(annotations.objects["rings"]).object_starts) > 1
    if several.any() and "polygon" in capabilities.geometries and not (capabilities.holes and capabilities.pieces):
        lost.append(f"rings of {int(several.sum())} polygons are joined to one")
    used = len(np.unique(annotations.category))
    marks: dict[str, tuple[bool, bool]] = {
        "scores": (capabilities.scores, not np.isnan(annotations.scores).all() and annotations.n_objects > 0),
        "ignored regions": (capabilities.ignored_regions, bool(annotations.crowd.any())),
        "attributes": (
            capabilities.attributes is True,
            annotations.objects["attributes"].null_count < annotations.n_objects,
        ),
        "splits": (capabilities.splits, annotations.images["split"].null_count < annotations.n_images),
        "class names": (capabilities.classes != "one", used > 1),
        "images without objects": (
            capabilities.empty_images,
            len(np.unique(annotations.image_index)) < annotations.n_images,
        ),
    }
    for what, (held, given) in marks.items():
        if given:
            others = f"attributes other than {', '.join(named)}" if what == "attributes" and named else what
            (kept if held else lost).append(what if held else others)
    if not capabilities.overlaps and overlap:
        lost.append("pixels shared by several objects go to the first")
    if not capabilities.touching and annotations.n_objects:
        lost.append("objects that touch become one")
    return kept, lost


def _plural(name: str) -> str:
    return "boxes" if name == "box" else f"{name}s"


def capability_rows() -> list[dict[str, str]]:
    """Return one row per format for the documentation: what it is and what it holds."""
    return [_capability_row(name, create_format(name)) for name in FORMATS]


def _capability_row(name: str, described: AnnotationFormat) -> dict[str, str]:
    held = described.CAPABILITIES
    polygons = "polygon" in held.geometries
    features = {
        "holes": held.holes and polygons, "pieces": held.pieces and polygons, "scores": held.scores,
        "ignored regions": held.ignored_regions,
        "overlaps": held.overlaps, "empty images": held.empty_images, "splits": held.splits,
    }  # fmt: skip
    return {
        "format": name,
        "what": described.SUMMARY,
        "geometries": ", ".join(held.geometries),
        "holds": ", ".join(word for word, given in features.items() if given),
        "attributes": "all" if held.attributes is True else ", ".join(held.attributes or ()) or "none",
        "classes": held.classes,
    }
