"""What stands in deploy/ is true: numbers, variables, commands, paths and what is open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_verein.api.collector import make
from otel_verein.collector.plan import Topology, host_and_port, is_loopback
from otel_verein.config.schema import option_fields
from tests.docs.deployed import DEPLOY, ROOT, SYSTEMD, TOPOLOGIES, Deployed, collectors, compose, files, repeated
from tests.docs.pages import name

ALL = [pytest.param(path, id=name(path)) for path in files()]
COLLECTORS = [pytest.param(each, id=each.name) for each in collectors()]
LOCAL = re.compile(r"^otel-verein/[a-z]+:local$")


def services(topology: str) -> dict[str, dict[str, Any]]:
    """The services of a compose file by their names."""
    return compose(topology)["services"]


def test_repeated_values_are_those_of_the_options():
    """A line that ends with `# from section.option` has the default of that option, times its factor."""
    lines = list(repeated())

    assert [] == [f"{each.place}: {each.option} is {each.expected}: {each.text}" for each in lines if not each.holds]
    assert {"tiers.long_d", "tiers.medium_d", "tiers.short_d", "collector.memory_mib"} <= {
        each.option for each in lines
    }


@pytest.mark.parametrize("path", ALL)
def test_retention_is_never_written_without_its_option(path: Path):
    """What says how long something is kept names the option that it repeats."""
    setting = re.compile(
        r"block_retention: |spans: \d|retention\.time=|INTERVAL \d+ DAY;|verein-(long|medium|short) +\d"
    )

    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if setting.search(line)]

    assert [] == [line for line in lines if not re.search("(#|--) from", line)]


@pytest.mark.parametrize("path", ALL)
def test_variables_are_options(path: Path):
    """Every VEREIN_* variable in deploy/ is read by something."""
    known = {f"VEREIN_{section}_{option}".upper() for section, option, _ in option_fields()}
    known |= {"VEREIN_CONFIG", "VEREIN_ENVIRONMENT", "VEREIN_CACHE"}

    named = set(re.findall(r"\bVEREIN_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))

    assert set() == named - known


@pytest.mark.parametrize("collector", COLLECTORS)
def test_every_collector_that_is_deployed_can_be_rendered(collector: Deployed, tmp_path: Path):
    """Options and variables of each unit and compose service make a configuration, with nothing to refuse."""
    made = make(collector.wanted, dict(collector.environ) | {"VEREIN_CONFIG": ""}, tmp_path)

    assert "service:" in made.rendered.text
    assert [] == [str(note) for note in made.resolved.notes]


def test_each_topology_is_deployed_both_ways():
    """There is a unit and a compose service for each of the four roles."""
    roles = {(each.name.split()[0], each.wanted.name) for each in collectors()}

    assert {(way, role.value) for way in ("systemd", "compose") for role in Topology} == roles


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_collectors_of_a_stack_do_not_take_each_others_ports(topology: str, tmp_path: Path):
    """They share one network namespace, so each port is bound by one of them."""
    bound: list[int] = []
    for each in (each for each in collectors() if each.name.startswith(f"compose {topology} ")):
        made = make(each.wanted, dict(each.environ) | {"VEREIN_CONFIG": ""}, tmp_path)
        bound += ports(made.rendered.text)

    assert sorted(set(bound)) == sorted(bound)
    assert set() == set(bound) & {3000, 8000, 9090, 9092, 9093, 13143, 14317, 16685, 16686, 18888}


def ports(text: str) -> list[int]:
    """What a collector with this configuration listens on; all of it on loopback."""
    document = yaml.safe_load(text)
    reader = document["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    protocols = document["receivers"].get("otlp", {}).get("protocols", {})
    listening = [document["extensions"]["health_check"], *protocols.values()]
    listening += [each for name, each in document["exporters"].items() if name.startswith("prometheus")]
    endpoints = [each["endpoint"] for each in listening] + [f"{reader['host']}:{reader['port']}"]
    assert [] == [each for each in endpoints if not is_loopback(each)]
    return [host_and_port(each)[1] for each in endpoints]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_no_port_is_published_beyond_this_machine(topology: str):
    """Three web pages leave the namespace of the stack, to 127.0.0.1; nothing else is published by anybody."""
    published = {name: service["ports"] for name, service in services(topology).items() if "ports" in service}

    assert {"stack": [f"127.0.0.1:{port}:{port}" for port in (8000, 3000, 16686)]} == published
    assert [] == [name for name, service in services(topology).items() if service.get("network_mode") == "host"]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_service_is_shut_in(topology: str):
    """One namespace or none, no new privileges, no capability but what it names, a read-only system, bounded memory."""
    for who, service in services(topology).items():
        mode = service.get("network_mode", "")

        assert (who, True) == (who, mode in ("service:stack", "none") or who == "stack")
        assert (who, ["ALL"], ["no-new-privileges:true"]) == (who, service["cap_drop"], service["security_opt"])
        assert (who, True, True) == (who, service["read_only"], "mem_limit" in service and "pids_limit" in service)
        assert (who, ["CHOWN"] if who == "jaeger-volume" else []) == (who, service.get("cap_add", []))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_service_says_whether_it_is_healthy(topology: str):
    """What runs on has a check; what ends by itself is not started again."""
    without = {name: service["restart"] for name, service in services(topology).items() if "healthcheck" not in service}

    assert {"jaeger-volume": "no", **({"topics": "no"} if topology == "kafka" else {})} == without


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_images_are_pinned(topology: str):
    """Every image has a tag with a version, and is either built here or of the public hub."""
    loose = [
        service["image"]
        for service in services(topology).values()
        if not LOCAL.match(service["image"]) and not re.fullmatch(r"[a-z]+(/[a-z]+)?:v?\d+\.\d+\.\d+", service["image"])
    ]
    built = {service["image"] for service in services(topology).values() if "build" in service}

    assert [] == loose
    assert {service["image"] for service in services(topology).values() if LOCAL.match(service["image"])} == built


def test_images_of_the_dockerfile_are_pinned():
    """Every stage begins with an image of a full version, or with another stage."""
    text = (DEPLOY / "compose" / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+) AS (\w+)$", text, re.M)

    assert [] == [image for image, _ in stages if not re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", image)]
    assert {"collector", "shop"} <= {stage for _, stage in stages}


def test_the_dockerfile_copies_what_is_there_and_not_ignored():
    """Each source of a COPY, and each folder that is bound, is in the checkout and in the build's context."""
    text = (DEPLOY / "compose" / "Dockerfile").read_text()
    wanted = [path for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M) for path in line.split()]
    wanted += re.findall(r"--mount=type=bind,source=(\S+?),", text)
    context = re.findall(r"^!(\S+)$", (DEPLOY / "compose" / "Dockerfile.dockerignore").read_text(), re.M)

    assert [] == [path for path in wanted if not (ROOT / path).exists()]
    assert set(context) == set(wanted)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_what_is_mounted_is_there(topology: str):
    """A bind mount is a file or folder of the checkout, and read-only; everything else is a named volume."""
    folder, document = DEPLOY / "compose" / topology, compose(topology)
    mounts = [mount.split(":") for service in services(topology).values() for mount in service.get("volumes", [])]
    bound = [mount for mount in mounts if mount[0].startswith(".")]

    assert [] == [mount for mount in bound if not (folder / mount[0]).exists() or mount[2:] != ["ro"]]
    assert {mount[0] for mount in mounts if mount not in bound} == set(document["volumes"])


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_services_wait_for_services_that_are_there(topology: str):
    """What a service waits for is another one, which can become what is waited for."""
    found = services(topology)
    waits = [(on, how["condition"]) for each in found.values() for on, how in each.get("depends_on", {}).items()]

    assert [] == [on for on, how in waits if how == "service_healthy" and "healthcheck" not in found[on]]
    assert [] == [on for on, how in waits if how == "service_completed_successfully" and found[on]["restart"] != "no"]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_secrets_are_files_outside_the_repository(topology: str):
    """A password is read from a file that git ignores; none stands in a variable."""
    given = [key for service in services(topology).values() for key in service.get("environment", {})]

    assert {"grafana_admin_password": {"file": "../secrets/grafana_admin_password"}} == compose(topology)["secrets"]
    assert ["GF_SECURITY_ADMIN_PASSWORD__FILE"] == [key for key in given if re.search("PASSWORD|SECRET|TOKEN", key)]
    assert "secrets/" in (DEPLOY / "compose" / ".gitignore").read_text().splitlines()


def test_every_folder_has_a_page_that_says_how_to_run_it():
    """Start, check, upgrade, stop, and what to do at 2 a.m.; a stack's page may leave that to the page above."""
    folders = {path.parent for path in files() if path.name == "README.md"} - {DEPLOY}
    said = {folder: (folder / "README.md").read_text(encoding="utf-8").lower() for folder in folders}

    missing = {
        name(folder): [word for word in ("start", "check", "upgrade", "stop", "2 a.m.") if word not in text]
        for folder, text in said.items()
        if folder.parent.name != "compose"
    }

    assert {} == {folder: words for folder, words in missing.items() if words}
    assert {*TOPOLOGIES} == {folder.name for folder in folders if folder.parent.name == "compose"}
    assert [] == [
        name(folder) for folder in folders if folder.parent.name == "compose" and "../readme.md" not in said[folder]
    ]


def test_units_reach_loopback_alone():
    """Until a drop-in names networks, no unit with a network of its own reaches or hears another machine."""
    for unit in SYSTEMD.glob("*.service"):
        text = unit.read_text()

        assert (unit.name, True) == (unit.name, "IPAddressDeny=any\n" in text)
        assert (unit.name, ["localhost"]) == (unit.name, re.findall("IPAddressAllow=(.*)", text) or ["localhost"])
