from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Lower, Trim
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.crypto import salted_hmac

from accounts.enums import STAFF_ROLES, Role, Scope, UserStatus
from common.models import TimestampedModel

NAME_MIN_LENGTH = 2
NAME_MAX_LENGTH = 50


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Bring an address into the form in which it is stored and compared."""
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

    def create_superuser(self, *, email: str, name: str, password: str) -> "User":
        """Make the first staff of an installation, for ``manage.py createsuperuser``."""
        user = self.model(
            email=self.normalize_email(email), name=name, role=Role.SUPER_ADMIN, is_verified=True
        )
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(TimestampedModel, AbstractBaseUser):
    """A person. Signs in with an e-mail address; the role decides what staff screens open."""

    email = models.EmailField(help_text="Trimmed, in lower case.")
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.USER)
    status = models.CharField(max_length=10, choices=UserStatus.choices, default=UserStatus.ACTIVE)
    is_verified = models.BooleanField(default=False, help_text="Has shown to read this address.")
    token_version = models.PositiveIntegerField(
        default=0, help_text="Tokens that were issued under an earlier version open nothing."
    )

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email"], name="user_once_per_email"),
            models.CheckConstraint(
                condition=Q(email=Lower(Trim("email"))), name="user_email_trimmed_lower_case"
            ),
            models.CheckConstraint(
                condition=Q(name=Trim("name"))
                & Q(GreaterThanOrEqual(Length("name"), NAME_MIN_LENGTH)),
                name="user_name_trimmed_and_not_too_short",
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="user_role_is_one_we_know"
            ),
            models.CheckConstraint(
                condition=Q(status__in=UserStatus.values), name="user_status_is_one_we_know"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # read only: the status decides
        return self.status == UserStatus.ACTIVE

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Staff may open every page of the back office; finer rules live in the services."""
        return self.is_active and self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Beside the password, as in Django: whatever ends the tokens ends browser sessions too.
        return salted_hmac(
            "accounts.models.User.session",
            f"{self.password}:{self.token_version}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    def outranks(self, role: str) -> bool:
        """Whether this user may manage people of ``role``. Super-admins manage everyone."""
        own = Role(self.role)
        return own == Role.SUPER_ADMIN or own.rank > Role(role).rank


class Partner(TimestampedModel):
    """A service that calls us in its own name, with API keys."""

    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True, help_text="Keys of an inactive partner are dead.")

    # What Django REST framework asks of whoever a request comes from.
    is_authenticated = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="partner_once_per_name")]

    def __str__(self) -> str:
        return self.name


class ApiKey(TimestampedModel):
    """A partner's credential. The key itself is shown once and not kept."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100, help_text="Where the key is used.")
    prefix = models.CharField(max_length=11, help_text="How the key begins, to recognise it by.")
    key_hash = models.CharField(max_length=64, help_text="HMAC-SHA-256, in hexadecimal.")
    scopes = ArrayField(models.CharField(max_length=50, choices=Scope.choices))
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.UniqueConstraint(fields=["key_hash"], name="api_key_once_per_hash"),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values) & ~Q(scopes=[]),
                name="api_key_has_known_scopes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"
