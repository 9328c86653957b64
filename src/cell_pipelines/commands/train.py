"""Train a model on own images and annotations: plan a study, write it out, and run it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cell_pipelines.commands.options import Decimal

if TYPE_CHECKING:
    from cell_pipelines.own_study import OwnStudy
    from cell_pipelines.workflows.planning.plan import Plan
    from cell_pipelines.workflows.planning.start import StartWish

# Test images below which the last lines say that they are few.
_FEW = 10


def _path(_: click.Context, __: click.Parameter, value: str | None) -> Path | None:
    return None if value is None else Path(value).expanduser().resolve()


@click.command(short_help="Train a model on own images and annotations.")
@click.option("--images", callback=_path, metavar="DIR", help="Folder of the images.")
@click.option(
    "--annotations", callback=_path, metavar="DIR", help="Folder or file of the annotations, in any of 28 formats."
)
@click.option("--model", metavar="NAME", help="Such as unetpp, stardist or yolo; by default what the annotations fit.")
@click.option("--minutes", type=Decimal("12", least=0.01), default=12.0, show_default=True, help="In all, about.")
@click.option("--name", metavar="NAME", help="Of the study; by default that of the images' folder.")
@click.option("--out", callback=_path, metavar="DIR", help="Folder of the project; by default this one.")
@click.option("--format", "annotation_format", default="auto", metavar="NAME", help="Of the annotations.")
@click.option("--weights", metavar="NAME|FILE", help="Pretrained weights, downloaded if need be; default: none.")
@click.option("--start", metavar="NAME|FILE", help="Trained model to start from; default: the starter where it fits.")
@click.option("--from-scratch", is_flag=True, help="Start from random weights, the same as `--start none`.")
@click.option("--continue", "resume", is_flag=True, help="Go on with the study of that name, where it was ended.")
def train(
    images: Path | None, annotations: Path | None, name: str | None, out: Path | None, *,
    resume: bool, model: str | None, **choices: object,
) -> None:  # fmt: skip
    """Train a model on own images and annotations.

    Finds the format, decides by the annotations whether boxes or outlines are learnt, divides the images, trains,
    chooses thresholds, evaluates, and writes the study to conf/NAME.
    """
    from cell_pipelines.own_study import OwnStudy, check_model, name_study, use_packaged_logging

    use_packaged_logging()
    if resume:
        if name is None and images is None:
            raise click.UsageError("`--continue` needs the `--name` of the study.")
        study = OwnStudy(name_study(images or Path()) if name is None else name, out)
        chosen = study.model()
    else:
        if images is None or annotations is None:
            raise click.UsageError("name the folders of the images and of their annotations: --images, --annotations.")
        study = OwnStudy(name_study(images) if name is None else name, out)
        study.check_new()
        wanted = None if model is None else check_model(model)
        chosen = _plan(study, images, annotations, wanted, choices).model
    study.train(chosen, resume=resume)
    _say_next(study, chosen)


def _plan(study: "OwnStudy", images: Path, annotations: Path, wanted: str | None, choices: dict[str, object]) -> "Plan":
    """Plan the study, say what was chosen, and write it."""
    import time

    begun = time.perf_counter()
    from cell_pipelines.own_images import read_own_images
    from cell_pipelines.workflows.planning.effort import Time
    from cell_pipelines.workflows.planning.measuring import measure_model
    from cell_pipelines.workflows.planning.own_study import plan_study

    annotation_format, wish = str(choices["annotation_format"]), _wish(choices)
    own = read_own_images(images, annotations, annotation_format)
    wish = wish.knowing(own.test)
    started = time.perf_counter() - begun - own.seconds
    plan = plan_study(
        own.facts,
        own.fractions,
        partial(measure_model, study.base(), len(own.facts.categories)),
        wish=wish,
        wanted=wanted,
        time=Time(float(str(choices["minutes"])), own.seconds, started),
    )
    source = {
        "raw_images": str(images),
        "raw_annotations": str(annotations),
        "raw_format": own.facts.annotation_format[0],
    }
    study.write(plan, source, own.splits)
    for decision in plan.decisions:
        click.echo(f"{decision.what}: {decision.value}")
    click.echo(f"Why, and all settings: {study.conf}")
    return plan


def _wish(choices: dict[str, object]) -> "StartWish":
    """Return what the training shall start from, by the three options about it."""
    from cell_pipelines.workflows.planning.start import AUTO, NONE, open_wish

    named, weights = choices["start"], choices["weights"]
    if choices["from_scratch"]:
        if weights is not None or named not in (None, NONE):
            raise click.UsageError("`--from-scratch` starts from random weights; leave out `--start` and `--weights`.")
        named = NONE
    return open_wish(AUTO if named is None else str(named), None if weights is None else str(weights))


def _say_next(study: "OwnStudy", model: str) -> None:
    """Say what to type next."""
    import shlex

    for note in study.training_notes(model):
        click.echo(f"! {note}")
    if (images := study.test_images()) < _FEW:
        click.echo(f"{images} test images are too few to say how good the model is; annotate more, {_FEW} at least.")
    path = shlex.quote(str(study.model_file(model)))
    click.echo(f"Study: {study.conf}; the same again: kedro run --env={study.name}")
    click.echo(f"Count new images: cell-pipelines count NEW_IMAGES --model {path}")
