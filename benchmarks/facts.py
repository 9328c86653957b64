"""Facts about the architecture, computed from the code: ``python benchmarks/facts.py > benchmarks/facts.md``.

Imports are read from the syntax trees, also those inside functions; nothing is executed. The chain of files that answers a
question is checked: each file names what leads to the next. What an addition touches are the files that name an existing example
of its kind, outside of comments and docstrings.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "cell_pipelines"
CONFIGURATION = ROOT / "conf" / "base"

#: Question; the files from the pipeline to the answer, each with the name in it that leads to the next; before; goal.
CHAINS = (
    (
        "where is F1 computed?",
        (
            ("pipelines/evaluation/pipeline.py", "evaluate"),
            ("workflows/evaluation.py", "summarise"),
            ("analysis/evaluation/summaries.py", "METRICS"),
            ("metrics/evaluated.py", "f1"),
            ("metrics/ratios.py", "f1"),
        ),
        "9 files, 6 hops",
        "3 files",
    ),
    (
        "where is a cell separated in a probability map?",
        (
            ("pipelines/threshold_optimisation/pipeline.py", "decode_cells"),
            ("pipelines/threshold_optimisation/nodes.py", "read_cells"),
            ("workflows/reading.py", "decode_stored"),
            ("workflows/decoding.py", "decode"),
            ("representations/binary.py", "decode"),
        ),
        "11 files",
        "4 files",
    ),
    (
        "the same, of new images",
        (
            ("pipelines/prediction/pipeline.py", "predict_new"),
            ("pipelines/prediction/nodes.py", "find_cells"),
            ("workflows/counting.py", "read_cells"),
            ("workflows/reading.py", "decode_stored"),
            ("workflows/decoding.py", "decode"),
            ("representations/binary.py", "decode"),
        ),
        "11 files",
        "4 files",
    ),
)
#: What is added, and the name of an existing one, by which the files to edit are counted.
EXAMPLES = (
    ("a metric", "centroid_recall", "8 files", "1 row, its test, its line in the docs"),
    ("a metric that models are compared by", "aggregated_jaccard", "8 files", "the same"),
    ("a format", "create_ml", "1-3 files", "keep"),
    ("a network", "attention_linknet", "1-3 files", "keep"),
    ("a representation", "three_class", "1-3 files", "keep"),
    ("a loss", "cross_entropy_dice", "1-3 files", "keep"),
)


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.AST, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules of the package that a module imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in known or node.module in known:
                    yield inner if inner in known else node.module


def read_graph() -> dict[str, set[str]]:
    """Return for each module the modules that it imports."""
    paths = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    return {name: set(imports_of(tree, paths)) - {name} for name, tree in trees.items()}


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Return the sets of modules that import each other."""
    reach = {name: reachable(graph, name) for name in graph}
    found = {frozenset(other for other in reach[name] if name in reach[other]) for name in graph if name in reach[name]}
    return [set(circle) for circle in found]


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """Return the modules that a module imports, directly or through others."""
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(graph[name])
    return seen


def check_chain(chain: Iterable[tuple[str, str]]) -> None:
    """Make sure that each file of a chain names what leads to the next.

    Raises:
        ValueError: The code has changed, and the chain is another one.
    """
    for file, word in chain:
        if not re.search(rf"\b{word}\b", code_of(PACKAGE / file)):
            raise ValueError(f"{file} does not name {word!r} any more; correct `CHAINS`.")


def pipeline_of(module: str) -> str:
    """Return the pipeline that a module belongs to; empty for other modules."""
    parts = module.split(".")
    return parts[2] if len(parts) > 3 and parts[1] == "pipelines" else ""


def lines_of(paths: Iterable[Path]) -> tuple[int, int]:
    """Return how many lines files have, and how many of them are not blank."""
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return len(lines), sum(bool(line.strip()) for line in lines)


def code_of(path: Path) -> str:
    """Return a file without its comments and docstrings, which a reader need not edit."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return re.sub(r"#.*", "", text)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def files_that_name(word: str) -> list[str]:
    """Return the files of source and base configuration with a word in their name or code."""
    paths = [*sorted(PACKAGE.rglob("*.py")), *sorted(CONFIGURATION.glob("*.yml"))]
    pattern = re.compile(rf"\b{word}\b")
    return [short(path) for path in paths if path.stem == word or pattern.search(code_of(path))]


def short(path: Path) -> str:
    """Return a path as the tables show it."""
    return path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).as_posix()


def calls_of_figures() -> dict[str, list[str]]:
    """Return for each figure function the files outside of its own that call it, once for each call."""
    figures = {
        node.name: path
        for path in (PACKAGE / "report" / "figures").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and re.fullmatch(r"plot_\w+|[a-z]\w*_figures", node.name)
    }
    calls: dict[str, list[str]] = {name: [] for name in figures}
    for path in sorted(PACKAGE.rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        everywhere = imported_names(node for node in body if isinstance(node, ast.ImportFrom))
        for part in body:  # a function may import a name that another one imports from elsewhere
            names = everywhere | imported_names(ast.walk(part))
            called = (getattr(node.func, "id", "") for node in ast.walk(part) if isinstance(node, ast.Call))
            for name in filter(figures.keys().__contains__, map(names.get, called)):
                calls[name] += [short(path)] if figures[name] != path else []
    return calls


def imported_names(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return what is imported by the name that it has there."""
    imports = (node for node in nodes if isinstance(node, ast.ImportFrom))
    return {alias.asname or alias.name: alias.name for node in imports for alias in node.names}


def facts() -> Iterator[tuple[str, str, str]]:
    """Yield each fact with its goal."""
    graph = read_graph()
    loose = [path.name for path in (PACKAGE / "pipelines").glob("*.py") if path.name != "__init__.py"]
    among = [(a, b) for a, others in graph.items() for b in others if pipeline_of(a) and pipeline_of(b)]
    crossing = [pair for pair in among if pipeline_of(pair[0]) != pipeline_of(pair[1])]
    found = circles(graph)
    catalog, _ = lines_of(CONFIGURATION.glob("catalog*.yml"))
    lines, filled = lines_of(PACKAGE.rglob("*.py"))
    yield "loose files in `pipelines/`", str(len(loose)), "0"
    yield "imports among pipelines", str(len(crossing)), "0"
    yield "circles of files", str(len(found)), "0"
    yield "lines of the base catalog", str(catalog), "at most 450"
    yield "lines of source", f"{lines:,} in {len(graph)} files; {filled:,} are not blank", "at most 57,000"


def questions() -> Iterator[tuple[str, str, str, str]]:
    """Yield each question of a newcomer with the answer before, now and the goal."""
    for question, chain, before, goal in CHAINS:
        check_chain(chain)
        files = " → ".join(f"`{file}`" for file, _ in chain)
        yield question, before, f"{len(chain)} files, {len(chain) - 1} hops: {files}", goal
    for kind, example, before, goal in EXAMPLES:
        files = files_that_name(example)
        named = ", ".join(f"`{file}`" for file in files)
        number = f"{len(files)} files name" if len(files) > 1 else "1 file names"
        yield f"add {kind}", before, f"{number} `{example}`: {named}", goal
    calls = {name: places for name, places in calls_of_figures().items() if places}
    often = {name: places for name, places in calls.items() if len(places) > 1}
    once = f"{len(calls) - len(often)} of {len(calls)} figure functions are called once"
    called = (f"`{name}` ({', '.join(f'`{place}`' for place in places)})" for name, places in sorted(often.items()))
    more = f"; called more than once, for different figures: {', '.join(called)}" if often else ""
    files = ", ".join(f"`{file}`" for file in files_that_name("confusion_matrix|plot_confusions"))
    yield "add a figure", "5 files and drawn twice", f"{files}; {once}{more}", "figure, node, catalog line; drawn once"


def main() -> None:
    print("# Facts about the architecture\n\nPrinted by `python benchmarks/facts.py`.\n")
    print("| fact | now | goal |\n|---|---|---|")
    for row in facts():
        print(f"| {' | '.join(row)} |")
    print("\n| question | before | now | goal |\n|---|---|---|---|")
    for line in questions():
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main()
