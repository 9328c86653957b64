"""Every command in a block of a page could be typed: its program is known, and its words, options and files exist.

What `kedro run` is given is checked in `test_documentation`; here are all other programs.
"""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from kedro.framework.cli.cli import KedroCLI

from cell_pipelines.commands import cli

from .conftest import ROOT
from .test_documentation import NAMES, PAGES

_BLOCK = re.compile(r"^ *```(?:sh|bash|console)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# Also within sentences; not the mere name of a command, nor one with something left out.
_INLINE = re.compile(
    r"`((?:cell-pipelines \w+ |make |mkdocs |docker (?:build|compose) |kedro (?!run\b)|"
    r"(?:OMP_NUM_THREADS=1 )?python benchmarks/)[^`…\\]+)`"
)
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def commands_of(text: str) -> list[list[str]]:
    """Return the words of each command of a page: comments, settings of variables and prompts are left out."""
    lines = [line for block in _BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    parts = [part for line in [*lines, *_INLINE.findall(text)] for part in _split(line)]
    return [words for words in parts if words]


def _split(line: str) -> list[list[str]]:
    lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars="&;|")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("&;|"):
            parts.append([])
        elif parts[-1] or not re.match(r"[A-Z_]+=", word):
            parts[-1].append(word)
    return parts


def check_click(group: click.Command, words: list[str]) -> str:
    """Return what is wrong with the words of a click command; empty if it could be typed."""
    command, context = group, click.Context(group, info_name=words[0])
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            return f"there is no command {rest[0]}"
        command, rest = found, rest[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    if rest in (["--help"], ["-h"], ["--version"]) or command.ignore_unknown_options:
        return ""
    try:
        given, _, _ = command.make_parser(context).parse_args(list(rest))
    except click.UsageError as error:
        return error.format_message()
    for parameter in command.params:
        value = given.get(parameter.name)
        typed = [word for word in (value if isinstance(value, list | tuple) else [value]) if isinstance(word, str)]
        if parameter.required and not typed:
            return f"{parameter.name} is missing"
        if isinstance(parameter.type, click.Path | click.File):
            continue  # a reader's own
        try:
            for word in typed:
                parameter.type.convert(word, parameter, context)
        except click.UsageError as error:
            return error.format_message()
    return ""


def check_make(words: list[str]) -> str:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    unknown = [word for word in words[1:] if "=" not in word and word not in targets]
    return f"there is no target {unknown}" if unknown else ""


def check_pip(words: list[str]) -> str:
    named = re.findall(r"(?:^|[ .]|cell-pipelines)\[([\w,]+)\]", " ".join(words)) or [""]
    named += [words[place + 1] for place, word in enumerate(words[:-1]) if word == "--extra"]
    extras = {extra for group in named for extra in group.split(",") if extra} - set(_PROJECT["optional-dependencies"])
    files = [words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-c", "-r")]
    missing = [file for file in files if not (ROOT / file).is_file()]
    return f"there is no extra {extras} or no file {missing}" if extras or missing else ""


def check_python(words: list[str]) -> str:
    if words[1:2] == ["-m"]:
        return (
            check_pip(words[2:]) if words[2] == "pip" else _missing([w for w in words[3:] if "/" in w and w[0] != "-"])
        )
    return _missing([word for word in words[1:] if word.endswith(".py")])


def _missing(names: list[str]) -> str:
    missing = [name for name in names if not (ROOT / name.partition("::")[0]).exists()]
    return f"there is no {missing}" if missing else ""


def check_docker(words: list[str]) -> str:
    if words[1] == "compose":
        services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
        unknown = [word for word in words[3:4] if not word.startswith("-") and word not in services]
        return f"there is no service {unknown}" if unknown else ""
    if words[1] == "build":
        stages = re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
        unknown = [words[place + 1] for place, word in enumerate(words) if word == "--target"]
        return "" if set(unknown) <= set(stages) else f"there is no stage {unknown}"
    image = [place for place, word in enumerate(words) if re.fullmatch(r"cell-pipelines(:\w+)?", word)]
    return check_click(cli, ["cell-pipelines", *words[image[0] + 1 :]]) if image else "the image is not ours"


def check_kedro(words: list[str]) -> str:
    return "" if words[1] == "run" else check_click(KedroCLI(ROOT), words)


CHECKS = {
    "cell-pipelines": lambda words: check_click(cli, words),
    "docker": check_docker,
    "kedro": check_kedro,
    "make": check_make,
    "pip": check_pip,
    "python": check_python,
    "uv": check_pip,
}
#: What needs no check: the shell's own words, and other programs' that a page names with nothing of ours in it.
PLAIN = {".", "cd", "done", "export", "for", "mkdir", "mkdocs", "mlflow", "pre-commit", "source"}


def problem_of(words: list[str]) -> str:
    program = words[1] if words[0] == "do" else words[0]
    words = words[1:] if words[0] == "do" else words
    if program in PLAIN:
        return ""
    check = CHECKS.get(re.sub(r"^python3(\.\d+)?$", "python", program))
    return check(words) if check else f"nothing here knows the program {program}"


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_command_of_a_page_could_be_typed(path):
    commands = commands_of(Path(path).read_text(encoding="utf-8"))
    problems = {shlex.join(words): problem for words in commands if (problem := problem_of(words))}
    assert not problems


@pytest.mark.parametrize(
    "line",
    ["cell-pipelines cuont images", "cell-pipelines count", "cell-pipelines count images --modle=nuclei",
     "cell-pipelines fetch bbbc040", "cell-pipelines count images --threshold=high", "make demmo",
     'pip install -e ".[vizz]"', "pip install cell-pipelines[vizz]", "pip install -c constraint.txt x",
     "python -m pytest tests/nothing", "python benchmarks/nothing.py", "docker build --target gpus .",
     "docker compose up mlflo", "docker run --rm cell-pipelines cuont images", "kedro viz rum", "wget x",
     "cd x && make demmo"],
)  # fmt: skip
def test_a_misspelt_command_would_be_found(line):
    assert any(problem_of(words) for words in commands_of(f"```sh\n{line}  # why\n```"))


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["registry", "list"]], ids=" ".join)
def test_what_takes_no_time_is_run(words, tmp_path):
    import subprocess
    import sys

    program = ["kedro"] if words[0] == "registry" else ["cell_pipelines"]
    done = subprocess.run(
        [sys.executable, "-m", *program, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stdout, done.stderr
