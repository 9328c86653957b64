import subprocess
import sys

import pytest
from kedro.config import OmegaConfigLoader

from cell_pipelines.pipelines.annotation_conversion.parameters import ConversionParameters
from cell_pipelines.pipelines.annotation_export.parameters import ExportParameters
from cell_pipelines.pipelines.data_preparation.parameters import PreparationParameters
from cell_pipelines.pipelines.detection.parameters import YoloParameters
from cell_pipelines.pipelines.evaluation.parameters import EvaluationParameters
from cell_pipelines.pipelines.pre_annotation.parameters import PreAnnotationParameters
from cell_pipelines.pipelines.prediction.parameters import InferenceParameters, PredictionParameters
from cell_pipelines.pipelines.reporting.parameters import ReportingParameters
from cell_pipelines.pipelines.sample_data.parameters import SampleDataParameters
from cell_pipelines.pipelines.threshold_optimisation.parameters import ThresholdParameters
from cell_pipelines.settings import CONFIG_LOADER_ARGS

from .conftest import ROOT

MODELS = {
    "sample_data": SampleDataParameters,
    "annotation_conversion": ConversionParameters,
    "data_preparation": PreparationParameters,
    "annotation_export": ExportParameters,
    "pre_annotation": PreAnnotationParameters,
    "yolo": YoloParameters,
    "inference": InferenceParameters,
    "prediction": PredictionParameters,
    "threshold_optimisation": ThresholdParameters,
    "evaluation": EvaluationParameters,
    "reporting": ReportingParameters,
}
STUDIES = sorted(p.name for p in (ROOT / "conf").iterdir() if p.is_dir() and p.name not in ("base", "local"))


def parameters(study):
    loader = OmegaConfigLoader(conf_source=str(ROOT / "conf"), env=study, **CONFIG_LOADER_ARGS)
    return loader["parameters"]


@pytest.mark.parametrize("study", ["base", *STUDIES])
def test_every_study_has_valid_parameters_and_no_unknown_ones(study):
    found = parameters(study)
    assert set(found) == set(MODELS)
    for name, model in MODELS.items():
        model.model_validate(found[name])


def test_the_live_dead_study_has_the_papers_settings():
    yolo = YoloParameters.model_validate(parameters("live_dead")["yolo"])
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
        "assert not {'torch', 'ultralytics', 'albumentations', 'matplotlib'} & set(sys.modules), 'too much loaded'\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    promised = {
        "sample_data", "annotation_conversion", "data_preparation", "train_yolo", "threshold_optimisation",
        "evaluation", "prediction", "reporting", "__default__",
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
