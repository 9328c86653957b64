"""Choose the code and the configuration that a run is repeated with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kedro.config import OmegaConfigLoader
from kedro.framework.project import settings

from cell_pipelines.failures import MistakeError
from cell_pipelines.git_worktree import checked_out, has_commit
from cell_pipelines.lineage import Lineage, configuration_hash, origin_tags
from cell_pipelines.provenance import code_hash
from cell_pipelines.run_reading import StoredRun
from cell_pipelines.workflows.origin_comparison import Change, OriginComparison, compare_origins

_PACKAGE = Path(__file__).parents[1].name
_CODE, _CONFIGURATION, _COMMIT = "code.sha256", "configuration.sha256", "mlflow.source.git.commit"


@dataclass(frozen=True)
class Source:
    """Code and configuration that a run is repeated with.

    Attributes:
        package: Folder that holds the package, of another commit; None for the present one.
        configuration: Folder of the configuration.
        changes: In which the code and the configuration are not those of the run.
    """

    package: Path | None
    configuration: Path
    changes: tuple[Change, ...] = ()


def compare_with_now(run: StoredRun, described: Lineage, project: Path) -> OriginComparison:
    """Compare what a run was made with and what a run of the same command would be made with here and now."""
    loader = OmegaConfigLoader(
        conf_source=str(_present_configuration(described, project)),
        env=described.invocation.environment,
        **settings.CONFIG_LOADER_ARGS,
    )
    now = origin_tags(project, loader)
    threads = described.variables.get("OMP_NUM_THREADS") or now["machine.cores"]
    then = {name: value for name, value in run.record.tags.items() if name != "data.sha256"}
    return compare_origins(then, {**now, "machine.threads": threads})


@contextmanager
def chosen_source(run: StoredRun, described: Lineage, project: Path, folder: Path) -> Iterator[Source]:
    """Give the code and configuration of a run: the present ones where they are the same, else those of its commit.

    Args:
        run: The run.
        described: What repeats it.
        project: Folder of the project.
        folder: A new one, for the files of another commit; removed afterwards.

    Raises:
        MistakeError: The run had changes that were not committed, and they are not there any more.
    """
    tags, commit = run.record.tags, run.record.tags.get(_COMMIT, "")
    present = Source(None, _present_configuration(described, project))
    present = replace(present, changes=_changes(present, described, tags))
    if not present.changes:
        yield present
    elif tags.get("git.dirty") == "true":
        raise MistakeError(
            f"run {run.record.run_id} can't be reproduced: it had changes that were not committed, and the project's "
            f"{' and '.join(change.name for change in present.changes)} changed since."
        )
    elif commit and has_commit(project, commit):
        with checked_out(project, commit, folder) as root:
            yield _source_of_commit(root, present, described, tags)
    else:
        yield present


def _source_of_commit(root: Path, present: Source, described: Lineage, tags: Mapping[str, str]) -> Source:
    """Return the code and configuration of a commit; the present ones where those are the run's already."""
    other = {change.name for change in present.changes}
    has_code = (root / "src" / _PACKAGE).is_dir()  # unlike a project of the installed package
    package = root / "src" if "code" in other and has_code else None
    is_elsewhere = described.invocation.conf_source is not None  # which no commit of the project holds
    configuration = root / "conf" if "configuration" in other and not is_elsewhere else present.configuration
    chosen = Source(package, configuration)
    return replace(chosen, changes=_changes(chosen, described, tags))


def _present_configuration(described: Lineage, project: Path) -> Path:
    return Path(described.invocation.conf_source or project / settings.CONF_SOURCE)


def _changes(source: Source, described: Lineage, tags: Mapping[str, str]) -> tuple[Change, ...]:
    """Return in which of code and configuration a source is not that of the run."""
    names = (str(settings.CONFIG_LOADER_ARGS["base_env"]), environment_of(described))
    code = code_hash(source.package / _PACKAGE) if source.package else code_hash()
    hashes = {"code": (tags.get(_CODE), code)}
    hashes["configuration"] = (tags.get(_CONFIGURATION), configuration_hash(source.configuration, names))
    return tuple(Change(name, then, now) for name, (then, now) in hashes.items() if then != now)


def environment_of(described: Lineage) -> str:
    """Return the folder of the configuration that a run reads besides the base."""
    return described.invocation.environment or str(settings.CONFIG_LOADER_ARGS["default_run_env"])
