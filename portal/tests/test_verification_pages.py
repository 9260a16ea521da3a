from datetime import timedelta

import pytest

from accounts.services import request_verification
from accounts.tests.factories import UserFactory
from common import clock
from common.models import OutboxEvent
from common.testing import drain_outbox
from portal.tests.pages import link_of_last_mail, text

INVALID = "This link is not valid"


@pytest.fixture
def newcomer(db):
    return UserFactory(is_verified=False)


@pytest.fixture
def link(newcomer):
    request_verification(user_id=newcomer.id)
    drain_outbox()
    return link_of_last_mail()


def confirm(client, link):
    return client.post("/verify-email", {"token": link.partition("=")[2]})


def test_opening_the_link_confirms_nothing_and_offers_a_button(visitor, link, newcomer):
    page = visitor.get(link)

    assert page.status_code == 200
    assert f"Is {newcomer.email} yours?" in text(page)
    assert "Confirm this address" in text(page)
    newcomer.refresh_from_db()
    assert not newcomer.is_verified


def test_button_confirms_and_leads_to_sign_in(visitor, link, newcomer):
    answer = confirm(visitor, link)

    assert (answer.status_code, answer["Location"]) == (303, "/sign-in")
    assert "Your e-mail address is confirmed." in text(visitor.get("/sign-in"))
    newcomer.refresh_from_db()
    assert newcomer.is_verified


def test_button_leads_who_is_signed_in_to_the_wallet(visitor, link, newcomer):
    visitor.force_login(newcomer)

    assert confirm(visitor, link)["Location"] == "/wallet"


def test_used_link_says_that_nothing_is_left_to_do(visitor, link):
    confirm(visitor, link)

    page = visitor.get(link)

    assert page.status_code == 200
    assert "This address is confirmed already" in text(page)
    assert confirm(visitor, link).status_code == 303
    assert OutboxEvent.objects.filter(type="accounts.email_verified").count() == 1


@pytest.mark.parametrize("path", ["/verify-email", "/verify-email?token=forged.token"])
def test_bad_link_says_what_to_do(visitor, path):
    page = visitor.get(path)

    assert page.status_code == 410
    assert INVALID in text(page)


def test_link_is_good_for_a_day(visitor, link, newcomer):
    with clock.frozen(clock.now() + timedelta(hours=24)):
        pages = [visitor.get(link), confirm(visitor, link)]

    assert [page.status_code for page in pages] == [410, 410]
    assert all(INVALID in text(page) for page in pages)
    newcomer.refresh_from_db()
    assert not newcomer.is_verified


def test_link_for_a_former_address_is_bad(visitor, link, newcomer):
    newcomer.email = "other@example.com"
    newcomer.save()

    assert visitor.get(link).status_code == 410


def test_resend_sends_another_link(visitor, newcomer):
    visitor.force_login(newcomer)

    answer = visitor.post("/verify-email/resend")

    assert (answer.status_code, answer["Location"]) == (303, "/account")
    assert "We have sent you a new link." in text(visitor.get("/account"))
    drain_outbox()
    assert visitor.get(link_of_last_mail()).status_code == 200


def test_resend_to_a_confirmed_address_sends_nothing(browser):
    browser.post("/verify-email/resend")

    assert "This address is verified already." in text(browser.get("/account"))
    assert not OutboxEvent.objects.filter(type="accounts.verification_requested").exists()
