"""Find the knee of a curve: beyond it, going on gains little."""

import numpy as np

from cell_pipelines.typing import FloatArray


def find_knee(x: FloatArray, y: FloatArray) -> int:
    """Return the knee of a curve that rises and flattens, as Satopaa et al. (2011, doi:10.1109/ICDCSW.2011.20) do.

    Both axes are brought to [0, 1]; the knee is where the curve lies farthest above the straight line from its first to
    its last point. That is Kneedle for a whole curve with a sensitivity of 0, without its smoothing: of several bumps
    the highest is taken, of equally high ones the first.

    Args:
        x: (N,) strictly rising, N of at least 1.
        y: (N,) finite; more is better.

    Returns:
        The knee's place in `x`. Only the part up to the highest `y` is looked at, as beyond it nothing is gained; where
        that part nowhere lies above its line, as for a straight one, it is the place of the highest `y`.

    Raises:
        ValueError: `x` is empty or does not rise, or the two differ in length.

    Example:
        >>> x = np.linspace(0, 1, 10)
        >>> find_knee(x, 5 - 1 / (x + 0.1))
        2
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not x.size or (np.diff(x) <= 0).any():
        raise ValueError(f"`x` must rise and have one value of `y` each, got {x.shape} and {y.shape} values.")
    top = int(np.argmax(y))
    rise = y[top] - y[0]
    if top == 0 or rise <= 0:
        return top
    along = (x[: top + 1] - x[0]) / (x[top] - x[0])
    above = (y[: top + 1] - y[0]) / rise - along
    return int(np.argmax(above)) if above.max() > 1e-9 else top
