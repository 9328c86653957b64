"""Answer questions about more images by a fitted learning curve, in numbers and one sentence, or say that it cannot."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from cell_pipelines.analysis.learning_curve.averaged_curve import AveragedCurve
from cell_pipelines.analysis.learning_curve.recent_trend import FARTHEST

_SEARCHED: Final = 1e4
_STEPS: Final = 300


@dataclass(frozen=True)
class Answer:
    """An answer to a question about more images.

    Attributes:
        question: ``target``: how many images bring the metric to `value`; ``images``: what `more` images bring.
        metric: What it is called.
        images: The most images that were trained with.
        now: The curve there.
        more: Images in addition to them; infinite where the curve never comes there, nan where nothing can be said.
        more_low: Lower end of its interval.
        more_high: Upper end; infinite where there is none.
        value: What the metric is brought to.
        value_low: Lower end of its interval.
        value_high: Upper end.
        is_said: Whether the sentence answers the question; the numbers of one that does not are no answer.
        is_extrapolated: Whether the answer or its interval lies beyond `FARTHEST` times the images.
        sentence: All of it in words.
    """

    question: Literal["target", "images"]
    metric: str
    images: int
    now: float
    more: float
    more_low: float
    more_high: float
    value: float
    value_low: float
    value_high: float
    is_said: bool
    is_extrapolated: bool
    sentence: str

    def to_row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        return asdict(self)


def refuse(question: Literal["target", "images"], metric: str, reason: str) -> Answer:
    """Return the answer that nothing can be said, and why."""
    nothing = float("nan")
    sentence = f"What more images bring to {metric} cannot be said: {reason}."
    return Answer(question, metric, 0, *(nothing,) * 7, is_said=False, is_extrapolated=False, sentence=sentence)


def answer_images(law: AveragedCurve, more: int, metric: str) -> Answer:
    """Return what so many more images bring, on average over trainings."""
    images = int(law.sizes.max())
    total = np.array([float(images + more)])
    value, (low, high) = float(law.curve(total)[0]), law.band(total)
    far = images + more > FARTHEST * images
    now = float(law.curve([images])[0])
    numbers = (images, now, float(more), float(more), float(more), value, float(low[0]), float(high[0]))
    ends = f"{value:.3f} (interval {low[0]:.3f} to {high[0]:.3f})"
    if not law.has_trend:
        text = f"What {more} more images bring to {metric} cannot be said: {_no_trend(law)}."
    elif far:
        text = f"What {more} more images bring to {metric} cannot be said: that is more than {FARTHEST:g} times the "
        text += f"{images} there are, beyond which the curve, {ends}, is a guess."
    else:
        text = f"{more} more images ({images + more} in all) bring {metric} from {now:.3f} to about {ends}."
        text += " They may bring nothing: the interval holds what is there now." if low[0] <= now <= high[0] else ""
    is_said = law.has_trend and not far
    return Answer("images", metric, *numbers, is_said, far, text + (_cautions(law) if is_said else ""))


def answer_target(law: AveragedCurve, target: float, metric: str) -> Answer:
    """Return how many more images bring the metric to a target, on average over trainings.

    Its interval holds the numbers of images for which the target lies in the curve's own interval there.
    """
    images, now = int(law.sizes.max()), float(law.curve([law.sizes.max()])[0])
    more, low, high = (_more(law, target, which) for which in ("curve", "best", "worst"))
    reach = FARTHEST * images - images
    far = any(np.isfinite(number) and number > reach for number in (more, high))
    problem = _problem(law, (more, low, high), target, reach)
    if problem:
        text = f"How many more images bring {metric} to {target:g} cannot be said: {problem}."
    elif more == 0:
        text = f"{metric} is at {now:.3f} with {images} images: {target:g} is reached already"
        text += f", or {high:.0f} more images may be needed." if high > 0 else "."
    else:
        text = f"About {more:.0f} more images ({images + more:.0f} in all) bring {metric} from {now:.3f} to {target:g} "
        text += f"(interval {low:.0f} to {'beyond ' if high > reach else ''}{min(high, reach):.0f} more)."
    if not problem and high > reach:
        text += f" The interval's upper end is beyond {FARTHEST:g} times the images, where the curve is a guess."
    return Answer(
        "target", metric, images, now, more, low, high, target, target, target,
        is_said=not problem, is_extrapolated=far, sentence=text + ("" if problem else _cautions(law)),
    )  # fmt: skip


def _problem(law: AveragedCurve, numbers: tuple[float, float, float], target: float, reach: float) -> str:
    """Return why a target has no answer; empty if it has one."""
    more, low, high = numbers
    limit_low, limit_high = law.limit_interval()
    limit = f"the curve's limit is {law.limit:.3f} (interval {limit_low:.3f} to {limit_high:.3f})"
    if high == 0:
        return ""
    if not law.has_trend:
        return _no_trend(law)
    if np.isinf(low):
        return f"it lies beyond what more images alone can bring; {limit}"
    if np.isinf(more):
        return f"by the best curve it is never reached; {limit}"
    if more > reach:
        return (
            f"the curve comes there with about {more:.0f} more, beyond {FARTHEST:g} times the {law.sizes.max():.0f} "
            "there are, where it is a guess"
        )
    if np.isinf(high):
        least = "it may be reached already" if low == 0 else f"at least {low:.0f}"
        return f"{least}, but no upper end can be given; {limit}"
    return ""


def _more(law: AveragedCurve, target: float, which: str) -> float:
    """Return how many more images bring the curve, or the best or worst end of its band, to the target."""
    images = float(law.sizes.max())
    grid = images * np.geomspace(1, _SEARCHED, _STEPS)
    if which == "curve":
        values = law.curve(grid)
    else:
        values = law.band(grid)[int((which == "best") != law.is_error)]
    reached = values <= target if law.is_error else values >= target
    if not reached.any():
        return float("inf")
    place = int(np.argmax(reached))
    if place == 0:
        return 0.0
    # Between the two steps the curve is as good as straight over the logarithm.
    before, after = values[place - 1 : place + 1]
    share = (target - before) / (after - before)
    return float(np.ceil(grid[place - 1] * (grid[place] / grid[place - 1]) ** share - images))


def _no_trend(law: AveragedCurve) -> str:
    return f"over {law.sizes.min():.0f} to {law.sizes.max():.0f} images the trainings show no clear trend"


def _cautions(law: AveragedCurve) -> str:
    text = ""
    if len(np.unique(law.sizes)) == 3:
        text += " It rests on three sizes only, which cannot show what law the curve follows."
    if law.misfit_p < 0.05:
        text += " The means of the sizes lie well on none of the laws that were fitted, which widens the interval."
    return text
