"""From the click to the first number: an image is sent to a warm server, and its counts are asked for until they are there.

The image is a generated field of 1024x1024 pixels with 300 nuclei, another one each time. Times are those of the clock, from
the first byte that is sent to the last of the counts, by a client in a process of its own, as a browser is; beside them
those of the command, started anew each time, and where the server's own time goes.

    python benchmarks/app_first_count.py --repeats 7
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

SIDE_PX, NUCLEI = 1024, 300


def make_fields(folder: Path, count: int) -> list[Path]:
    from cell_pipelines.imaging.reading import write_image
    from cell_pipelines.simulation.nuclei import NucleiScene, simulate_nuclei

    paths = [folder / f"field_{number}.tif" for number in range(count)]
    for number, path in enumerate(paths):
        scene = NucleiScene(height=SIDE_PX, width=SIDE_PX, cells=NUCLEI, debris=0.0)
        write_image(simulate_nuclei(scene, number).image, path)
    return paths


def environment() -> dict[str, str]:
    """Return the environment without what would keep the server to one core."""
    return {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "cell_pipelines", "app", "--folder", str(folder), "--port", str(port), "--no-open"]
    server = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL)
    for _ in range(600):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                return server
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def click(client: httpx.Client, path: Path) -> tuple[dict[str, float], int]:
    """Send an image and wait for its counts; return the seconds of each step, and the count."""
    times, began = {}, time.perf_counter()
    answer = client.post("/api/v1/jobs", files={"files": (path.name, path.read_bytes())}, data={"model": "nuclei"})
    answer.raise_for_status()
    base = f"/api/v1/jobs/{answer.json()['id']}"
    times["upload"] = time.perf_counter() - began
    job = client.get(base, params={"wait": 30}).json()
    times["counting"] = time.perf_counter() - began - times["upload"]
    counts = client.get(f"{base}/counts").json()
    times["click to number"] = time.perf_counter() - began
    client.get(f"{base}/images/0/cells").raise_for_status()
    client.get(f"{base}/images/0/picture").raise_for_status()
    times["click to outlines"] = time.perf_counter() - began
    if job["state"] != "done":
        raise SystemExit(job["message"])
    return times, int(counts["total"])


def command(path: Path, folder: Path) -> float:
    began = time.perf_counter()
    words = [sys.executable, "-m", "cell_pipelines", "count", str(path), "--out", str(folder / f"out_{path.stem}")]
    subprocess.run(words, check=True, env=environment(), capture_output=True)
    return time.perf_counter() - began


def show(name: str, seconds: list[float]) -> None:
    print(f"{name:20} median {statistics.median(seconds):6.2f} s   {min(seconds):.2f} to {max(seconds):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--commands", type=int, default=3, help="Starts of the command.")
    parser.add_argument("--port", type=int, default=8799)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fields = make_fields(folder, chosen.repeats + 1)
        server = start(folder / "jobs", chosen.port)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{chosen.port}", timeout=120) as client:
                time.sleep(10)  # what a person takes to choose an image; the server loads its libraries meanwhile
                first, _ = click(client, fields[0])
                found = [click(client, field) for field in fields[1:]]
        finally:
            server.terminate()
            server.wait()
        print(f"{os.cpu_count()} cores; {SIDE_PX} x {SIDE_PX} px; {[count for _, count in found]} cells of {NUCLEI}")
        show("first of all", [first["click to number"]])
        for step in found[0][0]:
            show(step, [times[step] for times, _ in found])
        if chosen.commands:
            show("command, cold", [command(field, folder) for field in fields[: chosen.commands]])


if __name__ == "__main__":
    main()
