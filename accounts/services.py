from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts import api_keys, tokens, verification
from accounts.enums import Role, Scope, UserStatus
from accounts.events import EmailVerified, SignUpRepeated, UserSignedUp, VerificationRequested
from accounts.models import ApiKey, Partner, User
from accounts.selectors import usable_api_key
from common import clock
from common.errors import Conflict, Forbidden, Invalid, NotFound
from common.events import publish

_KEY_USE_RESOLUTION = timedelta(minutes=1)


class WeakPassword(Invalid):
    code = "weak_password"


class VerificationTokenInvalid(Invalid):
    code = "verification_token_invalid"


class AlreadyVerified(Conflict):
    code = "already_verified"


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    user: User
    tokens: tokens.TokenPair


# --- Coming and going -----------------------------------------------------


def sign_up(*, email: str, name: str, password: str) -> User:
    """Open an account, or leave the one that has this address as it is.

    Both cases do the same work and differ only in the mail that follows, so
    that a stranger cannot find out who has an account.

    Returns:
        The account that has the address: new, or untouched.

    Raises:
        WeakPassword: Django's password validators refuse it.
    """
    newcomer = User(email=User.objects.normalize_email(email), name=name.strip())
    try:
        validate_password(password, user=newcomer)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages), field="password") from error
    newcomer.password = make_password(password)  # slow, so not inside the transaction
    with transaction.atomic():
        User.objects.bulk_create([newcomer], ignore_conflicts=True)
        account = User.objects.get(email=newcomer.email)
        is_new = account.id == newcomer.id
        publish((UserSignedUp if is_new else SignUpRepeated)(user_id=str(account.id)))
    return account


def sign_in(*, email: str, password: str) -> SignedIn | None:
    """Tokens for whoever knows the password; None for all else.

    An unknown address, a wrong password and a blocked account cost the same
    work: Django hashes a password in each case.
    """
    user = authenticate(username=email, password=password)
    if not isinstance(user, User):
        return None
    return SignedIn(user=user, tokens=tokens.issue_tokens(user=user))


def forget_expired_tokens() -> int:
    """Delete the records of refresh tokens that have expired by themselves."""
    gone, _ = OutstandingToken.objects.filter(expires_at__lte=clock.now()).delete()
    return gone


# --- The address ----------------------------------------------------------


@transaction.atomic
def request_verification(*, user_id: UUID) -> None:
    """Have the verification mail sent once more.

    Raises:
        AlreadyVerified: there is nothing left to verify.
    """
    if _lock_user(user_id).is_verified:
        raise AlreadyVerified("This address is verified already.")
    publish(VerificationRequested(user_id=str(user_id)))


@transaction.atomic
def verify_email(*, token: str) -> User:
    """Believe that the account's address is its owner's. A repeat changes nothing.

    Raises:
        VerificationTokenInvalid: forged, older than a day, or for a former address.
    """
    claim = verification.read_token(token, now=clock.now())
    refusal = VerificationTokenInvalid(
        "This link is not valid, or no longer. Ask for a new one.", field="token"
    )
    if claim is None:
        raise refusal
    user = User.objects.select_for_update().filter(pk=claim.user_id, email=claim.email).first()
    if user is None:
        raise refusal
    return _mark_verified(user)


@transaction.atomic
def confirm_email(*, user_id: UUID) -> User:
    """Mark an address as verified on the word of staff. A repeat changes nothing."""
    return _mark_verified(_lock_user(user_id))


def _mark_verified(user: User) -> User:
    if not user.is_verified:
        user.is_verified = True
        user.save(update_fields=["is_verified", "updated_at"])
        publish(EmailVerified(user_id=str(user.id)))
    return user


# --- The person -----------------------------------------------------------


@transaction.atomic
def rename_user(*, user_id: UUID, name: str) -> User:
    user = _lock_user(user_id)
    user.name = name
    user.save(update_fields=["name", "updated_at"])
    return user


@transaction.atomic
def block_user(*, user_id: UUID, actor: User) -> User:
    """Shut a person out, now: their tokens and sessions stop working. A repeat changes nothing.

    Raises:
        Forbidden: the actor does not outrank them.
    """
    user = _lock_managed(user_id, actor)
    return _set_status(user, UserStatus.BLOCKED)


@transaction.atomic
def unblock_user(*, user_id: UUID, actor: User) -> User:
    """Let a person sign in again. A repeat changes nothing.

    Raises:
        Forbidden: the actor does not outrank them.
    """
    user = _lock_managed(user_id, actor)
    return _set_status(user, UserStatus.ACTIVE)


@transaction.atomic
def change_role(*, user_id: UUID, role: str, actor: User) -> User:
    """Give a person another role; their tokens stop working. A repeat changes nothing.

    Raises:
        Forbidden: the actor does not outrank them, or the new role.
    """
    user = _lock_managed(user_id, actor)
    if not actor.outranks(role):
        raise Forbidden("You can only give roles below your own.", role=role)
    if user.role != role:
        user.role = Role(role)
        _end_sessions(user, "role")
    return user


def _set_status(user: User, status: UserStatus) -> User:
    if user.status != status:
        user.status = status
        _end_sessions(user, "status")
    return user


def _end_sessions(user: User, changed: str) -> None:
    user.token_version += 1
    user.save(update_fields=[changed, "token_version", "updated_at"])


def _lock_managed(user_id: UUID, actor: User) -> User:
    user = _lock_user(user_id)
    if user.id == actor.id or not actor.outranks(user.role):
        raise Forbidden("You can only manage people whose role is below your own.")
    return user


def _lock_user(user_id: UUID) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    return user


# --- Partners and their keys ----------------------------------------------


def ensure_partner(*, name: str) -> Partner:
    """Find the partner of that name, or make it."""
    partner, _ = Partner.objects.get_or_create(name=name)
    return partner


@transaction.atomic
def issue_api_key(
    *, partner_id: UUID, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key for a partner.

    Returns:
        The record, and the key itself, which cannot be shown again.

    Raises:
        NotFound: there is no such partner.
        Invalid: a scope is unknown or none is given, or the key would be expired at once.
    """
    if not scopes or not set(scopes) <= set(Scope.values):
        raise Invalid("Give at least one scope, and only known ones.", field="scopes")
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("Choose a moment in the future.", field="expires_at")
    partner = Partner.objects.filter(pk=partner_id).first()
    if partner is None:
        raise NotFound("There is no such partner.", field="partner_id")
    key = api_keys.generate()
    record = partner.api_keys.create(
        name=name,
        prefix=key[: api_keys.PREFIX_LENGTH],
        key_hash=api_keys.hash_key(key),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    return record, key


@transaction.atomic
def revoke_api_key(*, api_key_id: UUID) -> ApiKey:
    """Make a key useless for ever. A repeat changes nothing.

    Raises:
        NotFound: there is no such key.
    """
    record = ApiKey.objects.select_for_update().filter(pk=api_key_id).first()
    if record is None:
        raise NotFound("There is no such API key.")
    if record.revoked_at is None:
        record.revoked_at = clock.now()
        record.save(update_fields=["revoked_at", "updated_at"])
    return record


def recognise_api_key(*, key: str, now: datetime) -> ApiKey | None:
    """Find the usable key that this is, and its partner. Notes its use, at most once a minute."""
    record = usable_api_key(key=key, now=now)
    if record and (record.last_used_at is None or record.last_used_at <= now - _KEY_USE_RESOLUTION):
        ApiKey.objects.filter(pk=record.pk).update(last_used_at=now)
        record.last_used_at = now
    return record
