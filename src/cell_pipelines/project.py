"""Find a project, or make the smallest one that Kedro runs, for a person who has only installed the package.

Kedro needs ``pyproject.toml`` with ``[tool.kedro]`` and a ``conf`` folder; the code is the installed package's.
"""

import filecmp
import shutil
from collections.abc import Mapping
from pathlib import Path

from cell_pipelines.failures import MistakeError
from cell_pipelines.files import atomic_folder, atomic_path

_PACKAGE = Path(__file__).parent
#: What a folder of configuration must hold to be the package's own.
_BASE = Path("base", "globals.yml")
# Kedro adds `source_dir` to Python's path and wants it inside the project; `conf` holds no Python.
_PYPROJECT = """\
# A project of cell_pipelines, made by `cell-pipelines train`: `kedro run --env=<study>` works in this folder.
[tool.kedro]
package_name = "cell_pipelines"
project_name = "cell_pipelines"
kedro_init_version = "{kedro}"
source_dir = "conf"

[tool.cell_pipelines]
version = "{version}" # of the package that conf/base is a copy of
"""
_NOT_COMMITTED = "data/\nlogs/\nmlartifacts/\nmlflow.db*\n.mlflow.db.lock*\n.ultralytics/\n.tmp-*\nconf/local/\n"


def packaged_conf() -> Path:
    """Return the configuration that comes with the package: ``conf`` of an installed one, or that of the repository.

    Raises:
        MistakeError: There is neither, so the installation is incomplete.
    """
    for folder in (_PACKAGE / "conf", _PACKAGE.parents[1] / "conf"):
        if (folder / _BASE).is_file():
            return folder
    raise MistakeError(
        f"{_PACKAGE}: expected the configuration that comes with the package (conf/{_BASE.as_posix()}); it is not "
        "there. Install cell-pipelines again."
    )


def find_project(folder: Path) -> Path | None:
    """Return the project of this package that `folder` is, or lies in; None where there is none.

    Raises:
        MistakeError: It lies in a Kedro project of another package.
    """
    from kedro.utils import find_kedro_project

    found = find_kedro_project(folder.absolute())
    if found is None:
        return None
    project = Path(found)
    package = _read_package(project / "pyproject.toml")
    if package != _PACKAGE.name:
        raise MistakeError(
            f"{project}: this is a Kedro project of `{package}`; name a folder outside of it with `--out`."
        )
    return project


def current_project() -> Path:
    """Return the project of this package that the working folder is, or lies in.

    Raises:
        MistakeError: There is none.
    """
    project = find_project(Path.cwd())
    if project is None:
        raise MistakeError(
            f"there is no project in {Path.cwd()} or above it: go into the folder of a project, which holds "
            "pyproject.toml and conf/, and type the command again."
        )
    return project


def _read_package(path: Path) -> str:
    import tomllib

    try:
        kedro: Mapping[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["kedro"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise MistakeError(f"{path}: expected a table [tool.kedro]; got: {error}.") from error
    return kedro.get("package_name", "")


def check_new_project(folder: Path) -> None:
    """Refuse a folder in which `create_project` would write over something.

    Raises:
        MistakeError: The folder is a file, or holds another ``pyproject.toml`` or ``conf/base``.
    """
    if folder.exists() and not folder.is_dir():
        raise MistakeError(f"{folder}: expected a folder for the project; it is a file.")
    taken = [folder / "pyproject.toml"] if (folder / "pyproject.toml").exists() else []
    taken += [] if _is_ours(folder / "conf" / "base") else [folder / "conf" / "base"]
    for path in taken:
        raise MistakeError(
            f"{path}: something else lies here already; name another folder for the project with `--out`."
        )


def _is_ours(base: Path) -> bool:
    """Say whether there is nothing, or what `create_project` wrote before it was ended."""
    if not base.exists():
        return True
    ours = packaged_conf() / "base"
    names = sorted(path.name for path in ours.iterdir())
    return filecmp.cmpfiles(ours, base, names, shallow=False)[0] == names


def create_project(folder: Path) -> None:
    """Make a project: ``pyproject.toml``, ``conf/base`` and ``conf/logging.yml`` as the package has them.

    Args:
        folder: Made if need be; what else lies in it stays.

    Raises:
        MistakeError: See `check_new_project`.
    """
    from kedro import __version__ as kedro

    from cell_pipelines import __version__

    check_new_project(folder)
    source = packaged_conf()
    (folder / "conf" / "local").mkdir(parents=True, exist_ok=True)  # what `kedro run` without a study reads besides
    with atomic_folder(folder / "conf" / "base") as temporary:
        shutil.copytree(source / "base", temporary, dirs_exist_ok=True)
    shutil.copyfile(source / "logging.yml", folder / "conf" / "logging.yml")
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(_NOT_COMMITTED, encoding="utf-8")
    # Last, since it makes the folder a project.
    with atomic_path(folder / "pyproject.toml") as temporary:
        temporary.write_text(_PYPROJECT.format(kedro=kedro, version=__version__), encoding="utf-8")


def describe_outdated(folder: Path) -> str:
    """Return the sentence about a project's ``conf/base`` of another version of the package, and how to renew it.

    Args:
        folder: A project.

    Returns:
        Empty where `create_project` did not make the project, the versions agree, or both have the same files.
    """
    import tomllib

    from cell_pipelines import __version__

    path, base = folder / "pyproject.toml", folder / "conf" / "base"
    try:
        tools = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]
    except (OSError, tomllib.TOMLDecodeError, KeyError):  # what is wrong with it, Kedro says
        return ""
    made = tools.get("cell_pipelines", {}).get("version")
    is_copy = made is not None or tools.get("kedro", {}).get("source_dir") == "conf"
    if not is_copy or made == __version__ or not base.is_dir() or _is_ours(base):
        return ""
    source = f"cell-pipelines {made}" if made else "an earlier version"
    return (
        f"{base} is a copy of the configuration of {source}, but {__version__} is installed, whose files differ: "
        "settings may be missing, or read by nothing. To renew it, move conf/base and pyproject.toml away and run "
        "`cell-pipelines train` with a new `--name`; the studies in conf/ stay."
    )
