"""Starts fresh processes, because settings are read once in the life of one."""

import base64
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
START = [sys.executable, "-W", "ignore", "-c", "import django; django.setup()"]
EMAIL_SETTINGS = """
from django.conf import settings
print(settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL)
"""


def fernet_key():
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def production(**changes):
    """An environment that may take real money, with ``changes``; None leaves a variable out."""
    environment = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SIGNING_KEY": secrets.token_urlsafe(48),
        "API_KEY_PEPPER": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": fernet_key(),
        "BASE_URL": "https://zaaz.example.com",
        "ALLOWED_HOSTS": "zaaz.example.com",
        "DATABASE_URL": "postgres://zaaz:password@localhost/zaaz",
        "EMAIL_URL": "submission://user:password@smtp.example.com:587",
    }
    return {name: value for name, value in (environment | changes).items() if value is not None}


def run(command, environment):
    settings_module = {"DJANGO_SETTINGS_MODULE": "zaaz.settings.base"}
    return subprocess.run(  # noqa: S603 -- our own program
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | settings_module | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def faults_of(answer):
    """The variables that a refused start names, in order."""
    assert answer.returncode == 1, answer.stderr
    assert "ImproperlyConfigured: This configuration cannot be run" in answer.stderr
    report = answer.stderr.rpartition("This configuration cannot be run")[2]
    return re.findall(r"^- (\w+): \S.+\.$", report, re.MULTILINE)


def test_production_with_everything_right_starts():
    answer = run(START, production())

    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SIMULATOR_ENABLED": "true"}, ["SIMULATOR_ENABLED"]),
        ({"ALLOWED_HOSTS": "zaaz.example.com,*"}, ["ALLOWED_HOSTS"]),
        ({"BASE_URL": "http://zaaz.example.com"}, ["BASE_URL"]),
        ({"BASE_URL": None}, ["BASE_URL"]),
        ({"BASE_URL": "https://zaaz.example.com/"}, ["BASE_URL"]),
        ({"EMAIL_URL": "console:"}, ["EMAIL_URL"]),
        ({"EMAIL_URL": "file:////tmp/mail"}, ["EMAIL_URL"]),
        ({"EMAIL_URL": "memory:"}, ["EMAIL_URL"]),
        ({"EMAIL_URL": "dummy:"}, ["EMAIL_URL"]),
        ({"EMAIL_URL": "smtp+tls://smtp.example.com"}, ["EMAIL_URL"]),
        ({"FIELD_ENCRYPTION_KEYS": None}, ["FIELD_ENCRYPTION_KEYS"]),
        ({"FIELD_ENCRYPTION_KEYS": ""}, ["FIELD_ENCRYPTION_KEYS"]),
        ({"FIELD_ENCRYPTION_KEYS": "no-fernet-key"}, ["FIELD_ENCRYPTION_KEYS"]),
        ({"SECRET_KEY": "k" * 31}, ["SECRET_KEY"]),
        ({"JWT_SIGNING_KEY": "k" * 31}, ["JWT_SIGNING_KEY"]),
        ({"API_KEY_PEPPER": "k" * 31}, ["API_KEY_PEPPER"]),
        ({"SECRET_KEY": "s" * 48, "JWT_SIGNING_KEY": "s" * 48}, ["JWT_SIGNING_KEY"]),
        ({"JWT_SIGNING_KEY": "s" * 48, "API_KEY_PEPPER": "s" * 48}, ["API_KEY_PEPPER"]),
        ({"SECRET_KEY": f"django-insecure-{'s' * 32}"}, ["SECRET_KEY"]),
        ({"ENVIRONMENT": "prod"}, ["ENVIRONMENT"]),
        ({"DATABASE_URL": None}, ["DATABASE_URL"]),
    ],
)
def test_production_with_one_fault_is_refused_by_its_name(change, named):
    assert faults_of(run(START, production(**change))) == named


def test_every_fault_is_named_at_once_and_no_value_is_shown():
    answer = run(
        START,
        production(
            SECRET_KEY="short-and-secret",
            JWT_SIGNING_KEY=None,
            DATABASE_URL="hidden-password",
            LOG_LEVEL="LOUD",
            SIMULATOR_ENABLED="true",
            ALLOWED_HOSTS="*",
            BASE_URL="http://zaaz.example.com",
            EMAIL_URL="console:",
        ),
    )

    assert sorted(faults_of(answer)) == [
        "ALLOWED_HOSTS", "BASE_URL", "DATABASE_URL", "EMAIL_URL", "JWT_SIGNING_KEY", "LOG_LEVEL",
        "SECRET_KEY", "SIMULATOR_ENABLED",
    ]  # fmt: skip
    assert "short-and-secret" not in answer.stderr
    assert "hidden-password" not in answer.stderr


def test_empty_environment_names_all_that_has_no_default():
    assert sorted(faults_of(run(START, {}))) == [
        "API_KEY_PEPPER",
        "DATABASE_URL",
        "FIELD_ENCRYPTION_KEYS",
        "JWT_SIGNING_KEY",
        "SECRET_KEY",
    ]


@pytest.mark.parametrize(
    "program",
    ["import zaaz.asgi", "import zaaz.wsgi", "from zaaz.celery import app; app.conf.timezone"],
)
def test_no_process_starts_on_a_refused_configuration(program):
    answer = run([*START[:-1], program], production(SIMULATOR_ENABLED="true"))

    assert faults_of(answer) == ["SIMULATOR_ENABLED"]


def test_management_command_on_a_refused_configuration_fails():
    command = [sys.executable, "manage.py", "check"]

    assert faults_of(run(command, production(ALLOWED_HOSTS="*"))) == ["ALLOWED_HOSTS"]


def published_secrets():
    """What this repository gives as secrets, where anyone can read it."""
    files = [ROOT / "Dockerfile", ROOT / "zaaz" / "settings" / "test.py"]
    text = "\n".join(file.read_text() for file in files)
    names = "SECRET_KEY|JWT_SIGNING_KEY|API_KEY_PEPPER|FIELD_ENCRYPTION_KEYS"
    return re.findall(rf'({names})(?:=|", ")([^\s"]+)', text)


@pytest.mark.parametrize(("name", "secret"), published_secrets())
def test_secret_of_this_repository_is_refused_in_production(name, secret):
    assert faults_of(run(START, production(**{name: secret}))) == [name]


def test_secrets_of_the_image_and_of_the_tests_are_looked_at():
    assert len(published_secrets()) == 8


def test_debugging_pages_cannot_be_turned_on():
    command = [*START[:-1], "from django.conf import settings; print(settings.DEBUG)"]

    assert run(command, production(DEBUG="true")).stdout == "False\n"


def test_simulator_does_not_start_where_it_is_not_enabled():
    answer = run(START, production(DJANGO_SETTINGS_MODULE="zaaz.settings.simulator"))

    assert answer.returncode == 1
    assert "SIMULATOR_ENABLED: The simulator starts only where it is true." in answer.stderr


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("submission://user:password@host", "host 587 True False"),
        ("smtp://user:password@host:465/?ssl=true", "host 465 False True"),
        ("smtp://host", "host 25 False False"),
    ],
)
def test_mail_address_says_how_the_line_is_encrypted(url, seen):
    answer = run([*START[:-1], EMAIL_SETTINGS], production(EMAIL_URL=url))

    assert answer.stdout.strip() == seen


def example_environment(**changes):
    """.env.example with every secret made up, and ``changes``."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = dict(re.findall(r"^([A-Z_]+)=(.*)", line)[0] for line in lines if line[:1].isupper())
    for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "API_KEY_PEPPER"):
        pairs[name] = secrets.token_urlsafe(48)
    return pairs | {"FIELD_ENCRYPTION_KEYS": fernet_key()} | changes


def test_example_environment_with_secrets_starts():
    answer = run(START, example_environment())

    assert (answer.returncode, answer.stderr) == (0, "")


def test_trial_that_the_example_environment_describes_starts():
    text = (ROOT / ".env.example").read_text().split("# --- Process")[0]
    trial = dict(re.findall(r"([A-Z_]+)=([^\s,]+)", text.replace("\n# ", " ")))

    assert set(trial) == {
        "ALLOWED_HOSTS", "BASE_URL", "CHECKOUT_RETURN_ORIGINS", "EMAIL_URL", "ENVIRONMENT",
        "SIMULATOR_ENABLED",
    }  # fmt: skip
    simulator = {"DJANGO_SETTINGS_MODULE": "zaaz.settings.simulator"}
    for process in ({}, simulator):
        answer = run(START, example_environment(**trial, **process))
        assert (answer.returncode, answer.stderr) == (0, "")


def test_image_collects_static_files_with_the_variables_of_its_build(tmp_path):
    build = (ROOT / "Dockerfile").read_text().partition("\nRUN SECRET_KEY=")[2]
    variables = re.findall(r"([A-Z_]+)=(\S+) \\", f"SECRET_KEY={build.partition('python ')[0]}")
    command = [sys.executable, "-W", "ignore", "manage.py", "collectstatic", "--noinput"]

    answer = run(command, dict(variables) | {"STATIC_ROOT": str(tmp_path)})

    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "admin").is_dir()
