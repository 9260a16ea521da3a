"""Starts the simulator as production does: its own process, its own settings, over HTTP."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
from django.db import connection

START_SECONDS = 30


@contextmanager
def running_simulator():
    port = _free_port()
    base_url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-access-log"]
    process = subprocess.Popen(  # noqa: S603 -- our own program
        [*command, "--host", "127.0.0.1", "--port", str(port), "simulator.asgi:application"],
        env=os.environ
        | {
            "DATABASE_URL": _database_url(),
            "DJANGO_SETTINGS_MODULE": "zaaz.settings.simulator",
            "SIMULATOR_BASE_URL": base_url,
            "SIMULATOR_ENABLED": "true",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(base_url, process)
        yield base_url
    finally:
        process.terminate()
        process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _database_url():
    """The database of this test run, which the environment does not name."""
    database = connection.settings_dict
    user = ":".join(filter(None, [database["USER"], database["PASSWORD"]]))
    return f"postgres://{user}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def _wait_for(base_url, process):
    give_up_at = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            if httpx.get(f"{base_url}/health/live").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("The simulator did not start.")
