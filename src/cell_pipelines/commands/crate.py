"""Write a run with its results as an RO-Crate."""

from pathlib import Path

import click


@click.command()
@click.argument("run_id")
@click.option("--out", type=Path, help="A new folder for the crate; else `crate_…` in this folder.")
@click.option("--pictures", is_flag=True, help="Add pages and figures, too; some show parts of the images.")
@click.option("--license", "licence", help="SPDX identifier of the results' licence, such as CC-BY-4.0.")
@click.option("--author", help="A person's name.")
def crate(run_id: str, out: Path | None, pictures: bool, licence: str | None, author: str | None) -> None:
    """Write the run RUN_ID as an RO-Crate, for archives and for other people.

    RUN_ID is that of MLflow, as in `commands.csv` of the study. The crate holds tables, the model card and model files
    with their SHA-256, and describes command, parameters, versions and inputs. Images are named, not copied.
    """
    from cell_pipelines.files import atomic_folder
    from cell_pipelines.workflows.outputs import check_new_folder
    from cell_pipelines.workflows.run_crate import Publication, check_installed, chosen_files, describe_as_crate

    check_installed()
    folder = check_new_folder(out or Path(f"crate_{run_id[:8]}"))
    from cell_pipelines.run_reading import current_store, read_run  # seconds, after the checks

    with current_store():
        run = read_run(run_id)
        names = chosen_files(run.files, pictures=pictures)
        with atomic_folder(folder) as temporary:
            for name in names:
                run.download(name, temporary)
            described = describe_as_crate(temporary, run.record, Publication(licence, author))
    click.echo(f"{run.record.command}: {len(names)} files of {len(run.files)}")
    click.echo(f"    crate: {folder / described.name}")
