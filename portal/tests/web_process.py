"""Our own server as production runs it, WebSocket included, on the database of this test run."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
from django.db import connection

START_SECONDS = 60
STOP_SECONDS = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_web(port, base_url):
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-access-log"]
    process = subprocess.Popen(  # noqa: S603 -- our own program
        [*command, "--host", "127.0.0.1", "--port", str(port), "zaaz.asgi:application"],
        env=os.environ
        | {
            "BASE_URL": base_url,
            "DATABASE_URL": _database_url(),
            "DJANGO_SETTINGS_MODULE": "zaaz.settings.base",
            "SERVE_STATIC_FROM_APPS": "true",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"{base_url}/health/live", process)
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _database_url():
    """The database of this test run, which the environment does not name."""
    database = connection.settings_dict
    user = ":".join(filter(None, [database["USER"], database["PASSWORD"]]))
    return f"postgres://{user}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def _wait_for(address, process):
    give_up_at = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            if httpx.get(address).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("The web process did not start.")
