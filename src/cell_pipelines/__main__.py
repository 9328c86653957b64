"""Entry point of the installed package: the same options as ``kedro run``."""

import sys
from pathlib import Path
from typing import Any

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run a pipeline of the project in the current folder."""
    configure_project(Path(__file__).parent.name)
    return find_run_command(Path(__file__).parent.name)(*args, standalone_mode=not hasattr(sys, "ps1"), **kwargs)


if __name__ == "__main__":
    main()
