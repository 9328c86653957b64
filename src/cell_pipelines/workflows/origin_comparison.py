"""Compare what a run was made with and what there is now, and say in sentences what may explain other results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_VERSION = "version."
#: Tags about which something is said, by what they are called in a sentence.
_NAMES = {
    "mlflow.source.git.commit": "commit",
    "code.sha256": "code",
    "configuration.sha256": "configuration",
    "constraints.sha256": "constraints.txt",
    "machine.cores": "processor cores",
    "machine.threads": "threads",
    "data.sha256": "data",
}
# Of these only the fact that they differ says something to a person.
_HASHES = ("code", "configuration", "constraints.txt", "data")
# These alone change no result: another commit may have the same code.
_HARMLESS = ("commit", "constraints.txt")


@dataclass(frozen=True)
class Change:
    """Something that is another now.

    Attributes:
        name: As a sentence calls it.
        then: Of the run; None where there was none.
        now: Of today; None where there is none.
    """

    name: str
    then: str | None
    now: str | None

    def sentence(self) -> str:
        """Return what was and what is."""
        if self.name in _HASHES and None not in (self.then, self.now):
            return f"{self.name}: another one now"
        return f"{self.name}: {self.then or 'none'} then, {self.now or 'none'} now"

    @property
    def may_matter(self) -> bool:
        """Whether results may depend on it."""
        return self.name not in _HARMLESS


@dataclass(frozen=True)
class OriginComparison:
    """Things that are the same as when a run was made, and those that are not.

    Attributes:
        same: Names of what is the same.
        changes: What is another.
    """

    same: tuple[str, ...]
    changes: tuple[Change, ...]

    def sentences(self) -> list[str]:
        """Return one sentence about what is the same and one for each change."""
        same = [f"The same as then: {', '.join(self.same)}."] if self.same else []
        return [*same, *(f"Not the same: {change.sentence()}." for change in self.changes)]


def compare_origins(then: Mapping[str, str], now: Mapping[str, str]) -> OriginComparison:
    """Compare the tags of a run with those that a run would have now.

    Args:
        then: Tags of the run; those that are about no origin are left out.
        now: The same of today.
    """
    same, changes = [], []
    versions = sorted({name for name in (*then, *now) if name.startswith(_VERSION)})
    for tag in [*(name for name in _NAMES if name in then or name in now), *versions]:
        name = _NAMES.get(tag) or tag.removeprefix(_VERSION)
        if then.get(tag) == now.get(tag):
            same.append(name)
        else:
            changes.append(Change(name, then.get(tag), now.get(tag)))
    packages = [name for name in same if f"{_VERSION}{name}" in versions]
    named = [name for name in same if name not in packages]
    if packages:
        some = f"{len(packages)} of {len(versions)} versions"
        named.append(some if len(packages) < len(versions) else "all versions")
    return OriginComparison(tuple(named), tuple(changes))


def explain_differences(changes: Sequence[Change], parameters: Mapping[str, str]) -> list[str]:
    """Return what may explain that a run gives other results now, one sentence each.

    Args:
        changes: What is another than it was.
        parameters: Those of the run by dotted name, as text.
    """
    causes = [f"{change.sentence()}." for change in changes if change.may_matter]
    budgets = [name for name, value in parameters.items() if name.endswith(".minutes") and value not in ("None", "")]
    causes += [f"{name}={parameters[name]}: the clock decides how many steps a training has." for name in budgets]
    return causes or [
        "nothing that was recorded has changed; the results may depend on something else, such as another processor or "
        "GPU, on which floating-point numbers are summed in another order."
    ]
