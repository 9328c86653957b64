import platform
from pathlib import Path

from cell_pipelines.provenance import code_hash, constraints_hash, files_hash, package_versions


def test_versions_name_python_and_what_measures_cells():
    versions = package_versions()
    assert versions["version.python"] == platform.python_version()
    assert {"version.scipy", "version.scikit-image", "version.numpy"} <= versions.keys()


def write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def test_a_copy_has_the_same_hash_wherever_it_lies_and_however_its_lines_end(tmp_path):
    first = write(tmp_path / "a", {"one.py": b"x = 1\n", "two.py": b"y = 2\n"})
    second = write(tmp_path / "b", {"two.py": b"y = 2\r\n", "one.py": b"x = 1\r\n"})
    assert files_hash(tmp_path / "a", first) == files_hash(tmp_path / "b", second)


def test_another_name_or_content_has_another_hash(tmp_path):
    hashes = {
        files_hash(tmp_path / name, write(tmp_path / name, files))
        for name, files in {
            "a": {"one.py": b"x = 1\n"},
            "b": {"one.py": b"x = 2\n"},
            "c": {"other.py": b"x = 1\n"},
            "d": {"one.py": b"", "x = 1\n": b""},
            "e": {},
        }.items()
    }
    assert len(hashes) == 5


def test_the_hash_of_the_code_is_about_code_and_models_only(tmp_path):
    write(tmp_path / "a", {"one.py": b"x = 1\n", "starter.pt": b"weights"})
    write(tmp_path / "b", {"one.py": b"x = 1\n", "starter.pt": b"weights", "one.cpython-311.pyc": b"compiled"})
    write(tmp_path / "c", {"one.py": b"x = 1\n", "starter.pt": b"others"})
    assert code_hash(tmp_path / "a") == code_hash(tmp_path / "b") != code_hash(tmp_path / "c")


def test_a_project_without_a_list_of_versions_has_no_hash_of_it(tmp_path):
    assert constraints_hash(tmp_path) == {}
    (tmp_path / "constraints.txt").write_text("numpy==2.2\n")
    assert len(constraints_hash(tmp_path)["constraints.sha256"]) == 64
