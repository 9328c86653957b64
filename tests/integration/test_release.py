"""The files that others install, cite and run the project by name what there is, and agree with each other."""

import re
import tomllib

import pytest
import yaml

from cell_pipelines import __version__

from .conftest import ROOT

WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def steps_of(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_citation_names_the_version_and_the_licence_of_the_package():
    citation = load(ROOT / "CITATION.cff")
    assert (citation["version"], citation["license"]) == (__version__, PROJECT["license"])


def test_the_newest_release_of_the_changelog_is_the_version_of_the_package():
    released = re.findall(r"^## (\d\S*) \((\S+)\)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released[0] == (__version__, str(load(ROOT / "CITATION.cff")["date-released"]))


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
def test_every_make_target_and_extra_of_a_workflow_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = "\n".join(step.get("run", "") for step in steps_of(load(path)))
    assert set(re.findall(r"\bmake ([a-z-]+)", commands)) <= targets
    named = {extra for extras in re.findall(r"\.\[([\w,]+)\]", commands) for extra in extras.split(",")}
    assert named <= set(PROJECT["optional-dependencies"])
    assert load(path)["permissions"] == {"contents": "read"}


def test_the_tests_run_on_each_system_with_each_python_that_the_package_takes():
    jobs = load(ROOT / ".github" / "workflows" / "test.yml")["jobs"]
    taken = {name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: \d\.\d+$", name)}
    # The job of bioimageio has the one Python that its library is pinned for.
    jobs = {name: job for name, job in jobs.items() if name != "bioimageio"}
    systems = {system for job in jobs.values() for system in job["strategy"]["matrix"].get("system", [job["runs-on"]])}
    assert {name.partition("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    assert all(set(job["strategy"]["matrix"]["python"]) == taken for job in jobs.values())


def test_what_the_image_copies_is_there_and_goes_to_docker():
    copied = re.findall(r"^COPY ((?!--).+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert names <= {line[1:] for line in lines if line.startswith("!")} and "conf/local" in lines
    assert all((ROOT / name).exists() for name in names)


def test_the_services_use_stages_of_the_image_and_listen_on_this_machine_only():
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    services = load(ROOT / "compose.yaml")["services"].values()
    assert all(service["build"]["target"] in stages for service in services)
    assert all(port.startswith("127.0.0.1:") for service in services for port in service.get("ports", []))


def test_every_extra_is_described():
    table = (ROOT / "docs" / "install.md").read_text(encoding="utf-8").partition("| extra |")[2].partition("\n\n")[0]
    described = [name for row in table.splitlines()[2:] for name in re.findall(r"`([\w-]+)`", row.split("|")[1])]
    assert sorted(described) == sorted(PROJECT["optional-dependencies"])
