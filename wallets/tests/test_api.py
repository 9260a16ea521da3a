from datetime import timedelta

import pytest

from accounts.tests.factories import UserFactory
from common import clock
from wallets.enums import GrantSource
from wallets.models import Account, Entry
from wallets.services import spend_credits, transfer_credits
from wallets.tests.factories import FAR, NOON, give, hold, wallet

pytestmark = pytest.mark.django_db

WALLETS = "/api/user-wallets"
OWN_WALLET = "/api/user-wallets/self"
TRANSACTIONS = "/api/credits-transactions"


def spend(user, amount, reference, memo=""):
    spend_credits(user_id=user.id, amount=amount, reference=reference, memo=memo)


def results(response):
    assert response.status_code == 200, response.json()
    return response.json()["results"]


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        (WALLETS, None, 401),
        (WALLETS, "user", 403),
        (WALLETS, "editor", 403),
        (WALLETS, "admin", 200),
        (WALLETS, "super-admin", 200),
        (OWN_WALLET, None, 401),
        (OWN_WALLET, "user", 200),
        (OWN_WALLET, "admin", 200),
        (TRANSACTIONS, None, 401),
        (TRANSACTIONS, "user", 200),
        (TRANSACTIONS, "admin", 200),
    ],
)
def test_route_opens_for_its_roles_only(api, client_for, path, role, status):
    caller = client_for(UserFactory(role=role)) if role else api

    assert caller.get(path).status_code == status


@pytest.mark.parametrize("path", [WALLETS, OWN_WALLET, TRANSACTIONS])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_books_cannot_be_written_over_the_api(client_for, admin_user, path, method):
    assert getattr(client_for(admin_user), method)(path).status_code == 405


def test_partner_key_opens_no_wallet(partner_api):
    for path in (WALLETS, OWN_WALLET, TRANSACTIONS):
        assert partner_api.get(path).status_code == 403


# --- Wallets ----------------------------------------------------------------


def test_own_wallet_shows_figures_and_open_lots_soonest_first(client_for, user):
    give(user, 100)
    give(user, 40, source=GrantSource.BONUS, expires_at=FAR)
    give(user, 5, expires_at=clock.now())
    spend(user, 10, "usage:1")
    hold(user, 20, expires_at=FAR)

    response = client_for(user).get(OWN_WALLET)

    assert response.json() == {
        "id": str(wallet(user).id),
        "user": str(user.id),
        "asset": "CREDIT",
        "balance": 130,
        "held": 20,
        "available": 110,
        "overdraft_limit": 0,
        "grants": [
            {"remaining": 30, "source": "bonus", "expires_at": "2051-07-13T12:00:00Z"},
            {"remaining": 100, "source": "purchase", "expires_at": None},
        ],
    }


def test_own_wallet_leaves_out_what_expired_before_any_sweep(client_for, user):
    with clock.frozen(NOON):
        give(user, 100, expires_at=NOON + timedelta(minutes=5))
        give(user, 40)

    with clock.frozen(NOON + timedelta(minutes=5)):
        body = client_for(user).get(OWN_WALLET).json()

    assert (body["balance"], body["available"]) == (40, 40)
    assert [lot["remaining"] for lot in body["grants"]] == [40]


def test_own_wallet_of_a_new_user_is_zeros_and_is_not_made(client_for, user):
    response = client_for(user).get(OWN_WALLET)

    assert response.json() == {
        "id": None,
        "user": str(user.id),
        "asset": "CREDIT",
        "balance": 0,
        "held": 0,
        "available": 0,
        "overdraft_limit": 0,
        "grants": [],
    }
    assert not Account.objects.exists()


def test_staff_find_a_wallet_by_email_and_filter_by_figures(client_for, admin_user):
    rich, poor = UserFactory(email="rich@example.org"), UserFactory(email="poor@example.org")
    give(rich, 1000)
    give(poor, 1)
    staff = client_for(admin_user)

    assert [row["email"] for row in results(staff.get(WALLETS))] == [poor.email, rich.email]
    for query in ("search=rich@", "balance__gte=1000", f"user={rich.id}", "ordering=-balance"):
        assert results(staff.get(f"{WALLETS}?{query}"))[0]["user"] == str(rich.id)
    assert results(staff.get(f"{WALLETS}?balance__gt=1000")) == []


def test_staff_open_one_wallet_but_no_system_account(client_for, admin_user, user):
    give(user, 100)
    staff = client_for(admin_user)

    body = staff.get(f"{WALLETS}/{wallet(user).id}").json()

    assert (body["email"], body["balance"], len(body["grants"])) == (user.email, 100, 1)
    system = Account.objects.get(owner=None)
    assert staff.get(f"{WALLETS}/{system.id}").status_code == 404
    assert staff.get(f"{WALLETS}/nonsense").status_code == 404


def test_unknown_parameter_is_named(client_for, admin_user):
    for path in (WALLETS, TRANSACTIONS):
        response = client_for(admin_user).get(f"{path}?colour=red")

        assert response.status_code == 400
        assert "colour" in response.content.decode()


@pytest.mark.parametrize("path", [WALLETS, TRANSACTIONS])
def test_list_takes_the_same_number_of_queries_at_any_length(
    client_for, admin_user, path, django_assert_max_num_queries
):
    staff = client_for(admin_user)
    give(UserFactory(), 1)
    staff.get(path)
    with django_assert_max_num_queries(100) as one:
        assert len(results(staff.get(path))) == 1
    for _ in range(2):
        give(UserFactory(), 1)

    with django_assert_max_num_queries(len(one)):
        assert len(results(staff.get(path))) == 3


# --- Transactions -----------------------------------------------------------


def test_user_sees_their_own_changes_the_latest_first(client_for, user, other_user):
    with clock.frozen(NOON):
        give(user, 100, reference="payment:1", memo="Starter")
        give(other_user, 7)
    with clock.frozen(NOON + timedelta(seconds=1)):
        spend(user, 30, "usage:1", memo="A poem")

    latest, first = results(client_for(user).get(TRANSACTIONS))

    ids = Entry.objects.filter(account__owner=user).order_by("-position")
    assert latest == {
        "id": str(ids[0].id),
        "kind": "usage",
        "type": "decrease",
        "credits": 30,
        "balance_after": 70,
        "reference": "usage:1",
        "memo": "A poem",
        "created_at": "2026-11-21T12:00:01Z",
    }
    assert first == {
        "id": str(ids[1].id),
        "kind": "purchase",
        "type": "increase",
        "credits": 100,
        "balance_after": 100,
        "reference": "payment:1",
        "memo": "Starter",
        "created_at": "2026-11-21T12:00:00Z",
    }


def test_another_users_change_is_not_found(client_for, user, other_user):
    give(user, 100)
    path = f"{TRANSACTIONS}/{Entry.objects.get(account__owner=user).id}"

    assert client_for(other_user).get(path).status_code == 404
    assert client_for(user).get(path).json()["credits"] == 100


def test_staff_see_every_wallets_changes_with_the_user_but_no_system_entries(
    client_for, admin_user, user, other_user
):
    give(user, 100)
    transfer_credits(
        sender_id=user.id, receiver_id=other_user.id, amount=30, reference="transfer:1"
    )

    rows = results(client_for(admin_user).get(f"{TRANSACTIONS}?reference=transfer:1"))

    assert {(row["user"], row["email"], row["type"], row["credits"]) for row in rows} == {
        (str(user.id), user.email, "decrease", 30),
        (str(other_user.id), other_user.email, "increase", 30),
    }
    assert len(results(client_for(admin_user).get(TRANSACTIONS))) == 3


@pytest.mark.parametrize(
    ("query", "references"),
    [
        ("type=increase", ["payment:1"]),
        ("type=decrease", ["usage:2", "usage:1"]),
        ("kind=purchase", ["payment:1"]),
        ("kind__in=purchase,bonus", ["payment:1"]),
        ("reference=usage:1", ["usage:1"]),
        ("search=poem", ["usage:1"]),
        ("created_at__gt=2026-11-21T12:00:01Z", ["usage:2"]),
        ("ordering=created_at", ["payment:1", "usage:1", "usage:2"]),
    ],
)
def test_changes_are_filtered_searched_and_ordered(client_for, user, query, references):
    with clock.frozen(NOON):
        give(user, 100, reference="payment:1")
        clock.advance(timedelta(seconds=1))
        spend(user, 10, "usage:1", memo="A poem")
        clock.advance(timedelta(seconds=1))
        spend(user, 10, "usage:2")

    rows = results(client_for(user).get(f"{TRANSACTIONS}?{query}"))

    assert [row["reference"] for row in rows] == references


@pytest.mark.parametrize("query", ["type=sideways", "kind=theft", "created_at__gt=yesterday"])
def test_filter_with_a_wrong_value_is_refused(client_for, user, query):
    assert client_for(user).get(f"{TRANSACTIONS}?{query}").status_code == 400
