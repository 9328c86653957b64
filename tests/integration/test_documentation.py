"""Every command and every link of the README, the documentation and the studies' pages leads somewhere."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from click import ClickException
from kedro.config import OmegaConfigLoader
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from cell_pipelines.cli import run
from cell_pipelines.failures import MistakeError
from cell_pipelines.invalid_parameters import describe_invalid_parameters
from cell_pipelines.invocation import Invocation
from cell_pipelines.parameter_checks import REGISTRY
from cell_pipelines.run_checks import check_run
from cell_pipelines.settings import CONFIG_LOADER_ARGS
from cell_pipelines.study import CHOICES, choose_cells, choose_experiments, choose_models

from .conftest import ROOT

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "conf/*/README.md", "benchmarks/*.md", "src/**/README.md")
    for path in ROOT.glob(pattern)
)
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
_COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*kedro run\b[^`#;|\n]*")
_FENCE = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
#: What stands for a reader's own names.
_PLACEHOLDERS = {"<study>": "test", "my_study": "test", "<model>": "unetpp", "$model": "unetpp"}


def runs_of(path: Path) -> list[str]:
    """Return the `kedro run` commands of a page as they are written, in code blocks and within sentences."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return [match.group().strip() for match in _COMMAND.finditer(text) if "…" not in match.group()]


def commands_of(path: Path) -> list[str]:
    """Return the `kedro run` commands of a page with names that are there in place of a reader's own."""
    found = runs_of(path)
    for placeholder, name in _PLACEHOLDERS.items():
        found = [command.replace(placeholder, name) for command in found]
    return list(dict.fromkeys(found))


@cache
def options_of(command: str) -> dict:
    """Return what the command line makes of a command."""
    words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
    return run.make_context("run", words[2:]).params


def choose(loader: OmegaConfigLoader) -> None:
    """Make the pipelines of a study, as the project's hooks do before a run."""
    for name, chosen in CHOICES.items():
        chosen(loader["parameters"].get(name) or loader["globals"].get(name))
    choose_experiments(loader["parameters"].get("experiments"), dry_run=bool(loader["parameters"].get("dry_run")))
    pipelines.configure(REGISTRY)


@pytest.fixture(scope="module", autouse=True)
def registered_pipelines() -> Iterator[None]:
    bootstrap_project(ROOT)
    yield
    for chosen in CHOICES.values():
        chosen(None)
    pipelines.configure(REGISTRY)


@cache
def problem_of(command: str) -> str:
    """Return why a command could not start; empty if it can, as far as its inputs are there."""
    options = options_of(command)
    names, parameters = options["pipelines"] or ("__default__",), options["params"]
    names = names.split(",") if isinstance(names, str) else list(names)
    if options["env"] and not (ROOT / "conf" / options["env"]).is_dir():
        return f"there is no study {options['env']}"
    given = {**parameters, "dry_run": True} if options.get("dry_run") else dict(parameters)
    loader = OmegaConfigLoader(
        conf_source=str(ROOT / "conf"), env=options["env"], runtime_params=given, **CONFIG_LOADER_ARGS
    )
    for kind in ("globals", "parameters"):
        loader[kind] = loader[kind]  # read once
    choose(loader)
    missing = [name for name in names if name not in pipelines]
    if missing:
        return f"there is no pipeline {missing}"
    if not given:
        return ""  # a study's own parameters have tests of their own
    invocation = Invocation(ROOT, options["env"], None, tuple(names), given)
    chosen = sum((pipelines[name] for name in names), Pipeline([]))
    check_run(invocation, chosen, DataCatalog.from_config(loader["catalog"]), loader, only_missing=True)
    return describe_invalid_parameters(loader["parameters"], dict(pipelines))


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_command_names_a_study_pipelines_and_parameters_that_exist(path):
    problems = {}
    for command in commands_of(path):
        try:
            problem = problem_of(command)
        except (MistakeError, ClickException, ValueError) as error:
            problem = str(error)
        if problem:
            problems[command] = problem
    assert not problems


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(path):
    broken = []
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors_of(file)):
            broken.append(link)
    assert not broken


def test_every_page_of_the_documentation_is_in_its_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = {link.partition("#")[0] for link in _LINK.findall(index)}
    assert {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")} - linked == {"index.md"}


def test_every_picture_of_the_documentation_is_shown_on_a_page():
    shown = {Path(link).name for path in PAGES for link in _LINK.findall(path.read_text(encoding="utf-8"))}
    assert {path.name for path in ROOT.glob("docs/images/*")} <= shown


@pytest.mark.parametrize(
    "command",
    ["kedro run --pipelines=train_yollo",
     "kedro run --env=bcdd", "kedro run --params=yollo.epochs=3",
     "kedro run --pipelines=train_yolo --params=yolo.epoch=3",
     "kedro run --pipelines=train_yolo --params=yolo.epochs=-3"],
)  # fmt: skip
def test_a_misspelt_command_would_be_found(command):
    try:
        assert problem_of(command)
    except MistakeError as error:
        assert "nothing reads" in str(error)
    finally:
        choose_models(None)


@cache
def names_of_nodes() -> set[str]:
    """Return the nodes of all pipelines, with the sources and models that the pages name."""
    choose_models("yolo+yolo_seg+unetpp")
    choose_cells("truth+yolo+new+unetpp")
    names = set()
    for is_dry in (True, False):
        choose_experiments({name: {"kind": name} for name in ("ablation", "learning_curve", "search")}, dry_run=is_dry)
        pipelines.configure(REGISTRY)
        names |= {node.name for pipeline in pipelines.values() for node in pipeline.nodes}
    return names


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in ROOT.glob("src/*/pipelines/*/pipeline.py")))
def test_every_pipeline_has_a_page_that_names_nodes_and_files_which_exist(folder):
    page = ROOT / "src" / "cell_pipelines" / "pipelines" / folder / "README.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in re.findall(r"`([\w./]+\.py)`", text) if not (page.parent / name).is_file()] == []
    first_cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = {name for cell in first_cells for name in re.findall(r"`([a-z_.]+)`", cell)} - {"benchmark_networks"}
    assert named and named <= names_of_nodes()
