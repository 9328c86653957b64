"""Fetch public images with annotations, to try things out on."""

from pathlib import Path

import click

from cell_pipelines.workflows.public_data import PUBLIC_DATA, PublicData, fetch_public_data


def _megabytes(data: PublicData) -> int:
    return round(sum(remote.size for remote in data.archives.values()) / 1e6)


_LISTED = "\n\n".join(
    f"{name}: {data.title}; {_megabytes(data)} MB; {data.licence}." for name, data in PUBLIC_DATA.items()
)


@click.command(epilog=_LISTED)
@click.argument("name", type=click.Choice(list(PUBLIC_DATA)))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to put it into  [default: NAME].")
def fetch(name: str, out: Path | None) -> None:
    """Fetch public images with annotations: download (going on where it stopped), check and unpack."""
    data = PUBLIC_DATA[name]
    click.echo(f"{data.title}; {data.licence}; {data.page}")
    folder = _fetch(data, (out or Path(name)).expanduser())
    for kind in ("images", "masks"):
        for split in data.lists:
            click.echo(f"{folder / kind / split}: {sum(1 for _ in (folder / kind / split).iterdir())} files")


def _fetch(data: PublicData, folder: Path) -> Path:
    from cell_pipelines.progress import create_progress

    with create_progress() as progress:
        task = progress.add_task("MB", total=_megabytes(data))
        return fetch_public_data(data, folder, lambda count: progress.advance(task, count / 1e6))
