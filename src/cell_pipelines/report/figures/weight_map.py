"""A figure of the weights of pixels in training: target, map, and how the weights of neighbours add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cell_pipelines.report.figures import panels
from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_weight_map(
    labels: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
    line: npt.NDArray[np.float64],
    profiles: npt.NDArray[np.float32],
) -> Figure:
    """Plot a tile's target mask beside its weights, and a profile across two neighbours.

    Args:
        labels: (H, W), 0 for background.
        weights: (H, W).
        line: (2, 2) row and column of both ends of the profile; (0, 2) for none.
        profiles: (3, N) weights along the line: of either cell alone, and of all cells.
    """
    count = 3 if len(line) else 2
    figure, axes = panels.create_panels(count, columns=count, size=(3.1, 3.0))
    axes[0].imshow(labels > 0, cmap="gray", interpolation="nearest")
    shown = axes[1].imshow(weights, cmap="viridis", interpolation="nearest")
    figure.colorbar(shown, ax=axes[1], shrink=0.8, label="weight")
    for panel, title in zip(axes[:2], ("target mask", "weights"), strict=True):
        panel.set_title(title, loc="left", fontsize=panels.NORMAL, color=panels.DARK)
        panel.set_axis_off()
    if len(line):
        axes[1].plot(line[:, 1], line[:, 0], color="white", linewidth=1.2)
        panels.add_legend(figure, _draw_profiles(axes[2], line, profiles))
    return figure


def _draw_profiles(axes: Any, line: npt.NDArray[np.float64], profiles: npt.NDArray[np.float32]) -> dict[str, Any]:
    distance = np.linspace(0, float(np.hypot(*(line[1] - line[0]))), profiles.shape[1])
    looks = (("cell 1 alone", 0, "--"), ("cell 2 alone", 1, "--"), ("all cells", 2, "-"))
    handles = {}
    for (label, number, dashes), values in zip(looks, profiles, strict=True):
        (handles[label],) = axes.plot(distance, values, dashes, color=to_hex(category_colour(number)), label=label)
    panels.style_axes(axes, title="along the white line", x="distance, px", y="weight")
    return handles
