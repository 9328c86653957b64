import hashlib
import io
import re
import zipfile
from dataclasses import replace

import pytest

from cell_pipelines.downloads import DownloadError, RemoteFile
from cell_pipelines.workflows.public_data import PUBLIC_DATA, fetch_public_data

SPLITS = {"training.txt": "a b", "validation.txt": "c", "test.txt": "d"}


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def make(tmp_path):
    """Make a data set whose archives lie where they are downloaded to, as without a network."""

    def made(splits=SPLITS, images="abcde", **others):
        contents = {
            "images": archive({f"images/{name}.tif": f"image {name}" for name in images} | others),
            "masks": archive({f"masks/{name}.png": f"mask {name}" for name in "abcde"}),
            "metadata": archive(
                {f"metadata/{name}": "\n".join(f"{x}.png" for x in line.split()) for name, line in splits.items()}
            ),
        }
        folder = tmp_path / "data"
        (folder / "archives").mkdir(parents=True, exist_ok=True)
        remotes = {}
        for name, content in contents.items():
            (folder / "archives" / f"{name}.zip").write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            remotes[name] = RemoteFile(f"http://127.0.0.1:9/{name}.zip", len(content), digest)
        return replace(PUBLIC_DATA["bbbc039"], archives=remotes), folder

    return made


def contents_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for kind in ("images", "masks") for path in (folder / kind).rglob("*") if path.is_file()
    }  # fmt: skip


def test_the_pictures_lie_in_the_splits_of_the_source(make):
    data, folder = make()
    fetch_public_data(data, folder)
    assert contents_of(folder) == {
        f"{kind}s/{split}/{name}{ending}": f"{kind} {name}"
        for kind, ending in (("image", ".tif"), ("mask", ".png"))
        for name, split in {"a": "train", "b": "train", "c": "val", "d": "test"}.items()
    }


def test_what_is_there_is_left_as_it_is_and_what_is_of_somebody_else_too(make):
    data, folder = make()
    fetch_public_data(data, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    fetch_public_data(data, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    (folder / "images" / "test" / "d.tif").unlink()
    (folder / "images" / "mine.tif").write_text("mine")
    with pytest.raises(DownloadError, match="something else lies here"):
        fetch_public_data(data, folder)
    assert (folder / "images" / "mine.tif").read_text() == "mine"


def test_members_that_lead_out_of_the_folder_stay_in_it(make):
    data, folder = make(images="abc", **{"../../../d.tif": "image d"})
    fetch_public_data(data, folder)
    assert contents_of(folder)["images/test/d.tif"] == "image d"
    assert {path.name for path in folder.parent.iterdir()} == {"data"}


@pytest.mark.parametrize(
    "change, message",
    [({"images": "abc"}, "1 pictures are missing, among them d"),
     ({"splits": SPLITS | {"test.txt": "a"}}, "a is in two splits, train and test"),
     ({"splits": {"training.txt": "a"}}, "expected the list validation.txt; got training.txt")],
)  # fmt: skip
def test_archives_that_do_not_fit_each_other_are_refused(make, change, message):
    data, folder = make(**change)
    with pytest.raises(DownloadError, match=message):
        fetch_public_data(data, folder)
    assert not (folder / "images").exists()


@pytest.mark.parametrize("name", PUBLIC_DATA)
def test_every_data_set_states_checksums_a_licence_and_its_source(name):
    data = PUBLIC_DATA[name]
    assert data.licence and data.page.startswith("https://")
    assert set(data.archives) == {"images", "masks", "metadata"}
    for remote in data.archives.values():
        assert re.fullmatch("[0-9a-f]{64}", remote.sha256) and remote.size > 0 and remote.url.startswith("https://")
