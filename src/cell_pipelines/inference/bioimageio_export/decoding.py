"""The modules of this project that a decoding needs, as one ZIP file."""

import ast
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = __name__.partition(".")[0]
_ROOT = Path(__file__).parents[2]
# What packages are called where they are installed from.
_INSTALLED_AS = {"cv2": "opencv-python", "skimage": "scikit-image"}


def write_modules(script: Path, path: Path) -> tuple[str, ...]:
    """Write the modules that a script needs, and those that they need, as a ZIP file from which Python imports.

    Args:
        script: A Python file that imports this project.
        path: The file to be written.

    Returns:
        Names of the packages by others that these modules import, some only for some representations.
    """
    modules, others = _closure(script)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(modules):
            file = _file(name)
            # The package's own makes all its interface available, which nothing here needs.
            text = "" if name == _PACKAGE else file.read_text(encoding="utf-8")
            archive.writestr(f"{_PACKAGE}/{file.relative_to(_ROOT).as_posix()}", text)
    return tuple(sorted({_INSTALLED_AS.get(name, name) for name in others}))


def _closure(script: Path) -> tuple[set[str], set[str]]:
    modules, others = set[str](), set[str]()
    queue = list(_imports(script))
    while queue:
        name = queue.pop()
        top = name.partition(".")[0]
        if top != _PACKAGE:
            others |= {top} - sys.stdlib_module_names
        elif name not in modules and _file(name).is_file():
            modules.add(name)
            queue += [name.rpartition(".")[0] or _PACKAGE]
            queue += [] if name == _PACKAGE else _imports(_file(name))
    return modules, others


def _file(module: str) -> Path:
    place = _ROOT.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_name(f"{place.name}.py")


def _imports(file: Path) -> Iterator[str]:
    """Yield what a file imports, also within functions; names of modules and of what may be modules."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
