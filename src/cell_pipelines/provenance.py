"""Record the provenance of a result: the code's commit and the versions that ran it."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
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
    "scipy",
    "scikit-image",
    "onnxruntime",
    "openvino",
)
_PACKAGE = Path(__file__).parent
# What a result depends on in the package: code, and models that come with it.
_CODE = (".py", ".pt")


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


def code_hash(package: Path = _PACKAGE) -> str:
    """Return the SHA-256 of the package's code, which two copies share whether or not they are in git."""
    return files_hash(package, (path for path in package.rglob("*") if path.suffix in _CODE))


def constraints_hash(root: Path) -> dict[str, str]:
    """Return the SHA-256 of the project's list of versions; empty where it has none."""
    path = root / "constraints.txt"
    return {"constraints.sha256": files_hash(root, [path])} if path.is_file() else {}


def files_hash(root: Path, paths: Iterable[Path]) -> str:
    """Return the SHA-256 of files by their names below a folder and what is in them, whatever ends their lines."""
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in paths):
        content = hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()


def machine() -> dict[str, str]:
    """Return what results depend on beside code and versions: processors, and how many threads compute with them."""
    cores = str(usable_cores())
    return {"machine.cores": cores, "machine.threads": os.environ.get("OMP_NUM_THREADS") or cores}


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that results depend on."""
    found = {"version.python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[f"version.{package}"] = version(package)
        except PackageNotFoundError:
            continue
    return found
