"""A generated image to try the page on."""

from pathlib import Path


def write_sample(folder: Path) -> None:
    """Write an image of fluorescent nuclei of the synthetic microscope into a new folder."""
    from cell_pipelines.imaging.reading import write_image
    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    folder.mkdir(parents=True)
    write_image(simulate_nuclei(NucleiScene(), seed=1).image, folder / "sample_nuclei.png")
