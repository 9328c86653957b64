"""Parameters of experiments: which trainings are compared, and how many run at once."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cell_pipelines.pipelines.experiments.space import Pruning, Range, Value
from cell_pipelines.study import MODELS


class ExperimentParameters(BaseModel):
    """Trainings that differ in what is asked about and in nothing else.

    Its trials are every combination of `models`, `values` and `seeds`, or with `variants` every model with each of
    them. A parameter's name that begins with ``model.`` is one of the trial's model.

    Attributes:
        kind: What is said at the end: how the trials compare; what more images would bring; what each change does; how
            good models are on training images that they were trained without, and how good all together are.
        models: What is trained.
        values: For each parameter, by its dotted name, its values; null takes one away that the base names.
        variants: Named changes, each some parameters with their values; ``model`` names another model to train.
        column: What the variants' column in tables is called.
        baseline: The variant that the others are compared with.
        folds: Of a cross-validation: into how many parts the groups of training images are divided; each trial is
            trained without one of them.
        space: Of a search: ranges of parameters, by their dotted names; with several `models` the model is chosen, too.
        trials: Of a search: how many are trained in all, those that end early or fail included.
        pruning: Of a search: when a trial ends early; null for never.
        sampler_seed: Of a search: of the choice of parameters.
        whole: Of a cross-validation: whether one more model is trained on all training images.
        seeds: Of the networks' start and of the choice of a subset.
        settings: Parameters that all trials share, by their dotted names.
        parallel: Trials at once on each device.
        devices: ``auto``, or numbers of GPUs that trials are dealt out to.
        stop_after: Trials that are trained in one call; null for all.
        costs: Measure operations, time and memory of one image for each finished trial, one after the other.
        metric: What trials are ranked by.
        overlays: Images that the page of comparison shows side by side.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["grid", "learning_curve", "ablation", "cross_validation", "search"] = "grid"
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    values: dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]] = {}
    variants: dict[str, dict[str, Any]] = {}
    column: str = "variant"
    baseline: str | None = None
    folds: Annotated[int, Field(ge=2)] | None = None
    whole: bool = False
    space: dict[str, Range] = {}
    trials: Annotated[int, Field(ge=1)] | None = None
    pruning: Pruning | None = Pruning()
    sampler_seed: Annotated[int, Field(ge=0)] = 0
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = ()
    settings: dict[str, Any] = {}
    parallel: Annotated[int, Field(ge=1)] = 1
    devices: Annotated[tuple[str, ...], Field(min_length=1)] = ("auto",)
    stop_after: Annotated[int, Field(ge=0)] | None = None
    costs: bool = True
    metric: str | None = None
    overlays: Annotated[int, Field(ge=0)] = 0

    @field_validator("values", "variants", "space", mode="before")
    @classmethod
    def _without_removed(cls, given: Any) -> Any:
        """Leave out what a study set to null, as it does with what the base configuration names."""
        known = {} if given is None else given
        return {key: value for key, value in known.items() if value is not None} if isinstance(known, dict) else known

    @field_validator("models")
    @classmethod
    def _known(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in models if name not in MODELS]
        if unknown or len(set(models)) < len(models):
            raise ValueError(f"must be different ones among {', '.join(MODELS)}, got {list(models)}")
        return models

    @model_validator(mode="after")
    def _fits(self) -> Self:
        wrong = [v["model"] for v in self.variants.values() if v.get("model", MODELS[0]) not in MODELS]
        if wrong:
            raise ValueError(f"a variant's `model` must be one of {', '.join(MODELS)}, got {wrong[0]!r}")
        if self.values and self.variants:
            raise ValueError("`values` and `variants` exclude each other: name combinations or changes")
        if self.kind == "ablation" and self.baseline not in self.variants:
            raise ValueError(f"`baseline` must be one of {list(self.variants)}, got {self.baseline!r}")
        if self.kind == "learning_curve" and "training_subset.share" not in self.values:
            raise ValueError("a learning curve needs `values` of training_subset.share")
        if (self.kind == "cross_validation") != (self.folds is not None):
            raise ValueError(f"`folds` goes with the kind cross_validation and no other, got {self.kind}, {self.folds}")
        if (self.kind == "search") != bool(self.space) or (self.kind == "search") != (self.trials is not None):
            raise ValueError(f"`space` and `trials` go with the kind search and no other, got {self.kind}")
        if self.kind in ("search", "cross_validation") and (self.values or self.variants or self.seeds):
            raise ValueError(f"a {self.kind} has no `values`, `variants` or `seeds`")
        return self
