from uuid import UUID

from structlog.contextvars import get_contextvars

from accounts import mails
from accounts.events import SignUpRepeated, UserSignedUp, VerificationRequested
from common.events import subscribe


@subscribe(UserSignedUp)
def send_link_on_sign_up(event: UserSignedUp) -> None:
    mails.send_verification_link(user_id=UUID(event.user_id), event_id=_event_id())


@subscribe(VerificationRequested)
def send_link_on_request(event: VerificationRequested) -> None:
    mails.send_verification_link(user_id=UUID(event.user_id), event_id=_event_id())


@subscribe(SignUpRepeated)
def send_notice_on_repeated_sign_up(event: SignUpRepeated) -> None:
    mails.send_account_exists(user_id=UUID(event.user_id), event_id=_event_id())


def _event_id() -> str:
    return str(get_contextvars()["event_id"])  # bound by whoever delivers the event
