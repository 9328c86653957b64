import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_pipelines.annotations.building import AnnotationBuilder
from cell_pipelines.annotations.splitting import training_subset
from cell_pipelines.workflows.parameters.training_subset import SubsetParameters


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


def _grouped(sizes):
    """Return a set whose training groups have these sizes, with two images of validation and two of test."""
    builder = AnnotationBuilder(("cell",))
    groups = [f"group {number}" for number, size in enumerate(sizes) for _ in range(size)]
    splits = ["train"] * len(groups) + ["val", "val", "test", "test"]
    for number, split in enumerate(splits):
        builder.add_image(f"{split}{number}.png", width=10, height=10)
    grouped = builder.build().with_image_column("split", splits)
    return grouped.with_image_column("group", [*groups, "v", "v", "t", "t"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=12), st.integers(2, 5), st.integers(0, 3))
def test_every_training_image_is_held_out_once_with_its_whole_group_and_no_other_ever(sizes, folds, seed):
    whole = _grouped(sizes)
    if folds > len(sizes):
        with pytest.raises(ValueError, match=rf"at most the number of groups .* {len(sizes)}; got {folds}"):
            SubsetParameters(folds=folds, fold=1, seed=seed).take(whole)
        return
    parts = [SubsetParameters(folds=folds, fold=number, seed=seed) for number in range(1, folds + 1)]
    held_out = [set(part.held_out(whole).names) for part in parts]
    assert sorted(name for names in held_out for name in names) == sorted(_training(whole))
    groups = dict(zip(whole.names, whole.images["group"].to_pylist(), strict=True))
    for part, names in zip(parts, held_out, strict=True):
        kept = part.take(whole)
        assert names and set(kept.names) == set(whole.names) - names
        assert not {groups[name] for name in names} & {groups[name] for name in kept.names}


def test_folds_have_about_the_same_number_of_images():
    whole = _grouped([1] * 50 + [3] * 10)
    sizes = [SubsetParameters(folds=4, fold=number).held_out(whole).n_images for number in range(1, 5)]
    assert max(sizes) - min(sizes) <= 3


@pytest.mark.parametrize("given", [{"folds": 3}, {"fold": 1}, {"folds": 3, "fold": 4}])
def test_a_fold_without_its_folds_is_refused(given):
    with pytest.raises(ValueError, match="must be one of `folds`"):
        SubsetParameters(**given)
