import pytest
from django.core import mail

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from common.testing import drain_outbox
from portal.tests.pages import text

NEWCOMER = {"name": "Ada", "email": "Ada@Example.com ", "password": "a-fine-long-phrase"}
REFUSED = "E-mail address and password do not match an account."


def test_sign_up_opens_an_account_and_points_to_the_mailbox(visitor):
    answer = visitor.post("/sign-up", NEWCOMER)

    assert (answer.status_code, answer["Location"]) == (303, "/sign-up/sent")
    assert "Look into your mailbox" in text(visitor.get("/sign-up/sent"))
    user = User.objects.get()
    assert (user.email, user.name, user.is_verified) == ("ada@example.com", "Ada", False)
    drain_outbox()
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


def test_sign_up_with_a_known_address_answers_alike_and_changes_nothing(visitor):
    owner = UserFactory(email="ada@example.com", name="Owner")
    stranger = visitor.post("/sign-up", NEWCOMER | {"email": "new@example.com"})

    answer = visitor.post("/sign-up", NEWCOMER)

    assert (answer.status_code, answer["Location"]) == (303, stranger["Location"])
    assert answer.content == stranger.content
    owner.refresh_from_db()
    assert owner.name == "Owner"
    assert owner.check_password(PASSWORD)
    drain_outbox()
    assert "/sign-in" in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "A", "Ensure this value has at least 2 characters (it has 1)."),
        ("name", " ", "This field is required."),
        ("email", "ada", "Enter a valid email address."),
        ("password", "", "This field is required."),
        ("password", "password", "This password is too common."),
        ("password", "x" * 129, "Ensure this value has at most 128 characters (it has 129)."),
        ("name", "A\0da", "Null characters are not allowed."),
    ],
)
def test_sign_up_with_a_bad_value_says_so_at_its_field(visitor, field, value, error):
    answer = visitor.post("/sign-up", NEWCOMER | {field: value})

    assert answer.status_code == 422
    assert answer.context["form"].errors == {field: [error]}
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert NEWCOMER["password"] not in answer.content.decode()
    assert not User.objects.exists()


def test_sign_in_leads_to_the_wallet(visitor, user):
    answer = visitor.post("/sign-in", {"email": user.email.upper(), "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (303, "/wallet")
    assert visitor.get("/wallet").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "path"), [("/payments", "/payments"), ("https://evil.example/", "/wallet")]
)
def test_sign_in_leads_on_to_own_paths_only(visitor, user, wanted, path):
    page = visitor.get("/sign-in", {"next": wanted})
    assert page.context["next"] == wanted

    answer = visitor.post(
        "/sign-in", {"email": user.email, "password": PASSWORD, "next": page.context["next"]}
    )

    assert answer["Location"] == path


def test_sign_in_refuses_everything_else_alike(visitor, user):
    blocked = UserFactory(status="blocked")
    attempts = [
        {"email": user.email, "password": "wrong"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": blocked.email, "password": PASSWORD},
    ]

    answers = [visitor.post("/sign-in", attempt) for attempt in attempts]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert all(answer.context["form"].errors == {"__all__": [REFUSED]} for answer in answers)
    assert "_auth_user_id" not in visitor.session


def test_sign_in_gives_the_session_another_key(visitor, user):
    session = visitor.session
    session["basket"] = 1
    session.save()
    before = visitor.cookies["sessionid"].value

    visitor.post("/sign-in", {"email": user.email, "password": PASSWORD})

    assert visitor.cookies["sessionid"].value != before


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-up"])
def test_who_is_in_already_is_led_to_the_wallet(browser, path):
    answer = browser.get(path)

    assert (answer.status_code, answer["Location"]) == (303, "/wallet")


def test_sign_out_ends_the_session(browser):
    answer = browser.post("/sign-out")

    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert browser.get("/wallet").status_code == 303


def test_link_to_sign_out_does_nothing(browser):
    assert browser.get("/sign-out").status_code == 405
    assert browser.get("/wallet").status_code == 200
