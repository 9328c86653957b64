import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.splitting import training_subset


def _set(n_train):
    builder = AnnotationBuilder(("cell",))
    splits = ["train"] * n_train + ["val"] * 3 + ["test"] * 2
    for number, split in enumerate(splits):
        builder.add_image(f"{split}{number}.png", width=10, height=10)
    return builder.build().with_image_column("split", splits)


def _training(annotations):
    splits = annotations.images["split"].to_pylist()
    return {name for name, split in zip(annotations.names, splits, strict=True) if split == "train"}


def test_shares_of_252_images_are_those_of_the_paper():
    whole = _set(252)
    counts = [len(_training(training_subset(whole, share, seed=0))) for share in (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)]
    assert counts == [5, 12, 25, 63, 126, 252]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(0, 5), st.floats(0.001, 1), st.floats(0.001, 1))
def test_subsets_are_nested_and_leave_validation_and_test_alone(n_train, seed, one, other):
    whole = _set(n_train)
    small, large = (training_subset(whole, share, seed=seed) for share in sorted((one, other)))
    assert 1 <= len(_training(small)) <= len(_training(large))
    assert _training(small) <= _training(large) <= _training(whole)
    for part in (small, large):
        assert set(whole.names) - set(part.names) == _training(whole) - _training(part)


def test_seeds_choose_different_images():
    whole = _set(40)
    assert len({frozenset(_training(training_subset(whole, 0.1, seed=seed))) for seed in range(5)}) > 1


def test_every_image_is_as_likely_as_any_other():
    whole = _set(8)
    names = [name for seed in range(400) for name in _training(training_subset(whole, 0.25, seed=seed))]
    counts = np.array([names.count(name) for name in whole.names[:8]])
    assert np.all(np.abs(counts - 100) < 45)  # 5 standard deviations of a binomial count


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match=r"`share` of the training images"):
        training_subset(_set(3), share, seed=0)
