"""A network gives on tiles what it gives on the whole image, whatever the image's size and depth."""

import numpy as np
import pytest

from cell_pipelines.imaging.reading import open_region_reader, write_image
from cell_pipelines.inference.network import TileNetwork
from cell_pipelines.inference.pixels import UnitPixels
from cell_pipelines.inference.tiled_scores import predict_scores

SIZES = ((1, 1), (3, 5), (40, 1), (63, 64), (131, 97), (200, 257))


def picture(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["convolutions", "small_unet"])
def test_tiled_equals_whole(kind, shape, turned, maps, request):
    network = TileNetwork(request.getfixturevalue(kind)(), maps(), device="cpu", test_time_augmentation=turned)
    pixels = UnitPixels(picture((*shape, 3)))
    (whole,), _ = predict_scores(network, pixels)
    (tiled,), _ = predict_scores(network, pixels, tile=96, overlap=64)
    assert whole["maps"].shape == (1, *shape)
    assert whole["maps"].dtype == np.float32
    assert ((whole["maps"] >= 0) & (whole["maps"] <= 1)).all()
    np.testing.assert_allclose(tiled["maps"], whole["maps"], atol=1e-5)


def test_tiles_that_start_off_the_stride_would_differ(small_unet, maps):
    network = TileNetwork(small_unet(), maps(), device="cpu")
    image = picture((80, 80, 3))
    (whole,), _ = predict_scores(network, UnitPixels(image))
    (moved,), _ = predict_scores(network, UnitPixels(image[1:, 1:]))
    inner = (0, slice(30, 50), slice(30, 50))
    assert np.abs(whole["maps"][:, 1:, 1:][inner] - moved["maps"][inner]).max() > 1e-3


def test_a_small_memory_gives_the_same_as_a_large_one(small_unet, maps):
    network = TileNetwork(small_unet(), maps(), device="cpu")
    pixels = UnitPixels(picture((700, 500, 3)))
    (whole,), _ = predict_scores(network, pixels, overlap=64)
    (tiled,), _ = predict_scores(network, pixels, overlap=64, memory_gb=250**2 * network.bytes_per_pixel / 1e9)
    np.testing.assert_allclose(tiled["maps"], whole["maps"], atol=1e-5)


def test_categories_and_activations_are_distinguished(convolutions, maps):
    import torch

    representation = maps(("cell", "border", "rest", "far"), ("softmax", "softmax", "softmax", "identity"))
    torch_network = convolutions(outputs=8)
    image = picture((20, 30, 3))
    (first, second), _ = predict_scores(TileNetwork(torch_network, representation, device="cpu"), UnitPixels(image))
    logits = torch_network(torch.from_numpy(image / np.float32(255)).permute(2, 0, 1)[None])[0].numpy()
    for scores, part in ((first, logits[:4]), (second, logits[4:])):
        np.testing.assert_allclose(scores["maps"][:3], np.exp(part[:3]) / np.exp(part[:3]).sum(0), rtol=1e-4)
        np.testing.assert_allclose(scores["maps"][3], part[3], rtol=1e-4, atol=1e-6)


def test_sixteen_bits_equal_eight_bits_scaled(convolutions, maps):
    network, image = TileNetwork(convolutions(), maps(), device="cpu"), picture((50, 60))
    for normalisation in ("full_range", "percentile"):
        shallow = predict_scores(network, UnitPixels(image, normalisation=normalisation))[0][0]
        deep = predict_scores(network, UnitPixels(image.astype(np.uint16) * 257, normalisation=normalisation))[0][0]
        np.testing.assert_allclose(deep["maps"], shallow["maps"], atol=1e-5)


def test_nan_pixels_count_as_0(convolutions, maps, caplog):
    network = TileNetwork(convolutions(), maps(), device="cpu")
    image = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    image[3:6, 4:9] = 0
    broken = np.where(image == 0, np.float32(np.nan), image)
    expected = predict_scores(network, UnitPixels(image))[0][0]
    assert not caplog.records
    np.testing.assert_array_equal(predict_scores(network, UnitPixels(broken))[0][0]["maps"], expected["maps"])
    assert "15 values are no finite numbers" in caplog.text
    assert np.isnan(broken).sum() == 15


@pytest.mark.parametrize("normalisation", ["full_range", "percentile"])
def test_an_image_on_disk_is_read_tile_by_tile(convolutions, maps, tmp_path, monkeypatch, normalisation):
    image = picture((300, 200, 3), np.uint16)
    write_image(image, tmp_path / "a.tif")
    network = TileNetwork(convolutions(), maps(), device="cpu")
    expected = predict_scores(network, UnitPixels(image, normalisation=normalisation), tile=96, overlap=32)[0][0]
    with open_region_reader(tmp_path / "a.tif") as reader:
        pixels = UnitPixels(reader, normalisation=normalisation)
        sizes = []
        read = reader.read
        monkeypatch.setattr(reader, "read", lambda *window: sizes.append(window[2:]) or read(*window))
        found = predict_scores(network, pixels, tile=96, overlap=32)[0][0]
    np.testing.assert_array_equal(found["maps"], expected["maps"])
    assert len(sizes) > 8
    assert max(height * width for height, width in sizes) <= 96**2


def test_other_channels_than_the_model_learned_from_are_refused(convolutions, maps):
    network = TileNetwork(convolutions(channels=2), maps(), device="cpu")
    with pytest.raises(ValueError, match="the image has 4 channels, but the model learned from 2"):
        predict_scores(network, UnitPixels(picture((9, 9, 4)), colour="channels"))
    assert predict_scores(network, UnitPixels(picture((9, 9, 2)), colour="channels"))[0][0]["maps"].shape == (1, 9, 9)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0, 3), (5,), (2, 3, 4, 5)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"`image` must be \(H, W\)"):
        UnitPixels(np.zeros(shape, np.uint8))


def test_bfloat16_is_near_float32(convolutions, maps):
    pixels = UnitPixels(picture((40, 40, 3)))
    exact, rough = (
        predict_scores(TileNetwork(convolutions(), maps(), device="cpu", precision=precision), pixels)[0][0]["maps"]
        for precision in ("float32", "bfloat16")
    )
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough, exact, atol=0.02)
    assert (rough != exact).any()


def test_a_wrong_precision_or_device_is_told(convolutions, maps):
    with pytest.raises(ValueError, match="`precision` must be float32 or bfloat16, got 'half'"):
        TileNetwork(convolutions(), maps(), precision="half")
    with pytest.raises(ValueError, match="`device` must be auto, cpu, cuda or mps, got 'tpu'"):
        TileNetwork(convolutions(), maps(), device="tpu")
