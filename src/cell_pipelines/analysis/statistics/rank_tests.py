"""Two groups of numbers compared by their ranks: the test, how large the effect is, and how far they are apart.

Two groups that are independent are compared by Mann and Whitney's test, measurements in pairs by Wilcoxon's signed
ranks. The shift is Hodges and Lehmann's (1963, doi:10.1214/aoms/1177704172): the median of all differences, and its
interval goes as far as the test would not reject (Moses; Hollander, Wolfe and Chicken 2013, sections 3.3 and 4.3).
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from cell_pipelines.typing import FloatArray

_EXACT_WORK = 100_000  # steps of counting out ranks; beyond, the groups are so large that the normal law is as good
_EXACT_PAIRS = 50
_AVERAGES_HELD = 2_000_000


@dataclass(frozen=True)
class RankComparison:
    """Difference between two groups of numbers; NaN where too few numbers tell.

    Attributes:
        statistic: Mann and Whitney's U of the first group, or the sum of the ranks of the positive differences.
        p: Two-sided p-value.
        shift: Hodges-Lehmann estimate of first - second.
        low: Lower end of its interval.
        high: Upper end.
        least_p: The smallest p-value that so many numbers can give.
    """

    statistic: float = math.nan
    p: float = math.nan
    shift: float = math.nan
    low: float = math.nan
    high: float = math.nan
    least_p: float = 1.0


def compare_independent(first: FloatArray, second: FloatArray, *, level: float = 0.95) -> RankComparison:
    """Compare two independent groups, (M,) and (N,) finite; with an empty one all is NaN.

    The test is SciPy's: exact where one group has 8 numbers or fewer and there are no ties, and with the normal law,
    corrected for ties, otherwise. The interval is NaN where the numbers are too few for the level. Neither time nor
    memory grow with M x N.
    """
    from cell_pipelines.analysis.statistics.rank_kernels import select_difference

    if not (first.size and second.size):
        return RankComparison()
    test = stats.mannwhitneyu(first, second, alternative="two-sided")
    first, second = np.sort(first), np.sort(second)
    pairs = first.size * second.size
    outer = outer_rank(first.size, second.size, level)
    ranks = ((pairs + 1) // 2, pairs // 2 + 1, outer, pairs + 1 - outer)
    central = [select_difference(first, second, rank) for rank in ranks[:2]]
    ends = [select_difference(first, second, rank) if outer else math.nan for rank in ranks[2:]]
    least = min(1.0, 2 / float(special.comb(first.size + second.size, first.size)))
    return RankComparison(float(test.statistic), float(test.pvalue), sum(central) / 2, ends[0], ends[1], least)


def compare_pairs(first: FloatArray, second: FloatArray, *, level: float = 0.95) -> RankComparison:
    """Compare two measurements of the same N things, (N,) each and finite; without one all is NaN.

    The test is SciPy's for signed ranks: exact up to 50 pairs without ties and zeros. Pairs without a difference
    count for the shift, not for the test; without any difference p is 1.
    """
    if not first.size:
        return RankComparison()
    differences = first - second
    statistic, p = 0.0, 1.0
    if differences.any():
        found = stats.wilcoxon(differences[differences != 0], alternative="two-sided")
        ranks = stats.rankdata(np.abs(differences[differences != 0]))
        statistic, p = float(ranks[differences[differences != 0] > 0].sum()), float(found.pvalue)
    count = first.size * (first.size + 1) // 2
    outer = outer_signed_rank(first.size, level)
    central = _walsh_averages(differences, ((count + 1) // 2, count // 2 + 1))
    ends = _walsh_averages(differences, (outer, count + 1 - outer)) if outer else [math.nan] * 2
    return RankComparison(statistic, p, sum(central) / 2, ends[0], ends[1], min(1.0, 2.0 ** (1 - first.size)))


def _walsh_averages(differences: FloatArray, ranks: Sequence[int]) -> list[float]:
    """Return the averages of all pairs of differences, each with itself, too, at some ranks from 1."""
    from cell_pipelines.analysis.statistics.rank_kernels import select_difference

    ordered = np.sort(differences)
    if ordered.size**2 <= _AVERAGES_HELD:
        rows, columns = np.triu_indices(ordered.size)
        averages = np.sort((ordered[rows] + ordered[columns]) / 2)
        return [float(averages[rank - 1]) for rank in ranks]
    # Each pair twice, and the few of one with itself not: that is one rank in a thousand at most.
    return [select_difference(ordered, -ordered[::-1], 2 * rank) / 2 for rank in ranks]


@functools.lru_cache(maxsize=1024)
def outer_rank(n_first: int, n_second: int, level: float) -> int:
    """Return which of the sorted differences of two groups begins the interval for the shift, 0 where none can.

    It is one more than the largest U that is as rare as (1 - level) / 2, by the exact law of U or, for large groups,
    the normal law.
    """
    few, pairs = min(n_first, n_second), n_first * n_second
    if few * pairs > _EXACT_WORK:
        spread = math.sqrt(pairs * (n_first + n_second + 1) / 12)
        return max(0, math.floor(pairs / 2 - float(stats.norm.ppf((1 + level) / 2)) * spread))
    # How many arrangements give each U: the coefficients of Gauss's binomial.
    ways = np.zeros(pairs // 2 + 1, dtype=object)
    ways[0] = 1
    for i in range(1, few + 1):
        step = max(n_first, n_second) + i
        if step < ways.size:
            ways[step:] = ways[step:] - ways[:-step]
        for start in range(min(i, ways.size)):
            ways[start::i] = np.cumsum(ways[start::i])
    return _count_rare(ways, math.comb(n_first + n_second, few), level)


@functools.lru_cache(maxsize=1024)
def outer_signed_rank(count: int, level: float) -> int:
    """Return which of the sorted averages of pairs begins the interval for the shift, 0 where none can."""
    most = count * (count + 1) // 2
    if count > _EXACT_PAIRS:
        spread = math.sqrt(most * (2 * count + 1) / 12)
        return max(0, math.floor(most / 2 - float(stats.norm.ppf((1 + level) / 2)) * spread))
    ways = np.zeros(most + 1, dtype=object)
    ways[0] = 1
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    return _count_rare(ways, 2**count, level)


def _count_rare(ways: npt.NDArray[np.object_], total: int, level: float) -> int:
    below = np.cumsum(ways) / total
    return int((below.astype(np.float64) <= (1 - level) / 2 * (1 + 1e-12)).sum())


def rank_biserial_interval(first: FloatArray, second: FloatArray, *, level: float = 0.95) -> tuple[float, float, float]:
    """Return the rank-biserial correlation of two independent groups and its interval.

    It is the share of pairs in which the first group's number is larger less the share in which it is smaller, in
    -1..1 (Kerby 2014): 2 U / (M N) - 1. The interval is on the logit of the first share with ties halved, with the
    variance from the placements (DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595); where one group lies
    wholly beyond the other that variance is none, and its place takes that of half a pair the other way.

    Args:
        first: (M,) finite.
        second: (N,) finite; with fewer than two numbers in either there is no interval.
        level: In (0, 1).
    """
    m, n = first.size, second.size
    if not (m and n):
        return math.nan, math.nan, math.nan
    ranks = stats.rankdata(np.concatenate([first, second]))
    beyond = (ranks[:m] - stats.rankdata(first)) / n
    below = (ranks[m:] - stats.rankdata(second)) / m
    share = float(beyond.mean())
    if min(m, n) < 2:
        return 2 * share - 1, math.nan, math.nan
    kept = min(max(share, 0.5 / (m * n)), 1 - 0.5 / (m * n))
    variance = float(beyond.var(ddof=1) / m + below.var(ddof=1) / n)
    floor = kept * (1 - kept) / (m * n)
    width = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(max(variance, floor)) / (kept * (1 - kept))
    ends = special.expit(special.logit(kept) + np.array([-width, width]))
    return 2 * share - 1, float(2 * ends[0] - 1), float(2 * ends[1] - 1)
