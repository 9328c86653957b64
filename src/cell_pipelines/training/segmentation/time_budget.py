"""Keep a training to its minutes: what of them is used, when validation is due, and when the training ends."""

from collections.abc import Mapping, Sequence
from time import perf_counter as clock
from typing import Any

import numpy as np

#: Times that all chosen validation images are looked at in a training, at least.
LEAST_LOOKS = 8
_KEPT = ("used", "validating", "look", "images", "is_over")


class TimeBudget:
    """Time of one training by the clock, what passed before an interruption included.

    Attributes:
        seconds: There are.
        validation_share: Largest share of them for validation.
        used: Seconds of training and validation so far.
        validating: Seconds of validation among them.
        look: Seconds that the next validation is expected to take, by the last one.
        images: Places of the validation images that are looked at; None until they are chosen.
        is_over: Whether the last step is done.
    """

    def __init__(self, seconds: float, validation_share: float, state: Mapping[str, Any] | None = None) -> None:
        self.seconds, self.validation_share = seconds, validation_share
        self.used = self.validating = self.look = self._step = 0.0
        self.images: list[int] | None = None
        self.is_over = False
        self._read_at = self._validation_from = 0.0
        if state is not None:
            self.load_state_dict(state)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs, in plain values."""
        return {name: getattr(self, name) for name in _KEPT}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for name in _KEPT:
            setattr(self, name, state[name])

    @property
    def share(self) -> float:
        """Part of the training that is done, in [0, 1]; 1 when only the last validation is left."""
        return min(1.0, self.used / max(self.seconds - self.look, 1e-9))

    def start(self) -> None:
        """Let the time run from now on."""
        self._read_at = clock()

    def read(self) -> float:
        """Add the time that has passed since it was read last, and return it."""
        now = clock()
        passed, self._read_at = now - self._read_at, now
        self.used += passed
        return passed

    def end_step(self, passed: float) -> None:
        """Take note of a training step, and end the training where another one would take too long.

        Args:
            passed: What the step took.
        """
        self._step = passed if self._step == 0 else 0.8 * self._step + 0.2 * passed
        self.is_over = self.used + self._step / 2 + self.look >= self.seconds

    def is_validation_due(self) -> bool:
        """Say whether validation keeps to its share if it comes now and once more at the end."""
        expected = self.validating + 2 * self.look
        return self.is_over or expected <= self.validation_share * (self.used + self.look)

    def start_validation(self) -> None:
        """Take note of when a validation begins."""
        self.read()
        self._validation_from = self.used

    def end_validation(self) -> None:
        """Take note of what a validation took."""
        self.read()
        self.look = self.used - self._validation_from
        self.validating += self.look

    def choose_images(self, seconds: Sequence[float], with_cells: Sequence[bool], seed: int) -> list[int]:
        """Choose the validation images once: all where `LEAST_LOOKS` keep to the share, else some by the seed.

        Args:
            seconds: What looking at each image is expected to take.
            with_cells: Whether each shows a cell; one that does is among the chosen ones.
            seed: Of the choice.

        Returns:
            Their places, in order; at least one.
        """
        allowed = self.validation_share * self.seconds / LEAST_LOOKS
        order = np.random.default_rng(seed).permutation(len(seconds)).tolist()
        first = next((place for place in order if with_cells[place]), order[0])
        order = [first, *(place for place in order if place != first)]
        fitting = int(np.searchsorted(np.cumsum([seconds[place] for place in order]), allowed, side="right"))
        self.images = sorted(order[: max(1, fitting)])
        self.look = sum(seconds[place] for place in self.images)
        return self.images
