"""What a start is refused for: every fault at once, each with what to do, none with a value."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError
from marshmallow import ValidationError

Settings = Mapping[str, Any]
Fault = tuple[str, str]

HEADING = "This configuration cannot be run (.env.example explains every variable):"

SMTP = "django.core.mail.backends.smtp.EmailBackend"
# Parts of secrets that stand in this repository or in Django's templates: everyone knows them.
PUBLISHED = (
    "opens-nothing",
    "only-for-collecting",
    "django-insecure-",
    "AAAAAAAAAAAAAAAAAAAAAAAA",
    "MDEyMzQ1Njc4OTAxMjM0NTY3",
)


def refuse_faults(env: Env, settings: Settings) -> None:
    """Read no more variables, and go on only if what was read can be run with.

    Raises:
        ImproperlyConfigured: names every variable that cannot be read and, unless
            this is for development, everything that production must not have.
    """
    faults = [*_unreadable(env), *_of_every_start(settings)]
    if settings["ENVIRONMENT"] == "production":
        for rule in PRODUCTION_RULES:
            faults += rule(settings)
    if faults:
        lines = [f"- {name}: {what}" for name, what in faults]
        raise ImproperlyConfigured("\n".join([HEADING, *lines]))


def fernet_keys(keys: list[str]) -> None:
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ValidationError("One of them is no Fernet key; see .env.example.") from None


def web_address(address: str) -> None:
    if not address.startswith(("http://", "https://")) or address.endswith("/"):
        raise ValidationError("Give http:// or https:// and a host, without a slash at the end.")


def _unreadable(env: Env) -> Iterator[Fault]:
    try:
        env.seal()
    except EnvValidationError as error:
        messages_of = cast("Mapping[str, list[str]]", error.error_messages)
        for name, messages in messages_of.items():
            yield from ((name, message) for message in messages)


def _of_every_start(settings: Settings) -> Iterator[Fault]:
    if not settings["EMAIL_BACKEND"]:
        yield "EMAIL_URL", "Begin with smtp:, submission:, file: or console:; see .env.example."


def _play_money(settings: Settings) -> Iterator[Fault]:
    if settings["SIMULATOR_ENABLED"]:
        yield "SIMULATOR_ENABLED", "Play money must not buy real credits. Set it to false."


def _addresses(settings: Settings) -> Iterator[Fault]:
    if "*" in (settings["ALLOWED_HOSTS"] or []):
        yield "ALLOWED_HOSTS", 'Replace "*" by the hosts that requests may name.'
    if (settings["BASE_URL"] or "").startswith("http://"):
        yield "BASE_URL", "Customers sign in here. Put HTTPS in front and say https://."


def _mail(settings: Settings) -> Iterator[Fault]:
    if settings["EMAIL_BACKEND"] not in {SMTP, ""}:
        yield "EMAIL_URL", "Nobody would receive this mail. Give smtp:// or submission://."


def _secrets(settings: Settings) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for name, secret in _named_secrets(settings):
        if any(part in secret for part in PUBLISHED):
            yield name, "Everyone can read this one in a repository. Make one of your own."
        elif secret in seen:
            yield name, f"It is the same as in {seen[secret]}. Make one for each."
        seen.setdefault(secret, name)


def _named_secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    secrets = [
        ("SECRET_KEY", settings["SECRET_KEY"]),
        ("JWT_SIGNING_KEY", settings["SIMPLE_JWT"]["SIGNING_KEY"]),
        ("API_KEY_PEPPER", settings["API_KEY_PEPPER"]),
        *(("FIELD_ENCRYPTION_KEYS", key) for key in settings["FIELD_ENCRYPTION_KEYS"] or []),
    ]
    return ((name, secret) for name, secret in secrets if secret)


PRODUCTION_RULES: tuple[Callable[[Settings], Iterator[Fault]], ...] = (
    _play_money,
    _addresses,
    _mail,
    _secrets,
)
