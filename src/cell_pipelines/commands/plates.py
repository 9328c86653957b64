"""Say of plates what the counts of their images mean: wells, controls, dose-response and hits."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from cell_pipelines.commands.options import Decimal, Whole, counting, model
from cell_pipelines.failures import MistakeError

# What `PlateParameters` calls the options.
_RULES = {
    "measure": "measure", "relative_to": "relative_to", "correct": "correct", "reference": "reference",
    "index": "index", "name_pattern": "name_pattern", "channel": "plate_channel", "time": "plate_time",
    "plate_wells": "plate_wells", "false_discovery_rate": "false_discovery_rate",
    "least_effect_percent": "least_effect",
}  # fmt: skip


@click.command()
@click.argument("source", nargs=-1, required=True)
@click.option(
    "--layout", type=Path,
    help="CSV with the columns well, and any of plate, role, compound and concentration; else wells of the names.",
)  # fmt: skip
@click.option("--out", type=Path, help="A new folder for the results; else `plates_…` in this folder.")
@click.option("--measure", default="total", show_default=True, help="Column of the counts that is the value of a well.")
@click.option("--relative-to", help="Column that the measure is a part of, such as total; values are per cent.")
@click.option(
    "--correct", type=click.Choice(["none", "median_polish"]), default="none", show_default=True,
    help="What effects of rows and columns are taken from the values by.",
)  # fmt: skip
@click.option(
    "--reference", type=click.Choice(["control_negative", "sample"]), default="control_negative", show_default=True,
    help="Wells that a hit differs from.",
)  # fmt: skip
@click.option("--index", type=Path, help="Index file of Harmony or Micro-Manager, or its folder, in place of names.")
@click.option("--name-pattern", help="Regular expression of names with the groups well, site, channel, time.")
@click.option("--plate-channel", help="Channel that is measured, where names tell several.")
@click.option("--plate-time", help="Time point that is measured, where names tell several.")
@click.option("--plate-wells", type=Whole(min=6), help="Wells of a plate; else the smallest that has all of them.")
@click.option("--false-discovery-rate", type=Decimal("0.05"), default=0.05, show_default=True, help="Among the hits.")
@click.option(
    "--least-effect", type=Decimal("20", least=0), default=0.0, show_default=True,
    help="Difference from the reference, in percentage points, below which nothing is a hit.",
)  # fmt: skip
@model
@counting
def plates(source: tuple[str, ...], layout: Path | None, out: Path | None, **settings: Any) -> None:
    """Evaluate the plates in SOURCE: their images, or the folder or `counts.csv` of a count that is there already.

    Images are counted first, as `cell-pipelines count` does. Prints the quality of each plate, and where tables,
    workbook, page and figures are.
    """
    import pandas as pd

    from cell_pipelines.commands.output import name_of, output_folder, print_files, print_table
    from cell_pipelines.files import atomic_folder
    from cell_pipelines.workflows.image_sources import collect_images
    from cell_pipelines.workflows.parameters.plates import PlateParameters
    from cell_pipelines.workflows.plates import FILES, check_images, read_table, shown_quality, write_plates

    problem = ""
    parameters = PlateParameters(**{name: settings.pop(option) for name, option in _RULES.items()})
    folder = output_folder(out, f"plates_{name_of(source)}", source)
    wells = pd.DataFrame() if layout is None else read_table(layout, "one row per well", as_text=True)
    counts = _table_of(source)
    if counts is not None:
        _check_nothing_given(settings, counts)
    if counts is None:
        selected = {name: settings[name] for name in ("channel", "z", "time")}
        check_images(collect_images(source, **selected), wells, parameters)
    with atomic_folder(folder) as temporary:
        if counts is None:
            measurements = _count(source, settings, temporary / "counted")
        else:
            measurements = read_table(counts, "one row per image")
        try:
            result = write_plates(measurements, wells, parameters, temporary)
        except ValueError as error:
            if counts is not None:
                raise
            problem = str(error)
    if problem:
        raise MistakeError(f"{problem} The counts are kept in {folder / 'counted'}, which `plates` takes, too.")
    print_table(shown_quality(result.quality), notes=("note",))
    click.echo(f"{result.wells['value'].notna().sum()} wells with a value, {result.hits['hit'].sum()} hits.")
    print_files(folder, FILES | {"counted": "counts"})


def _check_nothing_given(options: Iterable[str], counts: Path) -> None:
    """Refuse options of counting where nothing is counted."""
    context = click.get_current_context()
    given = [name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given))
        raise MistakeError(f"{counts}: these images are counted already, so nothing can be done with {words}.")


def _table_of(source: tuple[str, ...]) -> Path | None:
    """Return the table of a count that is there already; None where images are named."""
    path = Path(source[0]).expanduser()
    if len(source) > 1 or (not path.is_dir() and path.suffix.lower() != ".csv"):
        return None
    tables = (path / "counts.csv", path / "counted" / "counts.csv") if path.is_dir() else (path,)
    return next((table for table in tables if table.is_file() or not path.is_dir()), None)


def _count(images: tuple[str, ...], settings: dict[str, Any], folder: Path) -> Any:
    from cell_pipelines import api
    from cell_pipelines.quiet_loggers import quiet_loggers

    with quiet_loggers("cell_pipelines.workflows.counting", "cell_pipelines.workflows.scoring"):
        result = api.count(images, settings.pop("model"), **settings)
    result.save(folder, overlays=False)
    return result.table
