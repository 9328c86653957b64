"""Training histories made smooth: the exponential moving average over epochs."""

import pandas as pd


def smooth_history(history: pd.DataFrame, *, alpha: float = 0.6) -> pd.DataFrame:
    """Return a history whose columns are exponential moving averages over epochs.

    The average at epoch t is the mean of the values up to t with weights alpha^(t - i): `alpha` is the weight of the
    **past**, with the start corrected for the missing past, as in TensorBoard's smoothing, whose usual value is 0.6.
    The paper of the live/dead assay says "exponential moving average with alpha = 0.6" and leaves the convention open;
    where alpha is taken as the weight of the new value, its 0.6 is 0.4 here.

    Args:
        history: One row per epoch, column `epoch`, and columns of numbers. Epochs need not be in order.
        alpha: Weight of the past, in [0, 1); 0 changes nothing.

    Returns:
        A table of the same columns, in the order of epochs. A missing value stays missing and the average skips it.
    """
    if not 0 <= alpha < 1:
        raise ValueError(f"`alpha` must lie in [0, 1), got {alpha}.")
    if "epoch" not in history:
        raise ValueError(f"`history` must have a column epoch, got {', '.join(map(str, history.columns))}.")
    ordered = history.sort_values("epoch", kind="stable", ignore_index=True)
    values = ordered.drop(columns="epoch").astype(float)
    smooth = values.ewm(alpha=1 - alpha, adjust=True, ignore_na=True).mean().where(values.notna())
    smooth.insert(0, "epoch", ordered["epoch"])
    return smooth[list(history.columns)]
