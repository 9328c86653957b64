"""The commands of all pages: which are typed by a test, what stands for a reader's own names, and why some are not."""

import re
import shlex
from collections.abc import Mapping

from .test_documentation import PAGES, runs_of
from .test_documented_commands import commands_of

#: Commands that another test runs, by the beginning of their text: its file, and what must stand in it.
ELSEWHERE = {
    r"cell-pipelines (fetch|\w+ .*bbbc039)": ("tests/integration/test_tutorial.py", "tutorial.md"),
    r"(cell-pipelines app|kedro mlflow ui|kedro viz run|mkdocs serve)": (
        "tests/integration/test_documented_servers.py", "SERVERS",
    ),
    r"cell-pipelines (crate|reproduce) ": ("tests/integration/test_run_lineage.py", '"reproduce"'),
    r"kedro airflow create ": ("tests/integration/test_deployment.py", "airflow_dag.j2"),
    r"make ": ("tests/integration/test_executed_commands.py", '"make", "-n"'),
    r"python benchmarks/": ("tests/integration/test_executed_commands.py", "run_path"),
    r"kedro run --env=test$": ("tests/integration/test_full_pipeline.py", "whole_road"),
    r"kedro registry list": ("tests/integration/test_documented_commands.py", '"registry", "list"'),
}  # fmt: skip
#: Commands that no test can run, and why.
NEVER = {
    r"docker ": "needs a Docker server",
    r"(uv )?pip |uv |python3\.\d+ -m venv": "installs from a package index; a test installs the wheel without one",
    r"\. |source |cd |mkdir |export |for |do |done": "is the shell's own",
    r"pre-commit install": "changes the repository's hooks",
    r"python -m pytest": "would run the tests within themselves",
    r"kedro run .*yolo\.from_scratch=false": "needs pretrained weights, which are downloaded",
}
# What stands for a reader's own names; other names are those of files that are there.
_STANDS_FOR = {
    "plates MY_IMAGES --layout LAYOUT.csv": "plates my/plate_images --layout my/layout.csv",
    "MY_IMAGES": "my_images", "MY_ANNOTATIONS": "my_labels", "NEW_IMAGES": "new_images",
    "MODEL_FILE": "data/my_study/06_models/unet.pt", "<study>": "my_study", "--model cellpose:cyto3": "",
    "/models/yolo.pt": "data/demo/06_models/yolo.pt", "/folder/of/images": "new_images",
    "/folder": "data/my_study/08_reporting/proposals", "07_model_output/yolo": "07_model_output/unet",
    "--images DIR --annotations DIR": "--images my_images --annotations my_labels", "count IMAGES": "count my_images",
    "--minutes 12": "--minutes 0.02", "epochs=100": "epochs=1", "epochs=14": "epochs=1", "fields=32": "fields=8",
    "width=2560": "width=512", "height=1920": "height=384", "cells=500": "cells=20",
}  # fmt: skip
# Of the studies that a page means by this, the one that is typed.
_MEANT = {
    "--env=<study> --pipelines=sample_data": "--env=neurons --pipelines=sample_data",
    "--env=my_study --pipelines=viability": "--env=live_dead_brightfield --pipelines=viability",
}
# What a page's command needs, which another page says.
_BEFORE = {
    "live_dead_brightfield": [
        "kedro run --env=live_dead_brightfield --pipelines=prediction --params=images=/my/new_images"
    ]
}
_ROOTS = re.compile(r"(?<![\w/.])/(?=(my|models|sartorius)/|sartorius\b)")
_ORDER = (
    "sample_data",
    "annotation_conversion",
    "data_preparation",
    "train_",
    "",
    "threshold",
    "evaluation",
    "prediction",
)


def all_commands() -> list[str]:
    """Return each command of the pages once, as it is written."""
    found = []
    for path in PAGES:
        if path.name == "CHANGELOG.md":
            continue  # what was once
        typed = [shlex.join(words) for words in commands_of(path.read_text(encoding="utf-8"))]
        found += [text for text in typed if not text.startswith(("kedro run", "do kedro run"))] + runs_of(path)
    for written, meant in _MEANT.items():
        found = [text.replace(written, meant) for text in found]
    return list(dict.fromkeys(found))


def is_typed(command: str) -> bool:
    """Say whether a command is typed by `test_executed_commands`."""
    return not any(re.match(start, command) for start in (*ELSEWHERE, *NEVER))


def commands_by_study() -> Mapping[str, list[str]]:
    """Return the commands that are typed, for each study in an order in which what they need is there."""
    groups: dict[str, list[str]] = {}
    for command in filter(is_typed, all_commands()):
        for text in _each_model(command):
            groups.setdefault(study_of(text), []).append(text)
    for study, commands in _BEFORE.items():
        groups[study] += commands
    return {study: sorted(commands, key=_rank) for study, commands in groups.items()}


def study_of(command: str) -> str:
    """Return the study that a command is about; `my_study` is the reader's own."""
    named = re.search(r"--env=([\w-]+)", command)
    if "my_study" in command or "<study>" in command or (not named and not command.startswith("kedro")):
        return "demo" if "demo/" in command else "starter" if "starter/" in command else "my_study"
    return named[1] if named else "demo"


def stand_in(command: str, place: str) -> tuple[list[str], dict[str, str]]:
    """Return the words and the variables of a command with names of files that are there.

    Args:
        command: As it is written.
        place: Folder in which it is typed.
    """
    text = command
    for name, other in _STANDS_FOR.items():
        text = text.replace(name, other)
    words = shlex.split(_ROOTS.sub(f"{place}/", text))
    given = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    words = [word for word in words if not re.match(r"[A-Z_]+=", word)]
    if words[:2] == ["cell-pipelines", "train"] and "--continue" not in words:
        words += [] if "--minutes" in words else ["--minutes", "0.02"]
        words += [] if "my_study/images" in words else ["--name", f"study_{len(command)}"]
    return words, given


def _each_model(command: str) -> list[str]:
    models = ("resunet", "unetpp", "unet", "stardist") if "$model" in command else ("",)
    return [command.replace("$model", model) for model in models]


def _rank(command: str) -> int:
    """Return the place of a command among those of its study; those of one place stay as the pages have them."""
    if command.startswith("cell-pipelines train") and "my_study" in command:
        return -1
    found = re.search(r"--pipelines=(\w+)", command)
    first = found[1] if found else "train_" if command.startswith("kedro") else "zz"
    return next((n for n, start in enumerate(_ORDER) if start and first.startswith(start)), len(_ORDER))
