"""Every loss of the registry: masked pixels count for nothing, weights of 1 change nothing, nothing is ever NaN."""

import pytest
import torch

from cell_pipelines.losses.registry import LOSSES, create_loss

CHANNELS = {"cross_entropy_dice": 3, "star": 9, "flows": 3}
each_loss = pytest.mark.parametrize("name", sorted(LOSSES))


def target_of(name: str, cells: torch.Tensor) -> torch.Tensor:
    """Return a hard target for cells (B, H, W) of 0 and 1."""
    if name == "cross_entropy_dice":
        return torch.nn.functional.one_hot(cells.long(), 3).movedim(-1, 1).float()
    if name == "flows":
        return torch.cat([cells[:, None], cells[:, None] * torch.tensor([0.6, -0.8]).reshape(1, 2, 1, 1)], dim=1)
    if name == "star":
        return torch.cat([cells[:, None], cells[:, None] * torch.full((1, 8, 1, 1), 6.0)], dim=1)
    return cells[:, None].float()


def sample(name: str, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    cells = (torch.rand(2, 11, 14, generator=generator) > 0.6).float()
    logits = torch.randn(2, CHANNELS.get(name, 1), 11, 14, generator=generator)
    return logits.requires_grad_(), target_of(name, cells)


def perfect(name: str, target: torch.Tensor) -> torch.Tensor:
    sure = (target * 2 - 1) * 30
    return torch.cat([sure[:, :1], target[:, 1:]], dim=1) if name in ("star", "flows") else sure


@each_loss
def test_a_perfect_prediction_has_a_loss_near_0(name: str) -> None:
    _, target = sample(name)
    assert float(create_loss(name)(perfect(name, target), target, None)) == pytest.approx(0, abs=1e-3)


@each_loss
def test_gradients_are_finite_and_descending_them_lowers_the_loss(name: str) -> None:
    logits, target = sample(name)
    loss = create_loss(name)
    before = loss(logits, target, None)
    before.backward()
    assert torch.isfinite(logits.grad).all()
    assert loss(logits - logits.grad, target, None) < before


@each_loss
def test_weights_of_1_equal_no_weights(name: str) -> None:
    logits, target = sample(name)
    loss = create_loss(name)
    torch.testing.assert_close(loss(logits, target, torch.ones(2, 11, 14)), loss(logits, target, None))


@each_loss
def test_pixels_of_weight_0_count_for_nothing_even_when_they_are_nan(name: str) -> None:
    """The loss of a padded batch is that of the batch before padding, and no gradient reaches the padding."""
    logits, target = sample(name)
    wide = torch.full((2, logits.shape[1], 16, 20), float("nan"))
    wide_target = wide.clone()
    wide[:, :, :11, :14], wide_target[:, :, :11, :14] = logits.detach(), target
    weights = torch.zeros(2, 16, 20)
    weights[:, :11, :14] = 1
    wide.requires_grad_()
    loss = create_loss(name)(wide, wide_target, weights)
    torch.testing.assert_close(loss, create_loss(name)(logits, target, None))
    loss.backward()
    assert torch.isfinite(wide.grad).all()
    assert (wide.grad * (1 - weights[:, None]) == 0).all()


@each_loss
def test_without_any_pixel_the_loss_is_0_and_has_a_gradient(name: str) -> None:
    logits, target = sample(name)
    loss = create_loss(name)(logits, target, torch.zeros(2, 11, 14))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert (logits.grad == 0).all()


@each_loss
def test_nothing_but_background_is_finite_and_near_0_when_rightly_predicted(name: str) -> None:
    target = target_of(name, torch.zeros(2, 11, 14))
    logits, _ = sample(name)
    assert torch.isfinite(create_loss(name)(logits, target, None))
    assert float(create_loss(name)(perfect(name, target), target, None)) == pytest.approx(0, abs=1e-3)


@each_loss
def test_half_precision_logits_give_a_finite_float32_loss(name: str) -> None:
    logits, target = sample(name)
    loss = create_loss(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = loss((logits.detach() * 40).bfloat16().requires_grad_(), target, None)
    half.backward()
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, loss(logits * 40, target, None), rtol=0.02, atol=0.02)


@each_loss
def test_heavier_pixels_pull_harder(name: str) -> None:
    """A greater weight of the worse of two images raises the loss."""
    _, target = sample(name)
    logits = perfect(name, target)
    logits[1] = -logits[1]
    weights = torch.ones(2, 11, 14)
    weights[1] = 5
    assert create_loss(name)(logits, target, weights) > create_loss(name)(logits, target, None)


@each_loss
def test_arguments_stay_as_they_were(name: str) -> None:
    logits, target = sample(name)
    weights = torch.rand(2, 11, 14)
    copies = [x.detach().clone() for x in (logits, target, weights)]
    create_loss(name)(logits, target, weights)
    for value, copy in zip((logits, target, weights), copies, strict=True):
        assert torch.equal(value, copy)


@each_loss
def test_shapes_that_do_not_fit_are_refused(name: str) -> None:
    logits, target = sample(name)
    with pytest.raises(ValueError, match="same shape"):
        create_loss(name)(logits, target[:, :, :-1], None)
    with pytest.raises(ValueError, match="`weights` must have the shape"):
        create_loss(name)(logits, target, torch.ones(2, 1, 11, 14))


def test_every_representation_has_a_loss() -> None:
    fitting = {name for loss in LOSSES.values() for name in loss.representations}
    assert fitting == {"binary", "three_class", "distance", "star", "flows"}


def test_unknown_names_and_options_are_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="dice, weighted_bce, combo, cross_entropy_dice, star, flows, got 'focal'"):
        create_loss("focal")
    with pytest.raises(ValueError, match="'combo' has no option gamma; it has alpha, beta, smooth, per_image"):
        create_loss("combo", gamma=2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dice", {"smooth": 0}), ("weighted_bce", {"positive_weight": 0}), ("combo", {"alpha": 1.2}),
        ("combo", {"beta": -0.1}), ("cross_entropy_dice", {"dice_weight": -1}), ("star", {"distance_weight": -1}),
        ("star", {"background": float("nan")}),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused(name: str, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        create_loss(name, **options)
