"""A figure as files: PNG for screens, SVG for papers; the same figure always gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cell_pipelines.files import atomic_path
from cell_pipelines.report.page.embedding import settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METADATA: Final = {"png": {"Software": None}, "svg": {"Date": None}}


def write_figure(figure: Figure, base: Path, *, dpi: int = 200) -> tuple[Path, Path]:
    """Write a figure as ``base.png`` and ``base.svg``, each whole or not at all.

    Args:
        figure: A matplotlib figure.
        base: Path of both files without their endings; names with a dot keep it.
        dpi: Pixels an inch of the PNG.

    Returns:
        The two files.
    """
    import matplotlib as mpl

    settle(figure)
    files = tuple(base.with_name(f"{base.name}.{kind}") for kind in _METADATA)
    with mpl.rc_context({"svg.hashsalt": base.name, "svg.fonttype": "none"}):
        for file, (kind, metadata) in zip(files, _METADATA.items(), strict=True):
            content = io.BytesIO()
            figure.savefig(content, format=kind, dpi=dpi, metadata=metadata)
            with atomic_path(file) as temporary:
                temporary.write_bytes(content.getvalue())
    return files[0], files[1]
