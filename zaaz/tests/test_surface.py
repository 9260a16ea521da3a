import json
import re

import pytest
from django.conf import settings

from common.api.problems import server_error


@pytest.mark.django_db
def test_ready_names_every_part(client):
    answer = client.get("/health/ready")

    assert answer.json() == {
        "status": "ok",
        "parts": {
            "database": "ok", "cache": "ok", "broker": "ok", "migrations": "ok", "outbox": "ok",
        },
    }  # fmt: skip


@pytest.mark.django_db
def test_ready_without_cache_says_which_part_is_away(client, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["parts"]["cache"] != "ok"


def test_live_asks_nobody(client):
    assert client.get("/health/live").json() == {"status": "ok"}


def test_request_id_comes_back_in_header_and_problem(client):
    answer = client.get("/api/nothing", headers={"X-Request-Id": "call-1"})

    assert answer.status_code == 404
    assert answer.headers["X-Request-Id"] == "call-1"
    assert answer.json()["request_id"] == "call-1"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("offered", ["", "a" * 65, "with space"])
def test_unusable_request_id_is_replaced(client, offered):
    answer = client.get("/health/live", headers={"X-Request-Id": offered})

    assert answer.headers["X-Request-Id"] != offered


@pytest.mark.django_db
def test_schema_is_openapi_31(client):
    schema = client.get("/api/schema", headers={"Accept": "application/json"}).json()

    assert schema["openapi"] == "3.1.0"
    assert "/api/credits-process/end" in schema["paths"]


def test_metrics_are_served(client):
    assert b"zaaz_outbox_deliveries_total" in client.get("/metrics").content


def test_example_environment_has_every_variable_and_no_other():
    base = (settings.BASE_DIR / "zaaz" / "settings" / "base.py").read_text()
    compose = (settings.BASE_DIR / "docker-compose.yml").read_text()
    example = (settings.BASE_DIR / ".env.example").read_text()
    named = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    used = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', base))
    composed = set(re.findall(r"\$\{([A-Z_]+)", compose))

    assert named == used | composed


def test_unforeseen_error_is_a_problem_without_its_text():
    body = json.loads(server_error(None).content)
    assert (body["status"], body["code"]) == (500, "internal_error")
