from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts.enums import Role, Scope
from accounts.models import ApiKey, User
from accounts.tests.factories import PASSWORD, PartnerFactory, UserFactory
from common import clock

pytestmark = pytest.mark.django_db


def refused_by(constraint):
    return pytest.raises(IntegrityError, match=f'"{constraint}"')


def test_email_taken_is_refused():
    UserFactory(email="ada@example.com")
    with refused_by("user_once_per_email"), transaction.atomic():
        UserFactory(email="ada@example.com")


@pytest.mark.parametrize("email", ["Ada@example.com", " ada@example.com", "ada@example.com "])
def test_email_not_in_its_one_form_is_refused(email):
    with refused_by("user_email_trimmed_lower_case"), transaction.atomic():
        UserFactory(email=email)


@pytest.mark.parametrize("name", ["A", "", " Ada", "Ada "])
def test_name_too_short_or_not_trimmed_is_refused(name):
    with refused_by("user_name_trimmed_and_not_too_short"), transaction.atomic():
        UserFactory(name=name)


def test_unknown_role_is_refused():
    with refused_by("user_role_is_one_we_know"), transaction.atomic():
        UserFactory(role="emperor")


def test_unknown_status_is_refused():
    with refused_by("user_status_is_one_we_know"), transaction.atomic():
        UserFactory(status="asleep")


def test_second_partner_of_a_name_is_refused():
    PartnerFactory(name="Scribe")
    with refused_by("partner_once_per_name"), transaction.atomic():
        PartnerFactory(name="Scribe")


def make_key(**fields):
    return ApiKey.objects.create(
        **{
            "partner": PartnerFactory(),
            "name": "production",
            "prefix": "zk_abcdefgh",
            "key_hash": "0" * 64,
            "scopes": [Scope.METERING_WRITE],
        }
        | fields
    )


def test_second_key_of_a_hash_is_refused():
    make_key()
    with refused_by("api_key_once_per_hash"), transaction.atomic():
        make_key()


@pytest.mark.parametrize("scopes", [[], ["metering:write", "everything"]])
def test_key_without_a_known_scope_is_refused(scopes):
    with refused_by("api_key_has_known_scopes"), transaction.atomic():
        make_key(scopes=scopes)


def test_key_says_how_it_begins_and_where_it_is_used():
    assert str(make_key()) == "zk_abcdefgh… (production)"


def test_partner_and_user_say_their_names():
    assert str(PartnerFactory.build(name="Scribe")) == "Scribe"
    assert str(UserFactory.build(email="ada@example.com")) == "ada@example.com"


@pytest.mark.parametrize(
    ("role", "opens"),
    [(role, role in {Role.ADMIN, Role.SUPER_ADMIN}) for role in Role],
)
def test_back_office_opens_for_staff_only(role, opens):
    user = UserFactory.build(role=role)

    assert user.is_staff is opens
    assert user.has_perm("wallets.view_account") is opens
    assert user.has_module_perms("wallets") is opens


def test_back_office_is_shut_for_blocked_staff():
    user = UserFactory.build(role=Role.ADMIN, status="blocked")

    assert not user.is_active
    assert not user.has_perm("wallets.view_account")
    assert not user.has_module_perms("wallets")


@pytest.mark.parametrize(
    ("role", "other", "outranks"),
    [
        (Role.SUPER_ADMIN, Role.SUPER_ADMIN, True),
        (Role.SUPER_ADMIN, Role.ADMIN, True),
        (Role.ADMIN, Role.SUPER_ADMIN, False),
        (Role.ADMIN, Role.ADMIN, False),
        (Role.ADMIN, Role.EDITOR, True),
        (Role.USER, Role.USER, False),
    ],
)
def test_rank_decides_who_manages_whom(role, other, outranks):
    assert UserFactory.build(role=role).outranks(other) is outranks


def test_createsuperuser_makes_a_verified_super_admin(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command("createsuperuser", "--noinput", "--email", "Root@Example.com", "--name", "Root")

    root = User.objects.get(email="root@example.com")
    assert (root.role, root.is_verified) == (Role.SUPER_ADMIN, True)
    assert root.check_password(PASSWORD)


def test_new_rows_know_when_they_came():
    at = clock.now() - timedelta(days=1)
    with clock.frozen(at):
        assert UserFactory().created_at == at
