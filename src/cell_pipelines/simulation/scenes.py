"""The scenes of the synthetic microscope, and one function for all that show their cells in one image."""

from __future__ import annotations

from cell_pipelines.simulation.brightfield import BrightfieldScene, simulate_brightfield
from cell_pipelines.simulation.field import CellField
from cell_pipelines.simulation.fish import FishScene
from cell_pipelines.simulation.live_dead import LiveDeadScene
from cell_pipelines.simulation.neurons import NeuronScene, simulate_neurons
from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei
from cell_pipelines.simulation.phase_contrast import PhaseContrastScene, simulate_phase_contrast
from cell_pipelines.simulation.time_lapse import TimeLapseScene

CellScene = NeuronScene | PhaseContrastScene | BrightfieldScene | NucleiScene
Scene = LiveDeadScene | FishScene | TimeLapseScene | CellScene


def simulate_cells(scene: CellScene, seed: int) -> CellField:
    """Simulate one field of any scene that shows its cells in one image.

    Args:
        scene: What the field looks like.
        seed: Seed of all randomness, 0 or more.
    """
    match scene:
        case NeuronScene():
            return simulate_neurons(scene, seed)
        case PhaseContrastScene():
            return simulate_phase_contrast(scene, seed)
        case BrightfieldScene():
            return simulate_brightfield(scene, seed)
        case NucleiScene():
            return simulate_nuclei(scene, seed)
