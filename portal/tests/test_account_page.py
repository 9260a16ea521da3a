import pytest

from accounts.tests.factories import UserFactory
from portal.tests.pages import text


def test_account_shows_the_address_and_its_state(browser, user):
    page = text(browser.get("/account"))

    assert user.email in page
    assert "Confirmed" in page
    assert "Send the link again" not in page


def test_account_that_is_not_confirmed_offers_the_link_again(visitor):
    visitor.force_login(UserFactory(is_verified=False))

    page = text(visitor.get("/account"))

    assert "Not confirmed" in page
    assert "Send the link again" in page


def test_name_is_changed(browser, user):
    answer = browser.post("/account", {"name": "  Ada Lovelace "})

    assert (answer.status_code, answer["Location"]) == (303, "/account")
    assert "Your name is saved." in text(browser.get("/account"))
    user.refresh_from_db()
    assert user.name == "Ada Lovelace"


@pytest.mark.parametrize("name", ["", "A", "x" * 51])
def test_name_that_will_not_do_is_refused_at_its_field(browser, user, name):
    answer = browser.post("/account", {"name": name})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["name"]
    before = user.name
    user.refresh_from_db()
    assert user.name == before
