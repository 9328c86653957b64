import pytest

from cell_pipelines.models.foreign.extras import import_extra


def test_a_library_that_is_not_installed_is_named_with_the_way_to_have_it():
    with pytest.raises(ImportError, match=r'no_such_library.*pip install "cell-pipelines\[stardist-keras\]"'):
        import_extra("no_such_library.core", "stardist-keras", "the weights of StarDist")


def test_one_that_is_comes_back():
    import json

    assert import_extra("json", "x", "y") is json
