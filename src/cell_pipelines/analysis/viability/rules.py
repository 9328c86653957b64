"""Define living, dead and counted cells, and how far a dead cell may lie from its nucleus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LISTED = 5


@dataclass(frozen=True)
class ViabilityRules:
    """Categories of living and dead cells, and how far a dead cell may lie from its nucleus.

    Attributes:
        dead: Category of dead cells.
        nuclei: Category of all nuclei, living and dead, where dead cells are to be matched to them; else None.
        living: Category of living cells, where living and dead cells are two classes; else None.
        max_distance_px: Largest distance between a dead cell and its nucleus in pixels, above 0; of pixels that are
            not square, in square pixels of the same area.
        max_distance_um: The same in um, which needs the pixel size. Without either it is the mean radius of the
            field's nuclei, of circles of their areas.
    """

    dead: str = "dead"
    nuclei: str | None = None
    living: str | None = None
    max_distance_px: float | None = None
    max_distance_um: float | None = None

    def __post_init__(self) -> None:
        if (self.nuclei is None) == (self.living is None):
            raise ValueError(
                "exactly one of `nuclei` and `living` must be given, "
                f"got nuclei={self.nuclei!r} and living={self.living!r}."
            )
        if self.dead == self.cells:
            raise ValueError(f"`dead` must be another category than that of nuclei or living cells, got {self.dead!r}.")
        if self.max_distance_px is not None and self.max_distance_um is not None:
            raise ValueError("only one of `max_distance_px` and `max_distance_um` may be given, got both.")
        for name in ("max_distance_px", "max_distance_um"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ValueError(f"`{name}` must be a number above 0, got {value}.")

    @property
    def cells(self) -> str:
        """The category beside the dead one: of nuclei, or of living cells."""
        return self.nuclei if self.nuclei is not None else str(self.living)

    def check(self, categories: Sequence[str]) -> None:
        """Raise a ValueError that names the categories of a set, if it lacks one of these rules."""
        roles = {"nuclei" if self.nuclei is not None else "living": self.cells, "dead": self.dead}
        missing = [f"{name} (`{role}`)" for role, name in roles.items() if name not in categories]
        if missing:
            known = ", ".join(categories) or "none"
            raise ValueError(
                f"the cells must have the categories {', '.join(missing)}, their categories are {known}; the "
                "parameters in brackets say which is which."
            )


def some_of(names: Sequence[str]) -> str:
    """Return names for a sentence, at most five, and how many there are besides.

    Example:
        >>> some_of(["a", "b"]), some_of(list("abcdefg"))
        ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(str, names[:_LISTED])) + more
