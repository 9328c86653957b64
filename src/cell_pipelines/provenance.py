"""Record the provenance of a result: the code's commit and the versions that ran it."""

import os
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cell_pipelines.machine import usable_cores

PACKAGES = (
    "cell-pipelines",
    "kedro",
    "mlflow",
    "torch",
    "ultralytics",
    "lightning",
    "segmentation-models-pytorch",
    "stardist",
    "numpy",
    "opencv-python",
    "faster-coco-eval",
)


def git_state(root: Path) -> dict[str, str]:
    """Return commit and cleanliness of the working tree at `root`; empty outside git."""
    try:
        commit, changes = (_git(root, *words) for words in (("rev-parse", "HEAD"), ("status", "--porcelain")))
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"mlflow.source.git.commit": commit, "git.dirty": str(bool(changes)).lower()}


def code_versions(root: Path) -> dict[str, str]:
    """Return the commit at `root` and the versions of packages, by name."""
    return {**git_state(root), **package_versions()}


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()


def machine() -> dict[str, str]:
    """Return what results depend on beside code and versions: processors, and how many threads compute with them."""
    cores = str(usable_cores())
    return {"machine.cores": cores, "machine.threads": os.environ.get("OMP_NUM_THREADS") or cores}


def package_versions() -> dict[str, str]:
    """Return the installed versions of the packages that results depend on."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[f"version.{package}"] = version(package)
        except PackageNotFoundError:
            continue
    return found
