"""The plain mails of an account. They may be sent twice, so each names its event."""

from textwrap import dedent
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from accounts import verification
from accounts.models import User
from common import clock


def send_verification_link(*, user_id: UUID, event_id: str) -> None:
    """Send the link that verifies the address; nothing if it is verified by now."""
    user = User.objects.get(pk=user_id)
    if user.is_verified:
        return
    token = verification.make_token(user, now=clock.now())
    _send(
        user,
        subject="Please confirm your e-mail address",
        body=f"""\
        Hello,

        to confirm that this address is yours, open this link within 24 hours:

        {settings.BASE_URL}/verify-email?token={token}

        If you did not sign up, you can ignore this mail.
        """,
        event_id=event_id,
    )


def send_account_exists(*, user_id: UUID, event_id: str) -> None:
    """Tell the owner of an address that it needs no second account."""
    _send(
        User.objects.get(pk=user_id),
        subject="You already have an account",
        body=f"""\
        Hello,

        somebody, probably you, wanted to sign up with this address. It already has an
        account, and nothing about that account was changed. Sign in here:

        {settings.BASE_URL}/sign-in

        If it was not you, you can ignore this mail.
        """,
        event_id=event_id,
    )


def _send(user: User, *, subject: str, body: str, event_id: str) -> None:
    # The name stays out: a stranger could have chosen it as an advertisement.
    EmailMessage(
        subject=subject, body=dedent(body), to=[user.email], headers={"X-Event-Id": event_id}
    ).send()
