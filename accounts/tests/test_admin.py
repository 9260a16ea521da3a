import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts import services
from accounts.enums import Role
from accounts.models import ApiKey, Partner
from accounts.tests.factories import PASSWORD, PartnerFactory, UserFactory

pytestmark = pytest.mark.django_db

USERS = "admin:accounts_user_changelist"
KEYS = "admin:accounts_apikey_changelist"


def page_of(row):
    return reverse(f"admin:accounts_{row._meta.model_name}_change", args=[row.pk])


@pytest.fixture
def office(client, admin_user):
    client.force_login(admin_user)
    return client


def act(office, changelist, action, *rows):
    return office.post(
        reverse(changelist),
        {"action": action, "_selected_action": [str(row.pk) for row in rows]},
        follow=True,
    )


def test_staff_sign_in_with_any_spelling_of_their_address(client):
    UserFactory(email="root@example.com", role=Role.SUPER_ADMIN)

    answer = client.post(
        reverse("admin:login") + "?next=/done",
        {"username": "Root@Example.com", "password": PASSWORD},
    )

    assert (answer.status_code, answer["Location"]) == (302, "/done")


@pytest.mark.parametrize("role", Role.values)
def test_office_opens_for_staff_only(client, role):
    client.force_login(UserFactory(role=role))

    answers = [client.get(reverse(name)).status_code for name in (USERS, KEYS, "admin:index")]

    assert answers == [200 if role in {"admin", "super-admin"} else 302] * 3


def test_user_list_searches_and_filters(office):
    ada = UserFactory(email="ada@example.com", is_verified=False)
    UserFactory(email="bob@example.com")

    def found(**query):
        return set(office.get(reverse(USERS), query).context["cl"].queryset)

    assert found(q="ada@") == {ada}
    assert found(q=str(ada.id)) == {ada}
    assert found(is_verified__exact="0") == {ada}
    assert found(role__exact="editor") == set()


def test_user_list_makes_as_many_queries_for_three(office, django_assert_max_num_queries):
    UserFactory()
    with django_assert_max_num_queries(20) as one:
        office.get(reverse(USERS))
    UserFactory.create_batch(3)
    with django_assert_max_num_queries(len(one)):
        office.get(reverse(USERS))


def test_user_page_never_shows_the_password(office, user):
    page = office.get(page_of(user)).content.decode()

    assert user.email in page
    assert user.password not in page
    assert "password" not in office.get(page_of(user)).context["adminform"].form.fields


def test_users_are_neither_added_nor_deleted_here(office, user):
    assert office.get(reverse("admin:accounts_user_add")).status_code == 403
    assert office.post(reverse("admin:accounts_user_delete", args=[user.pk])).status_code == 403


def test_name_and_role_are_edited_through_the_services(office, user):
    answer = office.post(page_of(user), {"name": "Grace", "role": "editor"})

    assert answer.status_code == 302
    user.refresh_from_db()
    assert (user.name, user.role, user.token_version) == ("Grace", "editor", 1)


def test_saving_without_a_change_keeps_tokens(office, user):
    office.post(page_of(user), {"name": user.name, "role": user.role})

    user.refresh_from_db()
    assert user.token_version == 0


def test_role_cannot_be_raised_to_the_own(office, user):
    answer = office.post(page_of(user), {"name": user.name, "role": "admin"})

    assert "role" in answer.context["adminform"].form.errors
    user.refresh_from_db()
    assert user.role == "user"


def test_role_of_equals_and_of_oneself_is_fixed(office, admin_user, super_admin):
    for colleague in (admin_user, super_admin):
        role = colleague.role
        office.post(page_of(colleague), {"name": "Grace", "role": "user"})
        colleague.refresh_from_db()
        assert (colleague.name, colleague.role) == ("Grace", role)


def test_block_and_unblock_act_and_are_logged(office, user, other_user):
    act(office, USERS, "block", user, other_user)
    user.refresh_from_db()
    other_user.refresh_from_db()
    assert (user.status, other_user.status) == ("blocked", "blocked")
    assert user.token_version == 1

    act(office, USERS, "unblock", user)
    user.refresh_from_db()
    assert (user.status, user.token_version) == ("active", 2)
    assert sorted(LogEntry.objects.values_list("object_id", "change_message")) == sorted(
        [
            (str(user.id), "Blocked."),
            (str(other_user.id), "Blocked."),
            (str(user.id), "Unblocked."),
        ]
    )


def test_block_of_a_superior_is_refused_and_said(office, super_admin):
    answer = act(office, USERS, "block", super_admin)

    super_admin.refresh_from_db()
    assert super_admin.status == "active"
    assert "You can only manage people whose role is below your own." in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_verify_marks_the_address(office):
    newcomer = UserFactory(is_verified=False)

    act(office, USERS, "verify", newcomer)

    newcomer.refresh_from_db()
    assert newcomer.is_verified


def test_partner_is_made_and_switched_off(office):
    office.post(reverse("admin:accounts_partner_add"), {"name": "Scribe", "is_active": "on"})
    partner = Partner.objects.get(name="Scribe")

    office.post(page_of(partner), {"name": "Scribe"})

    partner.refresh_from_db()
    assert not partner.is_active
    assert office.get(reverse("admin:accounts_partner_changelist")).status_code == 200


def issue(office, **fields):
    return office.post(
        reverse("admin:accounts_apikey_add"),
        {
            "partner": str(PartnerFactory().pk),
            "name": "production",
            "scopes": ["metering:write"],
            "expires_at_0": "",
            "expires_at_1": "",
        }
        | fields,
    )


def test_issued_key_works_and_is_shown_once(office):
    assert office.get(reverse("admin:accounts_apikey_add")).status_code == 200
    answer = issue(office)

    [key] = set(re.findall(r"zk_[\w-]{49}", answer.content.decode()))
    record = ApiKey.objects.get()
    assert services.recognise_api_key(key=key, now=record.created_at) == record
    assert "no-store" in answer["Cache-Control"]
    assert LogEntry.objects.get().object_id == str(record.pk)
    for later in (page_of(record), reverse(KEYS)):
        page = office.get(later).content.decode()
        assert record.prefix in page
        assert key not in page
        assert record.key_hash not in page


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"name": ""}, "name"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"}, "expires_at"),
    ],
)
def test_key_with_bad_input_is_not_issued(office, change, field):
    answer = issue(office, **change)

    assert list(answer.context["adminform"].form.errors) == [field]
    assert not ApiKey.objects.exists()


def test_key_with_an_expiry_is_issued(office):
    issue(office, expires_at_0="2999-01-01", expires_at_1="00:00:00")

    assert ApiKey.objects.get().expires_at.year == 2999


def test_key_is_neither_edited_nor_deleted_but_revoked(office):
    issue(office)
    record = ApiKey.objects.get()

    assert office.post(page_of(record), {"name": "other"}).status_code == 403
    delete = reverse("admin:accounts_apikey_delete", args=[record.pk])
    assert office.post(delete).status_code == 403
    act(office, KEYS, "revoke", record)

    record.refresh_from_db()
    assert record.revoked_at is not None
    assert record.name == "production"
