"""The eight turns and mirror images of a tile, done and undone, also for channels that point in directions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Symmetry:
    """A mirror image about the vertical axis, or none, and then quarter turns counter-clockwise.

    >>> Symmetry(turns=1).ray_order(8)
    [6, 7, 0, 1, 2, 3, 4, 5]
    """

    turns: int = 0
    mirrored: bool = False

    def apply(self, maps: "torch.Tensor") -> "torch.Tensor":
        """Return maps (B, C, H, W) mirrored and turned."""
        import torch

        return torch.rot90(maps.flip(-1) if self.mirrored else maps, self.turns, (-2, -1))

    def undo(self, maps: "torch.Tensor") -> "torch.Tensor":
        """Return maps (B, C, H, W) as they were before `apply`."""
        import torch

        turned = torch.rot90(maps, -self.turns, (-2, -1))
        return turned.flip(-1) if self.mirrored else turned

    def ray_order(self, n_rays: int) -> list[int]:
        """Return which ray of a turned image is each ray of the image itself.

        Args:
            n_rays: Rays at even angles from the columns' axis towards the rows', a multiple of 4.
        """
        half, quarter = n_rays // 2, n_rays // 4
        return [((half - ray if self.mirrored else ray) - self.turns * quarter) % n_rays for ray in range(n_rays)]

    def vectors(self, rows: "torch.Tensor", columns: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """Return rows and columns of the image's own vectors, from those that a turned image has at the same pixels."""
        for _ in range(self.turns % 4):
            rows, columns = columns, -rows
        return rows, -columns if self.mirrored else columns


ALL_SYMMETRIES = tuple(Symmetry(turns, mirrored) for mirrored in (False, True) for turns in range(4))
