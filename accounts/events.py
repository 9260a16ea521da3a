"""What accounts tells the rest of the system."""

from dataclasses import dataclass

from common.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class UserSignedUp(DomainEvent):
    type = "accounts.user_signed_up"

    user_id: str


@dataclass(frozen=True, kw_only=True)
class SignUpRepeated(DomainEvent):
    """Somebody tried to sign up with an address that has an account already."""

    type = "accounts.sign_up_repeated"

    user_id: str


@dataclass(frozen=True, kw_only=True)
class VerificationRequested(DomainEvent):
    type = "accounts.verification_requested"

    user_id: str


@dataclass(frozen=True, kw_only=True)
class EmailVerified(DomainEvent):
    type = "accounts.email_verified"

    user_id: str
