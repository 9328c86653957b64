"""What runs on Windows, too: no module that only Unix has, no encoding left to the system, no name it refuses."""

import ast
import os
import re
import subprocess
import sys

import pytest

from .conftest import ROOT, Project

# Loaded by Python itself at the start of every process, the project's own included.
_SITE = '''
import sys
import warnings


class Blocked:
    """Finds no module that Windows lacks."""

    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "termios", "pwd", "grp"}:
            raise ModuleNotFoundError(f"No module named {name!r}: blocked here", name=name)


sys.meta_path.insert(0, Blocked())
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules.pop(name, None)
'''
# Part of a program: what else Windows lacks, once all libraries are loaded, and encodings as errors.
_UNIX = """
import os, signal, warnings
warnings.filterwarnings("error", category=EncodingWarning, module=r"cell_pipelines(\\..*)?$")
for module, names in ((os, ("fork", "forkpty", "killpg", "getuid", "geteuid", "sched_getaffinity", "sync", "sysconf",
                            "uname", "link", "symlink", "getloadavg", "nice")),
                      (signal, ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "pthread_kill", "alarm"))):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""
# What no file may be called on Windows.
_REFUSED = re.compile(r"""[<>:"|?*\\\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)""", re.IGNORECASE)


# Calls of text files that need an encoding, with the place of their mode among the arguments.
_MODES = {"read_text": None, "write_text": None, "open": 0, "fdopen": 1, "NamedTemporaryFile": 0, "TemporaryFile": 0}


def _is_text_without_encoding(call):
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {word.arg for word in call.keywords}
    if "encoding" in given or name not in _MODES:
        return bool(given & {"text", "universal_newlines"}) and "encoding" not in given  # of a program that is called
    if name.endswith("_text"):
        return len(call.args) < (1 if name == "read_text" else 2)
    place = 1 if isinstance(call.func, ast.Name) else _MODES[name]
    mode = next((word.value for word in call.keywords if word.arg == "mode"), None)
    mode = mode or (call.args[place] if len(call.args) > place else None)
    if isinstance(mode, ast.Constant):
        return bool(re.fullmatch("[rwax+t]+", str(mode.value)))
    return isinstance(call.func, ast.Name) and mode is None  # of others, `open` may be no file's


def test_text_is_read_and_written_in_a_named_encoding():
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sorted((ROOT / "src" / "cell_pipelines").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _is_text_without_encoding(call)
    ]
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def windows_like(tmp_path_factory):
    """What starts Python without the modules that Windows lacks; all its text is checked for a named encoding."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    paths = [str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONWARNDEFAULTENCODING": "1"}

    def start(words, more=None):
        return subprocess.run(
            [sys.executable, *words], cwd=ROOT, env={**os.environ, **environment, **(more or {})}, capture_output=True,
            text=True, encoding="utf-8", check=False,
        )  # fmt: skip

    return start


def test_the_block_blocks(windows_like):
    for name in ("fcntl", "resource", "termios", "pwd", "grp"):
        assert "blocked here" in windows_like(["-c", f"import {name}"]).stderr


@pytest.mark.exhaustive
def test_every_module_of_the_package_loads_without_the_modules_of_unix(windows_like):
    program = (
        "import importlib, pkgutil, cell_pipelines\n"
        "for found in pkgutil.walk_packages(cell_pipelines.__path__, 'cell_pipelines.'):\n"
        "    if not found.name.endswith('__main__'):\n"
        "        importlib.import_module(found.name)\n"
    )
    result = windows_like(["-c", program])
    assert result.returncode == 0, result.stderr[-2000:]


def test_tables_and_pages_are_utf_8_where_the_system_has_another_encoding(tmp_path):
    program = (
        "import locale, pandas as pd\n"
        "from cell_pipelines.datasets.whole_file_dataset import WholeCSVDataset, WholeJSONDataset, WholeTextDataset\n"
        "assert 'utf' not in locale.getencoding().lower()\n"
        "for kind, name, data in ((WholeTextDataset, 'a.txt', '\\u00b5m\\n'),\n"
        "                         (WholeJSONDataset, 'a.json', {'\\u00b5m': 1}),\n"
        "                         (WholeCSVDataset, 'a.csv', pd.DataFrame({'\\u00b5m': [1]}))):\n"
        f"    dataset = kind(filepath={str(tmp_path)!r} + '/' + name)\n"
        "    dataset.save(data)\n"
        "    assert list(dataset.load())[0] in ('\\u00b5', '\\u00b5m')\n"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert [(tmp_path / name).read_bytes() for name in ("a.txt", "a.csv")] == ["µm\n".encode(), "µm\n1\n".encode()]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_small_pipelines_run_without_what_only_unix_has(windows_like, tmp_path):
    project = Project(tmp_path)
    run = ["run", "--env=test", "--pipelines=sample_data,annotation_conversion,data_preparation"]
    # psutil has another part for Windows; the one for Linux is given what it needs.
    loads = "import sys\nblock = sys.meta_path.pop(0)\nimport psutil\nsys.meta_path.insert(0, block)\n"
    loads += "del sys.modules['resource']\n"
    loads += "import cell_pipelines.hooks, cell_pipelines.cli, mlflow, pandas, skimage.measure, torchvision, lightning"
    loads += "\nfrom cell_pipelines.models.ultralytics_home import prepare_ultralytics\nprepare_ultralytics()"
    program = f"{loads}\n{_UNIX}\nfrom kedro.framework.cli import main\nsys.argv[1:] = {run}\nmain()"
    result = windows_like(["-c", program], project.environment)
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]
    written = [path.relative_to(tmp_path) for path in project.path().rglob("*")]
    assert project.path("05_model_input").is_dir() and len(written) > 20
    assert [str(path) for path in written if any(_REFUSED.search(part) for part in path.parts)] == []


@pytest.mark.slow
def test_no_file_of_a_whole_study_has_a_name_that_windows_refuses(whole_road):
    written = [path.relative_to(whole_road.folder) for path in whole_road.folder.rglob("*")]
    assert len(written) > 100
    assert [str(path) for path in written if any(_REFUSED.search(part) for part in path.parts)] == []
    assert max(len(str(path)) for path in written) < 180  # of 260 characters with the folder of the project
