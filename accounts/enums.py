from django.db import models


class Role(models.TextChoices):
    """What a person is here, from the least to the most trusted."""

    USER = "user"
    SUBSCRIBER = "subscriber"
    CONTRIBUTOR = "contributor"
    AUTHOR = "author"
    EDITOR = "editor"
    ADMIN = "admin"
    SUPER_ADMIN = "super-admin"

    @property
    def rank(self) -> int:
        """Place in the order of trust, 0 for the least trusted."""
        return list(Role).index(self)


STAFF_ROLES = frozenset({Role.ADMIN, Role.SUPER_ADMIN})


class UserStatus(models.TextChoices):
    ACTIVE = "active"
    BLOCKED = "blocked"


class Scope(models.TextChoices):
    """What a partner's API key opens."""

    METERING_WRITE = "metering:write"
