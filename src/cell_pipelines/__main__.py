"""Entry point of the installed package: the command ``cell-pipelines``."""

import sys
from collections.abc import Sequence
from typing import Any

from cell_pipelines.commands import cli


def main(args: Sequence[str] | None = None, **options: Any) -> Any:
    """Run a command; the process ends with its exit status, but at a Python prompt."""
    return cli.main(args, prog_name="cell-pipelines", **{"standalone_mode": not hasattr(sys, "ps1"), **options})


if __name__ == "__main__":
    main()
