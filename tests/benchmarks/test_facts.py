"""The facts that the docs state of the architecture hold."""

import facts

#: What is drawn at more than one place, of different tables.
SEVERAL = {
    "plot_training_history": "of detectors and of segmentation networks",
    "plot_counts": "the command evaluate, whose page has no catalog",
    "plot_instance_curve": "the classes of a model, and several models",
}


def test_each_figure_is_drawn_at_one_place_and_pages_show_the_drawn_one() -> None:
    calls = facts.calls_of_figures()
    assert {name for name, places in calls.items() if len(places) > 1} == set(SEVERAL)
    assert calls["plot_viability"] == ["pipelines/viability/nodes.py"], "calls are counted also where they are renamed"
    assert calls["rank_figures"] == ["workflows/comparison.py"], "functions that draw several figures count, too"
    assert calls["plot_patterns"] == ["pipelines/fish/nodes.py"]
