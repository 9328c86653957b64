"""Every reader on thousands of damaged and hostile files: only refusals that name the file, or findings.

    python benchmarks/fuzz.py --files 20000 --seed 1
    python benchmarks/fuzz.py --repeat 1:4711 --keep /tmp/case    # the case that a violation named

Small sources of every annotation format, written by our own writers and taken from the public data where they are
there, and small images of every kind are damaged, each by its number, and read in processes that are watched: 2 s of
processor time, 20 s on the clock, 1 GiB of memory, no other exception than the readers' own, nothing opened outside
of the folder, nothing written, no program started, each finding with the name of its file, each number finite and
inside its image. Prints a table and ends with 1 where anything else was met.
"""

import argparse
import logging
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from fuzz_case import MAX_EXTRA_BYTES, TARGETS, Outcome, empty_folder, make_case, run_case, watch
from fuzz_sources import FORMATS, Source, image_sources, made_sources, real_sources, write_canaries

MAX_WALL_S = 20.0
# So that a case that takes all memory harms only its own process; what counts is what it touches.
_ADDRESS_SPACE = 12 << 30


def gather() -> dict[str, list[Source]]:
    """Return the sources by format; the images stand under ``images``."""
    real = real_sources()
    # Those of our own writers are smaller and hold more, so they come more often.
    sources = {name: [*made_sources(name), *real.get(name, [])] for name in FORMATS}
    return {**sources, "images": image_sources()}


def _work(numbers: list[int], seed: int, sources: dict[str, list[Source]], home: Path, channel: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    logging.disable(logging.CRITICAL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    watch(home / "outside")
    for number in numbers:
        folder = empty_folder(home / f"worker{os.getpid()}" / "source")
        channel.send(number)
        outcome, source = make_case(seed, number, sources, folder, home / "outside")
        channel.send(run_case(outcome, source, folder))
    channel.close()


class _Worker:
    """A process that runs some cases; a new one goes on behind a case that killed it."""

    def __init__(self, numbers: list[int], shared: tuple[Any, ...]) -> None:
        self.numbers, self._shared = numbers, shared
        self._start()

    def _start(self) -> None:
        self.channel, theirs = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.get_context("fork").Process(
            target=_work, args=(self.numbers, *self._shared, theirs)
        )
        self.process.start()
        theirs.close()
        self.current, self.since, self.memory = -1, time.monotonic(), _memory(self.process.pid)

    def receive(self) -> Outcome | None:
        """Return what a case gave, if one ended."""
        try:
            message = self.channel.recv()
        except EOFError:
            return self.fail("the process died") if self.numbers else None
        self.since = time.monotonic()
        if isinstance(message, int):
            self.current, self.memory = message, _memory(self.process.pid)
            return None
        self.numbers = self.numbers[1:]
        return message

    def overdue(self) -> str:
        """Say why the running case must be ended; nothing where it needn't."""
        if time.monotonic() - self.since > MAX_WALL_S:
            return f"hang: more than {MAX_WALL_S:g} s"
        grown = _memory(self.process.pid) - self.memory
        return f"memory: {grown >> 20} MiB beyond the start" if grown > 1.5 * MAX_EXTRA_BYTES else ""

    def fail(self, problem: str) -> Outcome:
        """End the running case and go on behind it."""
        self.process.join(0.5)
        problem = f"{problem} (exit {self.process.exitcode})"
        self.process.kill()
        self.process.join()
        number, self.numbers = self.numbers[0], self.numbers[1:]
        self._start()
        return Outcome(number, TARGETS[number % len(TARGETS)], verdict="refused", problems=[problem])


def _memory(pid: int | None) -> int:
    status = Path(f"/proc/{pid}/statm")
    return int(status.read_text(encoding="utf-8").split()[1]) * resource.getpagesize() if status.exists() else 0


def run(numbers: list[int], seed: int, workers: int, sources: dict[str, list[Source]]) -> Iterable[Outcome]:
    """Yield what came of each case, as they end."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as home:
        write_canaries(Path(home) / "outside")
        shared = (seed, sources, Path(home))
        running = [_Worker(numbers[i::workers], shared) for i in range(workers)]
        while running := [worker for worker in running if worker.numbers]:
            channels = {worker.channel: worker for worker in running}
            for channel in wait(list(channels), timeout=0.2):
                outcome = channels[channel].receive()
                if outcome is not None:
                    yield outcome
            for worker in running:
                if worker.numbers and (problem := worker.overdue()):
                    yield worker.fail(problem)


def table(outcomes: list[Outcome]) -> str:
    """Return what came of all cases as a Markdown table, one row per format."""
    rows = [
        "| reader | files | clean | with findings | refused | slowest, CPU s | most memory, MiB | violations |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in (*sorted({o.target for o in outcomes}), "all"):
        own = [o for o in outcomes if name in (o.target, "all")]
        counts = [sum(o.verdict == verdict for o in own) for verdict in ("clean", "findings", "refused")]
        worst = f"{max(o.cpu_s for o in own):.2f} | {max(o.peak_bytes for o in own) >> 20}"
        cells = " | ".join(str(n) for n in (len(own), *counts))
        rows.append(f"| {name} | {cells} | {worst} | {sum(bool(o.problems) for o in own)} |")
    return "\n".join(rows)


def repeat(text: str, keep: Path) -> int:
    """Run one case in this process and print what came."""
    seed, number = map(int, text.split(":"))
    write_canaries(empty_folder(keep / "outside"))
    watch(keep / "outside")
    folder = empty_folder(keep / "worker" / "source")
    outcome, source = make_case(seed, number, gather(), folder, keep / "outside")
    print(f"{outcome.target}: {outcome.how}, in {folder}")
    run_case(outcome, source, folder)
    print(f"{outcome.verdict}, {outcome.cpu_s:.2f} s, {outcome.peak_bytes >> 20} MiB")
    print(*outcome.problems, sep="\n")
    return int(bool(outcome.problems))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="damaged folders in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="some formats, or images")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", help="SEED:N, one case in this process")
    parser.add_argument(
        "--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz_case", help="where that case lies"
    )
    options = parser.parse_args()
    if options.repeat:
        return repeat(options.repeat, options.keep)
    numbers = [n for n in range(options.files) if not options.only or TARGETS[n % len(TARGETS)] in options.only]
    start, outcomes = time.monotonic(), []
    for outcome in run(numbers, options.seed, options.workers, gather()):
        outcomes.append(outcome)
        for problem in outcome.problems:
            print(f"VIOLATION {options.seed}:{outcome.number} {outcome.target} ({outcome.how}): {problem}", flush=True)
    print(table(outcomes))
    print(
        f"\n{len(outcomes)} files, seed {options.seed}, {time.monotonic() - start:.0f} s with {options.workers} processes."
    )
    return int(any(o.problems for o in outcomes) or len(outcomes) != len(numbers))


if __name__ == "__main__":
    sys.exit(main())
