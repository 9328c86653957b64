"""Hostile uploads for the web page's server: names, formats, sizes and archives that strangers may send, by a seed.

    python benchmarks/app_hostile.py --count 500

Each is sent to a server in this process, and its job is waited for: the answer must be one sentence with a status of 4xx,
or a job whose images are counted or listed with a sentence each; nothing may be written outside the job's folder; and
the memory of the process must stay small. Prints what came of the kinds, and ends with status 1 where anything fell.
`tests/app/test_hostile_uploads.py` sends some of them.
"""

import argparse
import collections
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from simulated.hostile_uploads import Hostile, Upload, hostile_uploads


def body_of(files: Upload, model: str) -> tuple[bytes, str]:
    """Return a form with names as they are, which libraries would mend."""
    parts = [f'--b0undary\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n'.encode()]
    for name, content in files:
        quoted = (
            name.replace("\\", "\\\\")
            .replace('"', '\\"')
            .replace("\r", "%0D")
            .replace("\n", "%0A")
            .encode("utf-8", "replace")
        )
        head = b'--b0undary\r\nContent-Disposition: form-data; name="files"; filename="' + quoted + b'"\r\n\r\n'
        parts.append(head + content + b"\r\n")
    return b"".join(parts) + b"--b0undary--\r\n", "multipart/form-data; boundary=b0undary"


def send(client: Any, upload: Hostile, model: str) -> tuple[str, list[str]]:
    """Send an upload and wait for its job; return how it ended, and what is wrong with that."""
    content, kind = body_of(upload.files, model)
    answer = client.post("/api/v1/jobs", content=content, headers={"Content-Type": kind})
    if answer.status_code != 201:
        wrong = [] if 400 <= answer.status_code < 500 else [f"status {answer.status_code}: {answer.text[:200]}"]
        return "refused", wrong + check_sentence(answer.json().get("error", ""))
    job = answer.json()["id"]
    ended = client.get(f"/api/v1/jobs/{job}", params={"wait": 30}).json()
    if ended["state"] == "failed":
        return "failed", check_sentence(ended["message"])
    if ended["state"] != "done":
        return "endless", [f"the job is {ended['state']} after 30 s"]
    counts = client.get(f"/api/v1/jobs/{job}/counts")
    if counts.status_code != 200:
        return "done", [f"counts: {counts.text[:200]}"]
    table = counts.json()
    errors = [row[table["columns"].index("error")] for row in table["rows"]] if "error" in table["columns"] else []
    wrong = [fault for error in errors if error for fault in check_sentence(error)]
    for number in range(len(table["names"])):
        picture = client.get(f"/api/v1/jobs/{job}/images/{number}/picture")
        if picture.status_code >= 500:
            wrong.append(f"picture: {picture.text[:200]}")
    return "counted", wrong


def check_sentence(text: str) -> list[str]:
    """Return what is wrong with a sentence for a person."""
    wrong = []
    if not text or len(text) > 1000:
        wrong.append(f"{len(text)} characters")
    if any(not c.isprintable() for c in text):
        wrong.append("characters that can't be seen")
    if "Traceback" in text or "/users/" in text or "\\users\\" in text:
        wrong.append("shows the program's inside")
    if text and not text.rstrip().endswith((".", ")")):
        wrong.append("is no sentence")
    return [f"{fault}: {text[:200]!r}" for fault in wrong]


def snapshot(folder: Path, jobs: Path) -> set[str]:
    """Return all that lies below a folder but outside the folders of jobs."""
    return {str(path) for path in folder.rglob("*") if jobs not in path.parents and path != jobs}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="nuclei")
    chosen = parser.parse_args()
    from fastapi.testclient import TestClient

    from cell_pipelines.app.server import create_app
    from cell_pipelines.app.settings import AppSettings

    outcomes: collections.Counter[tuple[str, str]] = collections.Counter()
    faults, began = [], time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        place, jobs = Path(name) / "a", Path(name) / "a" / "server"
        place.mkdir()
        with TestClient(create_app(AppSettings(folder=jobs))) as client:
            for number, upload in enumerate(hostile_uploads(chosen.count, chosen.seed)):
                outcome, wrong = send(client, upload, chosen.model)
                outcomes[upload.kind, outcome] += 1
                faults += [f"{number} {upload.kind}: {fault}" for fault in wrong]
        faults += [f"written outside: {path}" for path in snapshot(Path(name), jobs) - {str(place)}]
    for (kind, outcome), count in sorted(outcomes.items()):
        print(f"{kind:20} {outcome:8} {count:4}")
    print(f"{chosen.count} uploads in {time.monotonic() - began:.0f} s; "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most; {len(faults)} faults")  # fmt: skip
    print("\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
