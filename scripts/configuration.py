"""What `make run` tells the application: the variables of .env.example, for this machine."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from scripts import paths
from scripts.console import say
from scripts.demo_env import demo_secrets
from scripts.ports import claim_port

WEB_PORT = 8000
SIMULATOR_PORT = 8001


@dataclass(frozen=True, kw_only=True)
class Configuration:
    web_port: int
    simulator_port: int
    variables: Mapping[str, str]

    @property
    def base_url(self) -> str:
        return self.variables["BASE_URL"]

    @property
    def simulator_url(self) -> str:
        return self.variables["SIMULATOR_BASE_URL"]

    @property
    def broker_url(self) -> str:
        return os.environ.get("CELERY_BROKER_URL") or self.variables["REDIS_URL"]


def configure(server_urls: Mapping[str, str]) -> Configuration:
    """Choose the ports, make the folders, and collect the variables.

    Args:
        server_urls: by variable, e.g. ``DATABASE_URL``.
    """
    web_port = _claim("web", WEB_PORT)
    simulator_port = _claim("simulator", SIMULATOR_PORT)
    paths.MAIL.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(paths.METRICS, ignore_errors=True)  # figures of processes that are gone
    paths.METRICS.mkdir()
    secrets = demo_secrets(paths.SECRETS_FILE)
    variables = {
        **{name: os.environ.get(name) or secret for name, secret in secrets.items()},
        **server_urls,
        "BASE_URL": f"http://localhost:{web_port}",
        "SIMULATOR_ENABLED": "true",
        "SIMULATOR_BASE_URL": f"http://localhost:{simulator_port}",
        "SERVE_STATIC_FROM_APPS": "true",
        "EMAIL_URL": f"file:///{paths.MAIL}",  # no host, and the path is absolute
        "PROMETHEUS_MULTIPROC_DIR": str(paths.METRICS),
        "DEMO_PARTNER_KEY_FILE": str(paths.PARTNER_KEY_FILE),
    }
    return Configuration(web_port=web_port, simulator_port=simulator_port, variables=variables)


def _claim(name: str, wanted: int) -> int:
    port = claim_port(preferred=wanted)
    if port != wanted:
        say(f"  port {wanted} is taken, {name} takes {port}")
    return port
