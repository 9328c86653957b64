"""Links missed and wrong with a set and an estimated reach, on generated cells of several speeds and on T98G.

python benchmarks/tracking_reach.py --real ../shared/data/timelapse_tracked_t98g/tracks.csv

A link joins a cell to itself in the next frame in which it is seen, or to its daughters. True outlines are given.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from cell_pipelines.analysis.tracking.linking import LinkingSettings, link_cells
from cell_pipelines.simulation.time_lapse import TimeLapse, TimeLapseScene, simulate_time_lapse

SCENES = {
    "slow: 1 px": (TimeLapseScene(frames=16, cells=24, speed_px=1.0), 1),
    "usual: 3 px": (TimeLapseScene(frames=16, cells=24), 1),
    "as study cll, dividing": (TimeLapseScene(frames=24, cells=30, division_rate=0.02), 3),
    "10 px": (TimeLapseScene(frames=16, cells=16, speed_px=10.0), 1),
    "20 px": (TimeLapseScene(frames=16, cells=12, speed_px=20.0, height=512, width=512), 2),
    "15 px, erratic": (TimeLapseScene(frames=16, cells=12, speed_px=15.0, persistence=0.0, height=512, width=512), 5),
    "30 px": (TimeLapseScene(frames=12, cells=8, speed_px=30.0, height=512, width=512), 2),
    "20 px, crowded": (TimeLapseScene(frames=12, cells=40, speed_px=20.0), 4),
}


def to_positions(lapse: TimeLapse) -> tuple[pd.DataFrame, dict[int, int]]:
    """Give one row per cell with its true track, and the parents of the tracks."""
    rows = []
    for frame, (_, labels) in enumerate(lapse.frames()):
        ids = np.unique(labels[labels > 0])
        places = ndimage.center_of_mass(labels > 0, labels, ids)
        areas = np.bincount(labels.ravel())[ids]
        rows += [
            ("a", frame, f"{frame}", *place, area, id_) for place, area, id_ in zip(places, areas, ids, strict=True)
        ]
    names = ["sequence", "frame", "image", "row_px", "column_px", "area_px2", "true"]
    return pd.DataFrame(rows, columns=names), dict(zip(lapse.lineage["track"], lapse.lineage["parent"], strict=True))


def read_usiigaci(path: Path) -> tuple[pd.DataFrame, dict[int, int]]:
    """Give the same of the table of T98G."""
    table = pd.read_csv(path).rename(columns={"y": "row_px", "x": "column_px", "area": "area_px2", "particle": "true"})
    return table.assign(sequence="a", image=table["frame"].astype(str)).sort_values("frame", ignore_index=True), {}


def links(cells: pd.DataFrame, track: pd.Series, parents: dict[int, int]) -> set[tuple[int, int]]:
    """Give the links as pairs of rows."""
    rows = {number: own.index.to_numpy() for number, own in cells.sort_values("frame").groupby(track)}
    along = {pair for own in rows.values() for pair in pairwise(own)}
    return along | {
        (rows[parent][-1], rows[own][0]) for own, parent in parents.items() if parent in rows and own in rows
    }


def compare(cells: pd.DataFrame, parents: dict[int, int], settings: LinkingSettings) -> tuple[int, int, float]:
    """Give missed links, wrong links and the reach."""
    linked = link_cells(cells, settings)
    found_parents = linked[linked["parent"] > 0].groupby("track")["parent"].first().to_dict()
    true, found = links(cells, cells["true"], parents), links(linked, linked["track"], found_parents)
    return len(true - found), len(found - true), float(linked["max_distance_px"].iloc[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="tracks.csv of T98G")
    args = parser.parse_args()
    cases = {name: to_positions(simulate_time_lapse(*scene)) for name, scene in SCENES.items()}
    cases |= {"T98G, real": read_usiigaci(args.real)} if args.real else {}
    print("| cells | links | 20 px: missed, wrong | auto: missed, wrong | reach |\n|---|---|---|---|---|")
    for name, (cells, parents) in cases.items():
        divides = any(parents.values())
        fixed = compare(cells, parents, LinkingSettings(20.0, gap_frames=2, divisions=divides))
        auto = compare(cells, parents, LinkingSettings("auto", gap_frames=2, divisions=divides))
        total = len(links(cells, cells["true"], parents))
        print(f"| {name} | {total} | {fixed[0]}, {fixed[1]} | {auto[0]}, {auto[1]} | {auto[2]:.1f} px |", flush=True)


if __name__ == "__main__":
    main()
