import subprocess
import sys

import pytest
from kedro.config import OmegaConfigLoader
from pydantic import TypeAdapter

from cell_pipelines.nested_parameters import merge, nest
from cell_pipelines.pipelines.annotation_conversion.parameters import ConversionParameters
from cell_pipelines.pipelines.annotation_export.parameters import ExportParameters
from cell_pipelines.pipelines.benchmark_models.parameters import BenchmarkParameters
from cell_pipelines.pipelines.cell_selection.parameters import CellSelectionParameters
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.pipelines.experiments.parameters import ExperimentParameters
from cell_pipelines.pipelines.experiments.trials import list_trials
from cell_pipelines.pipelines.fish.parameters import FishParameters
from cell_pipelines.pipelines.learning_curve.parameters import LearningCurveParameters
from cell_pipelines.pipelines.model_export.parameters import ModelExportParameters
from cell_pipelines.pipelines.morphology.parameters import MorphologyParameters
from cell_pipelines.pipelines.next_images.parameters import NextImagesParameters
from cell_pipelines.pipelines.pre_annotation.parameters import PreAnnotationParameters
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters
from cell_pipelines.pipelines.segmentation.parameters import NetworkParameters, SegmentationParameters
from cell_pipelines.pipelines.suspected_labels.parameters import SuspectedLabelsParameters
from cell_pipelines.pipelines.tracking.parameters import TrackingParameters
from cell_pipelines.pipelines.viability.parameters import ViabilityParameters
from cell_pipelines.settings import CONFIG_LOADER_ARGS
from cell_pipelines.study import MODELS as MODELS_OF_ALL_KINDS
from cell_pipelines.study import SEGMENTERS
from cell_pipelines.workflows.model_costs import CostParameters
from cell_pipelines.workflows.parameters.comparison import ComparisonParameters
from cell_pipelines.workflows.parameters.count_intervals import CountIntervalParameters
from cell_pipelines.workflows.parameters.evaluation import EvaluationParameters
from cell_pipelines.workflows.parameters.plates import PlateParameters
from cell_pipelines.workflows.parameters.prediction import InferenceParameters, PredictionParameters
from cell_pipelines.workflows.parameters.thresholds import ThresholdParameters
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters

from .conftest import ROOT

MODELS = {
    "sample_data": SampleDataParameters,
    "annotation_conversion": ConversionParameters,
    "data_preparation": PreparationParameters,
    "annotation_export": ExportParameters,
    "model_export": ModelExportParameters,
    "pre_annotation": PreAnnotationParameters,
    "yolo": YoloParameters,
    "yolo_seg": YoloParameters,
    "rtdetr": YoloParameters,
    "inference": InferenceParameters,
    "prediction": PredictionParameters,
    "threshold_optimisation": ThresholdParameters,
    "evaluation": EvaluationParameters,
    "reporting": ReportingParameters,
    "segmentation": SegmentationParameters,
    "cell_selection": CellSelectionParameters,
    "viability": ViabilityParameters,
    "morphology": MorphologyParameters,
    "fish": FishParameters,
    "tracking": TrackingParameters,
    "training_subset": SubsetParameters,
    "comparison": ComparisonParameters,
    "count_interval": CountIntervalParameters,
    "learning_curve": LearningCurveParameters,
    "benchmark_models": BenchmarkParameters,
    "model_costs": CostParameters,
    "next_images": NextImagesParameters,
    "suspected_labels": SuspectedLabelsParameters,
    "plates": PlateParameters,
    **dict.fromkeys(SEGMENTERS, NetworkParameters),
}
STUDIES = sorted(p.name for p in (ROOT / "conf").iterdir() if p.is_dir() and p.name not in ("base", "local"))


def parameters(study):
    loader = OmegaConfigLoader(conf_source=str(ROOT / "conf"), env=study, **CONFIG_LOADER_ARGS)
    return loader["parameters"]


@pytest.mark.parametrize("study", ["base", *STUDIES])
def test_every_study_has_valid_parameters_and_no_unknown_ones(study):
    found = parameters(study)
    assert set(found) == {*MODELS, "experiments", "dry_run"}
    for name, model in MODELS.items():
        TypeAdapter(model).validate_python(found[name])


@pytest.mark.parametrize("study", ["base", *STUDIES])
def test_every_network_of_every_study_can_be_configured(study):
    from cell_pipelines.losses.registry import LOSSES, create_loss
    from cell_pipelines.models.spec import NetworkSpec
    from cell_pipelines.representations.registry import create_representation
    from cell_pipelines.representations.weight_map import create_weight_map

    found = parameters(study)
    shared = SegmentationParameters(**found["segmentation"])
    for model in SEGMENTERS:
        own = NetworkParameters(**found[model])
        merged = own.merged(shared)
        NetworkSpec(own.architecture, encoder=own.encoder, options=own.options)
        create_representation(merged.representation.name, **merged.representation.options)
        create_loss(merged.loss.name, **merged.loss.options)
        create_weight_map(merged.weight_map.name, **merged.weight_map.options)
        assert merged.representation.name in LOSSES[merged.loss.name].representations, model


@pytest.mark.parametrize("study", ["base", *STUDIES])
def test_every_trial_of_every_experiment_can_be_configured(study):
    found = parameters(study)
    for given in found["experiments"].values():
        for trial in list_trials(ExperimentParameters.model_validate(given)):
            merged = merge(found, nest(trial.changes))
            assert set(merged) == set(found), trial.name
            for name, model in MODELS.items():
                TypeAdapter(model).validate_python(merged[name])


@pytest.mark.exhaustive  # the published sizes are in tests/models/test_registry.py as well
def test_the_grid_of_the_cll_study_has_40_trials_of_which_34_can_be_built():
    from cell_pipelines.models.untrained import create_untrained_network

    found = parameters("cll")
    trials = list_trials(ExperimentParameters.model_validate(found["experiments"]["architecture_grid"]))
    millions, impossible = {}, []
    for trial in trials:
        own = merge(found, nest(trial.changes))[trial.model]
        try:
            network = create_untrained_network(own, out_channels=1, in_channels=3)
        except ValueError:
            impossible.append(trial.name)
        else:
            millions[trial.name] = sum(p.numel() for p in network.parameters()) / 1e6
    assert len(trials) == 40
    assert len(impossible) == 6
    # The paper's table 1, with ResNet-152.
    table = {"unet": 67.2, "unetpp": 83.6, "manet": 182, "linknet": 65.8, "fpn": 60.8, "deeplabv3": 74.3,
             "deeplabv3plus": 61.3, "pan": 58.9}  # fmt: skip
    assert {model: millions[f"{model}_ResNet-152"] for model in table} == pytest.approx(table, abs=0.5)


def test_the_five_yolos_of_the_live_dead_study_are_its_grid():
    trials = list_trials(ExperimentParameters.model_validate(parameters("live_dead")["experiments"]["yolo_versions"]))
    assert [trial.changes["yolo.weights"] for trial in trials] == [
        "yolov8n.pt", "yolov9t.pt", "yolov10n.pt", "yolo11n.pt", "yolo12n.pt",
    ]  # fmt: skip


def network(study, model):
    found = parameters(study)
    own = NetworkParameters(**found[model])
    return own, own.merged(SegmentationParameters(**found["segmentation"]))


def test_the_neurons_study_has_the_papers_settings():
    from cell_pipelines.imaging.tiling import tile_windows

    own, settings = network("neurons", "resunet")
    assert own.architecture == "resunet"
    assert (settings.optimizer, settings.learning_rate, settings.loss.name) == ("adam", 0.006, "weighted_bce")
    assert (settings.schedule.name, settings.schedule.factor, settings.schedule.patience) == ("plateau", 0.7, 4)
    weights = {"sigma_px": 25, "cell_weight": 1.0, "background_weight": 1.5}
    assert (settings.weight_map.name, settings.weight_map.options) == ("crowding", weights)
    windows = tile_windows(1200, 1600, settings.tiles.size, settings.tiles.overlap)
    assert (len(windows), settings.tiles.size, settings.normalisation) == (12, 512, "full_range")
    found = parameters("neurons")
    assert (found["threshold_optimisation"]["split"], found["evaluation"]["max_distance_px"]) == ("train", 50)


def test_the_neural_cells_study_has_the_papers_settings():
    for model in ("unet", "attention_unet", "attention_linknet"):
        own, settings = network("neural_cells", model)
        assert (own.architecture, own.encoder, own.encoder_weights) == (model, "efficientnet-b0", "imagenet")
        assert (settings.optimizer, settings.learning_rate, settings.early_stopping) == ("adam", 0.001, 3)
        assert (settings.schedule.name, settings.schedule.factor, settings.schedule.patience) == ("plateau", 0.5, 2)
        assert (settings.loss.name, settings.resize) == ("combo", (256, 256))
    assert parameters("neural_cells")["threshold_optimisation"]["threshold"] == 0.5


def test_the_cll_study_has_the_papers_settings():
    for model in ("unet", "unetpp", "manet", "linknet", "fpn", "pan", "deeplabv3", "deeplabv3plus"):
        _, settings = network("cll", model)
        assert (settings.loss.name, settings.epochs, settings.tiles.size) == ("dice", 1000, 224)
    assert network("cll", "unetpp")[0].encoder == "timm-resnest269e"
    assert network("cll", "stardist")[1].tiles.size == 256


def test_the_live_dead_study_has_the_papers_settings():
    yolo = YoloParameters(**parameters("live_dead")["yolo"])
    assert (yolo.image_size, yolo.batch, yolo.epochs, yolo.optimizer) == (1280, 4, 150, "AdamW")
    assert (yolo.learning_rate, yolo.momentum, yolo.from_scratch) == (0.001667, 0.9, False)
    augmentation = yolo.augmentation
    assert (augmentation.mosaic, augmentation.flipud, augmentation.fliplr) == (0.5, 0.25, 0.25)
    shape = (augmentation.degrees, augmentation.translate, augmentation.scale, augmentation.shear)
    assert shape == (0.25, 0.25, 0.25, 0.25)
    probabilities = {t["name"]: t["p"] for t in augmentation.transforms}
    assert probabilities == {"MotionBlur": 0.25, "MedianBlur": 0.10, "Blur": 0.10, "ImageCompression": 0.15}


def test_the_registry_keeps_its_promised_names_and_needs_no_torch():
    program = (
        "import sys\n"
        "from cell_pipelines.pipeline_registry import register_pipelines\n"
        "print(*register_pipelines())\n"
        "heavy = {'torch', 'ultralytics', 'torchvision', 'matplotlib', 'lightning', 'segmentation_models_pytorch'}\n"
        "assert not heavy & set(sys.modules), 'too much loaded'\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    promised = {
        "sample_data", "annotation_conversion", "data_preparation", "train_yolo", "threshold_optimisation",
        "evaluation", "prediction", "reporting", "__default__", *(f"train_{model}" for model in MODELS_OF_ALL_KINDS),
    }  # fmt: skip
    assert promised <= set(result.stdout.split())


def test_listing_the_pipelines_does_not_load_torch():
    program = (
        "import sys\n"
        "from kedro.framework.cli import main\n"
        "sys.argv = ['kedro', 'registry', 'list']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    print('TORCH', 'torch' in sys.modules)\n"
        "else:\n"
        "    print('TORCH', 'torch' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert "train_yolo" in result.stdout
    assert "TORCH False" in result.stdout


def test_composite_pipelines_are_made_of_the_studys_models():
    from cell_pipelines.pipeline_registry import register_pipelines
    from cell_pipelines.study import choose_models, chosen_models

    try:
        choose_models("unet+stardist")
        nodes = {node.name for node in register_pipelines()["evaluation"].nodes}
        assert {name.split(".")[0] for name in nodes} == {"unet", "stardist"}
        with pytest.raises(ValueError, match="among yolo, yolo_seg, rtdetr, resunet"):
            choose_models("unett")
        assert chosen_models() == ("unet", "stardist")
    finally:
        choose_models(None)
