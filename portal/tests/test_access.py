import pytest
from django.test import Client
from django.urls import reverse

from accounts import services as account_services
from common.ids import uuid7
from portal.pages import own_path
from portal.urls import urlpatterns

ANYBODY = {"landing", "sign-up", "sign-up-sent", "sign-in", "sign-out", "verify-email", "packages"}


def address(pattern):
    names = pattern.pattern.converters
    return reverse(f"portal:{pattern.name}", kwargs=dict.fromkeys(names, uuid7()))


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda pattern: pattern.name)
def test_every_page_but_the_named_ones_asks_strangers_to_sign_in(visitor, pattern, method):
    answer = getattr(visitor, method)(address(pattern))

    leads_to_sign_in = answer.status_code == 303 and answer["Location"].startswith("/sign-in")
    assert leads_to_sign_in == (pattern.name not in ANYBODY)


def test_stranger_comes_back_to_the_page_after_signing_in(visitor):
    answer = visitor.get("/payments?before=1")

    assert answer["Location"] == "/sign-in?next=%2Fpayments%3Fbefore%3D1"


def test_stranger_who_sends_a_form_is_not_led_back_to_it(visitor):
    assert visitor.post("/checkout")["Location"] == "/sign-in"


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/payments?before=1", "/payments?before=1"),
        ("", "/wallet"),
        ("payments", "/wallet"),
        ("//evil.example", "/wallet"),
        ("/\\evil.example", "/wallet"),
        ("///evil.example", "/wallet"),
        ("https://evil.example/", "/wallet"),
        ("javascript:alert(1)", "/wallet"),
    ],
)
def test_own_path_is_a_path_of_this_site(wanted, path):
    assert own_path(wanted) == path


def test_pages_of_a_person_are_not_kept_by_caches(browser):
    assert "no-store" in browser.get("/wallet")["Cache-Control"]


@pytest.mark.parametrize("act", ["block_user", "change_role"])
def test_session_ends_when_the_account_is_blocked_or_its_role_changes(
    browser, user, admin_user, act
):
    role = {"role": "editor"} if act == "change_role" else {}
    getattr(account_services, act)(user_id=user.id, actor=admin_user, **role)

    assert browser.get("/wallet")["Location"] == "/sign-in?next=%2Fwallet"


def test_form_without_its_token_is_refused_by_a_page(user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)

    answer = client.post("/account", {"name": "Mallory"})

    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()
    user.refresh_from_db()
    assert user.name != "Mallory"


def test_form_of_the_back_office_without_its_token_has_djangos_page(db):
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "ada"})

    assert answer.status_code == 403
    assert "This form is too old" not in answer.content.decode()
