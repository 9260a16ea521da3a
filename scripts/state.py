"""What a running system tells other commands: its addresses and where its variables are."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from celery import Celery
from kombu.exceptions import OperationalError

from scripts import paths
from scripts.demo_env import read_variables, write_variables
from scripts.private_files import write_private

REQUEST_SECONDS = 5
PING_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class RunState:
    base_url: str
    simulator_url: str
    pids: Mapping[str, int]
    environment_file: str

    @property
    def variables(self) -> dict[str, str]:
        return read_variables(Path(self.environment_file))


def write_state(state: RunState, variables: Mapping[str, str]) -> None:
    write_variables(Path(state.environment_file), variables)
    write_private(paths.STATE_FILE, json.dumps(asdict(state), indent=2) + "\n")


def forget_state() -> None:
    paths.STATE_FILE.unlink(missing_ok=True)
    paths.ENVIRONMENT_FILE.unlink(missing_ok=True)


def running_system() -> RunState | None:
    """Find the system of this clone, if it is running and answers."""
    try:
        state = RunState(**json.loads(paths.STATE_FILE.read_text()))
    except FileNotFoundError:
        return None
    return state if answers(f"{state.base_url}/health/live") else None


def answers(url: str) -> bool:
    """Whether a GET of the address is answered with a 2xx."""
    try:
        return httpx.get(url, timeout=REQUEST_SECONDS).is_success
    except httpx.HTTPError:
        return False


def worker_answers(broker_url: str) -> bool:
    """Whether a Celery worker at this broker answers a ping."""
    with Celery("probe", broker=broker_url) as probe:
        try:
            return bool(probe.control.ping(timeout=PING_SECONDS))
        except OperationalError:
            return False
