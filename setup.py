"""Put conf/, which lies beside src/, into the wheel as cell_pipelines/conf; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class BuildWithStudies(build_py):
    """Build the package with the studies; an editable installation reads them where they lie."""

    def run(self) -> None:
        """Build the package, then copy the studies into it."""
        super().run()
        if self.editable_mode:
            return
        for source, target in self._studies():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the files that the build writes."""
        return [*super().get_outputs(include_bytecode), *(str(target) for _, target in self._studies())]

    def _studies(self) -> list[tuple[Path, Path]]:
        """Return the files of conf/ with their places in the build, without conf/local, which is a person's own."""
        target = Path(self.build_lib) / "cell_pipelines" / "conf"
        files = (path.relative_to(HERE / "conf") for path in sorted((HERE / "conf").rglob("*")) if path.is_file())
        return [
            (HERE / "conf" / file, target / file)
            for file in files
            if file.parts[0] != "local" and not any(part.startswith(".") for part in file.parts)
        ]


setup(cmdclass={"build_py": BuildWithStudies})
