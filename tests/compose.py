"""Checks docker-compose.yml: `python -m tests.compose` prints what is wrong and exits with 1. `make lint` runs it.

The rules are the deployment's promises: secrets are refused when missing, no database port is published, every
long-running service has a healthcheck and starts again, and the parts wait for the migration.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parent.parent / "docker-compose.yml"
KEYS = {
    "build", "image", "restart", "command", "environment", "depends_on", "volumes", "ports", "healthcheck",
    "stop_grace_period",
}  # fmt: skip
SERVICES = {"postgres", "redis", "migrate", "web", "worker", "control", "express", "beat"}
SECRETS = ("SECRET_KEY", "ENCRYPTION_KEY", "DATABASE_URL", "POSTGRES_PASSWORD", "TABLEFLOW_ADMIN_PASSWORD")
ONE_SHOT = "migrate"


def problems(compose: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the file, in sentences."""
    services: dict[str, dict[str, Any]] = compose["services"]
    if set(services) != SERVICES:
        yield f"the services are {sorted(services)}, not {sorted(SERVICES)}"
    for name, service in services.items():
        yield from (f"{name}: {problem}" for problem in _of_service(name, service, set(services)))
    used = {mount.partition(":")[0] for service in services.values() for mount in service.get("volumes", [])}
    if used != set(compose.get("volumes", {})):
        yield f"the volumes {sorted(used)} are used, and {sorted(compose.get('volumes', {}))} declared"


def _of_service(name: str, service: dict[str, Any], services: set[str]) -> Iterator[str]:
    yield from (f"unknown key {key!r}" for key in set(service) - KEYS)
    if service.get("ports") and name != "web":
        yield "only web may publish a port"
    for secret in SECRETS:
        value = service.get("environment", {}).get(secret)
        if value is not None and ":?" not in value:
            yield f"{secret} has to be refused when it is missing (${{NAME:?why}})"
    for other, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other == ONE_SHOT else "service_healthy"
        if other not in services or how["condition"] != wanted:
            yield f"depends_on {other}: a service with condition {wanted} is wanted"
    if name != ONE_SHOT:
        yield from _of_long_running(service)


def _of_long_running(service: dict[str, Any]) -> Iterator[str]:
    if not service.get("healthcheck", {}).get("test"):
        yield "no healthcheck"
    if service.get("restart") != "unless-stopped":
        yield "it does not start again"
    if "build" in service and ONE_SHOT not in service.get("depends_on", {}):
        yield "it does not wait for the migration"


def main() -> int:
    """The exit code."""
    found = list(problems(yaml.safe_load(FILE.read_text())))
    for problem in found:
        print(f"{FILE.name}: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
