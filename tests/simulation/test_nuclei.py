import numpy as np
import pytest

from cell_pipelines.simulation.nuclei import NucleiScene, draw_look, simulate_nuclei
from cell_pipelines.simulation.series import plan_series


def test_a_field_shows_what_its_labels_say():
    field = simulate_nuclei(NucleiScene(cells=12, noise=0.2, background=0.03, vagueness=0.0), seed=3)
    inside, outside = field.image[field.labels > 0], field.image[field.labels == 0]
    assert len(field.boxes) == field.labels.max() > 8
    assert np.median(inside) > 2 * np.median(outside)


def test_the_same_seed_gives_the_same_bytes_and_inversion_only_turns_them():
    scene = NucleiScene(height=96, width=120, cells=6)
    plain, again = (simulate_nuclei(scene, 5) for _ in range(2))
    turned = simulate_nuclei(NucleiScene(height=96, width=120, cells=6, inverted=True), 5)
    assert np.array_equal(plain.image, again.image)
    assert np.array_equal(255 - turned.image, plain.image) and np.array_equal(turned.labels, plain.labels)


def test_looks_differ_in_all_that_images_differ_in():
    looks = [draw_look(NucleiScene(height=64, width=64), seed) for seed in range(200)]
    assert {look.bit_depth for look in looks} == {8, 16} and {look.channels for look in looks} == {1, 3}
    assert {look.inverted for look in looks} == {True, False}
    assert 0 < sum(look.cells == 0 for look in looks) < 40
    assert {(look.height, look.width) for look in looks} == {(64, 64)}


@pytest.mark.parametrize("seed", range(6))
def test_any_look_gives_an_image_of_its_type(seed):
    scene = draw_look(NucleiScene(height=80, width=90), seed)
    field = simulate_nuclei(scene, seed)
    assert field.image.shape == ((80, 90) if scene.channels == 1 else (80, 90, 3))
    assert field.image.dtype == (np.uint8 if scene.bit_depth == 8 else np.uint16)


def test_each_field_of_a_varied_series_has_a_look_of_its_own():
    varied = plan_series(4, 1, seed=0, scene=NucleiScene())
    alike = plan_series(4, 1, seed=0, scene=NucleiScene(varied=False))
    assert len({field.scene.mean_radius_px for field in varied}) == 4
    assert len({field.scene.mean_radius_px for field in alike}) == 1


def test_more_channels_than_a_microscope_shows_here_are_refused():
    with pytest.raises(ValueError, match="`channels` must be 1 or 3, got 2"):
        NucleiScene(channels=2)
