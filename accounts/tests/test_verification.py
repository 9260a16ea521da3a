import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.core.signing import Signer

from accounts import services, verification
from accounts.selectors import account_of_link
from accounts.tests.factories import UserFactory
from common import clock
from common.errors import NotFound
from common.models import OutboxEvent
from common.testing import drain_outbox, run_concurrently

pytestmark = pytest.mark.django_db


@pytest.fixture
def newcomer():
    return UserFactory(is_verified=False)


def token_for(user):
    return verification.make_token(user, now=clock.now())


def verified_events():
    return OutboxEvent.objects.filter(type="accounts.email_verified").count()


def test_link_of_the_mail_verifies_the_address(newcomer):
    services.request_verification(user_id=newcomer.id)
    drain_outbox()
    [token] = re.findall(r"/verify-email\?token=([\w.-]+)$", mail.outbox[0].body, re.MULTILINE)

    assert services.verify_email(token=token) == newcomer

    newcomer.refresh_from_db()
    assert newcomer.is_verified
    [event] = OutboxEvent.objects.filter(type="accounts.email_verified")
    assert event.payload == {"user_id": str(newcomer.id)}


def test_verification_repeated_answers_the_same_and_publishes_once(newcomer):
    token = token_for(newcomer)
    services.verify_email(token=token)

    assert services.verify_email(token=token) == newcomer
    assert verified_events() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_verifications_publish_once(newcomer):
    token = token_for(newcomer)

    results = run_concurrently([lambda: services.verify_email(token=token)] * 4)

    assert results == [newcomer] * 4
    assert verified_events() == 1


def assert_refused(token, user):
    with pytest.raises(services.VerificationTokenInvalid) as caught:
        services.verify_email(token=token)
    assert caught.value.field == "token"
    user.refresh_from_db()
    assert not user.is_verified
    assert verified_events() == 0


def test_verification_a_day_later_is_refused(newcomer):
    at = clock.now()
    with clock.frozen(at):
        token = token_for(newcomer)
    with clock.frozen(at + timedelta(hours=24)):
        assert_refused(token, newcomer)
    with clock.frozen(at + timedelta(hours=24) - timedelta(seconds=2)):
        assert services.verify_email(token=token) == newcomer


def test_verification_for_a_former_address_is_refused(newcomer):
    token = token_for(newcomer)
    newcomer.email = "new@example.com"
    newcomer.save()

    assert_refused(token, newcomer)


@pytest.mark.parametrize("change", ["", "x", "\0"])
def test_verification_with_a_forged_token_is_refused(newcomer, change):
    token = token_for(newcomer)

    assert_refused(token[:-2] + change, newcomer)


def test_verification_with_a_token_signed_for_something_else_is_refused(newcomer):
    other = Signer(sep=".", salt="something.else").sign_object({"user_id": str(newcomer.id)})

    assert_refused(other, newcomer)


def test_request_sends_another_link(newcomer):
    services.request_verification(user_id=newcomer.id)
    services.request_verification(user_id=newcomer.id)
    drain_outbox()

    assert [message.to for message in mail.outbox] == [[newcomer.email]] * 2


def test_request_when_verified_is_refused(user):
    with pytest.raises(services.AlreadyVerified):
        services.request_verification(user_id=user.id)

    assert not OutboxEvent.objects.exists()


def test_request_for_nobody_is_refused():
    with pytest.raises(NotFound):
        services.request_verification(user_id=uuid4())


def test_link_is_not_sent_when_verified_meanwhile(newcomer):
    services.request_verification(user_id=newcomer.id)
    services.verify_email(token=token_for(newcomer))
    drain_outbox()

    assert mail.outbox == []


def test_confirmation_by_staff_verifies_and_publishes_once(newcomer):
    assert services.confirm_email(user_id=newcomer.id).is_verified
    assert services.confirm_email(user_id=newcomer.id).is_verified
    assert verified_events() == 1


def test_account_of_a_link_is_found_while_the_link_is_good(newcomer):
    token, now = token_for(newcomer), clock.now()

    assert account_of_link(token=token, now=now) == newcomer
    assert account_of_link(token=f"{token}x", now=now) is None
    assert account_of_link(token=token, now=now + timedelta(hours=25)) is None
    newcomer.email = "other@example.com"
    newcomer.save()
    assert account_of_link(token=token, now=now) is None
    newcomer.refresh_from_db()
    assert not newcomer.is_verified
