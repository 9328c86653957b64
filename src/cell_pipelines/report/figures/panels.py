"""The look that all figures share: small panels side by side, thin axes, legends outside the data.

Figures are made with matplotlib's objects alone. Nothing here, and nothing that uses it, touches pyplot or
matplotlib's settings, so figures can be made in any thread and leave nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from cell_pipelines.report.palette import category_colour, to_hex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALL: Final = 8.5  # points; ticks, legends
NORMAL: Final = 9.5  # points; labels, titles
DARK: Final = "#24292f"
GREY: Final = "#6e7781"
PALE: Final = "#d8dee4"

LONGEST_LABEL: Final = 44  # letters of a legend's entry
_FEW_ROWS: Final = 4  # of a legend, for which a figure has room
_NARROWEST: Final = 4.6  # inches, room for heading and legend
_LINES: Final = ("-", "--", "-.", ":")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")


def create_panels(count: int, *, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Create a figure with `count` panels in rows.

    Args:
        count: Number of panels, 1 or more.
        columns: Panels in a row, fewer where there are fewer panels.
        size: Width and height of a panel in inches.

    Returns:
        The figure, which arranges itself so that nothing overlaps, and its panels from left to right and
        from top to bottom.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    across = min(columns, count)
    down = -(-count // across)
    width, height = max(across * size[0], _NARROWEST), down * size[1] + 0.7
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08, wspace=0.02, hspace=0.02)
    figure = Figure(figsize=(width, height), layout=layout, facecolor="white")
    return figure, [figure.add_subplot(down, across, place + 1) for place in range(count)]


def create_note(sentence: str) -> Figure:
    """Create a figure that only says why there is nothing to see."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 1.2), layout="constrained", facecolor="white")
    figure.text(0.5, 0.5, to_plain(sentence), ha="center", va="center", fontsize=NORMAL, color=GREY)
    return figure


def style_axes(axes: Axes, *, title: str = "", x: str, y: str) -> None:
    """Give a panel its title, labels with units, and the common look."""
    axes.set_title(to_plain(title), loc="left", fontsize=NORMAL, color=DARK)
    axes.set_xlabel(x, fontsize=SMALL, color=DARK)
    axes.set_ylabel(y, fontsize=SMALL, color=DARK)
    axes.tick_params(labelsize=SMALL, colors=GREY, labelcolor=DARK, length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)


def add_heading(figure: Figure, text: str) -> None:
    """Put one line above all panels."""
    figure.suptitle(to_plain(text), fontsize=NORMAL, color=DARK, x=0.01, ha="left")


def add_legend(figure: Figure, handles: Mapping[str, Any], *, place: str = "lower center") -> None:
    """Put a legend outside the panels, where it can cover no data.

    Args:
        figure: The figure to add it to.
        handles: The artist of each label; without one nothing is added.
        place: ``lower center``, with as many entries in a row as surely fit, or ``right upper``, one a row.
    """
    if not handles:
        return
    labels = [to_plain(label, longest=LONGEST_LABEL) for label in handles]
    widest = (max(len(label) for label in labels) * 0.62 + 4.5) * SMALL
    fitting = max(1, int(figure.get_figwidth() * 72 / widest)) if place == "lower center" else 1
    rows = -(-len(labels) // fitting)
    if place == "lower center":  # a long one must not take the panels' room
        figure.set_figheight(figure.get_figheight() + max(0, rows - _FEW_ROWS) * 1.5 * SMALL / 72)
    figure.legend(
        list(handles.values()), labels, loc=f"outside {place}", ncols=-(-len(labels) // rows),
        frameon=False, fontsize=SMALL, labelcolor=DARK, handlelength=2.6, borderaxespad=0.9,
    )  # fmt: skip


def line_style(category: int) -> dict[str, Any]:
    """Return colour and dashes of a category's line; both differ between neighbours."""
    return {"color": to_hex(category_colour(category)), "linestyle": _LINES[category % len(_LINES)], "linewidth": 1.8}


def marker_style(category: int) -> dict[str, Any]:
    """Return colour and shape of a category's points; both differ between neighbours."""
    return {"color": to_hex(category_colour(category)), "marker": _MARKERS[category % len(_MARKERS)]}


def count_of(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Example:
        >>> count_of(1, "image"), count_of(2, "category", "categories")
        ('1 image', '2 categories')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def to_plain(text: str, *, longest: int = 120) -> str:
    r"""Return a name as matplotlib must be given it: no formula between dollar signs, and not too long.

    Example:
        >>> print(to_plain("$x$"), to_plain("a very long name", longest=8))
        \$x\$ a very …
    """
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return short.replace("$", r"\$")
