import base64
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from common.errors import Invalid
from simulator.models import Merchant
from simulator.selectors import key_hash, merchant_with_key
from simulator.services.merchants import SecretKeyTaken, register_merchant
from simulator.tests.factories import WEBHOOK_SECRET, MerchantFactory

pytestmark = pytest.mark.django_db

HOOK = "http://web:8000/api/payments/webhook/1"
KEY = "sk_test_zaaz_local_merchant_1"


def run(*arguments):
    out = StringIO()
    call_command("create_merchant", *arguments, stdout=out)
    return dict(line.split(": ", 1) for line in out.getvalue().splitlines())


def test_create_merchant_makes_keys_and_shows_them_once():
    shown = run("--name", "ZaaZ", "--webhook-url", HOOK)

    merchant = Merchant.objects.get()
    assert shown["merchant"] == "ZaaZ"
    assert merchant_with_key(secret_key=shown["secret key"]) == merchant
    assert shown["secret key"].startswith(merchant.secret_key_prefix)
    assert merchant.webhook_secret == shown["webhook secret"]
    assert merchant.webhook_url == HOOK
    assert merchant.is_active

    again = run("--name", "ZaaZ", "--webhook-url", HOOK + "2")

    assert again["secret key"] == again["webhook secret"]
    assert again["secret key"] == "unchanged; it was shown when it was made"
    merchant.refresh_from_db()
    assert merchant.webhook_url == HOOK + "2"
    assert merchant_with_key(secret_key=shown["secret key"]) == merchant


def test_create_merchant_with_given_keys_is_repeatable():
    given = ("--name", "ZaaZ", "--webhook-url", HOOK)
    keys = ("--secret-key", KEY, "--webhook-secret", WEBHOOK_SECRET)

    assert run(*given, *keys) == run(*given, *keys)

    assert Merchant.objects.get().secret_key_hash == key_hash(KEY)
    assert Merchant.objects.get().webhook_secret == WEBHOOK_SECRET


def test_create_merchant_with_a_new_key_replaces_the_old_one():
    run("--name", "ZaaZ", "--webhook-url", HOOK, "--secret-key", KEY)

    run("--name", "ZaaZ", "--webhook-url", HOOK, "--secret-key", KEY + "x")

    assert merchant_with_key(secret_key=KEY) is None
    assert merchant_with_key(secret_key=KEY + "x") == Merchant.objects.get()


def test_secrets_are_not_readable_in_the_database():
    """A20 weakness 14: keys were kept in clear text."""
    run(
        "--name",
        "Z",
        "--webhook-url",
        HOOK,
        "--secret-key",
        KEY,
        "--webhook-secret",
        WEBHOOK_SECRET,
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(m)::text FROM simulator_merchant m")
        [(row,)] = cursor.fetchall()
    assert KEY not in row
    assert WEBHOOK_SECRET not in row


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("webhook_url", "ftp://shop.example"),
        ("webhook_url", "shop.example"),
        ("secret_key", "sk_live_0123456789abcdef"),
        ("secret_key", "sk_test_short"),
        ("secret_key", ""),
        ("webhook_secret", "whsec_???"),
        ("webhook_secret", "whsec_" + base64.b64encode(b"short").decode()),
        ("webhook_secret", base64.b64encode(b"0" * 32).decode()),
        ("webhook_secret", ""),
    ],
)
def test_register_merchant_with_a_bad_value_names_it(field, value):
    with pytest.raises(Invalid) as caught:
        register_merchant(**{"name": "ZaaZ", "webhook_url": HOOK} | {field: value})

    assert caught.value.field == field
    assert not Merchant.objects.exists()


def test_register_merchant_with_anothers_key_is_refused():
    MerchantFactory(secret_key=KEY)

    with pytest.raises(SecretKeyTaken):
        register_merchant(name="ZaaZ", webhook_url=HOOK, secret_key=KEY)

    assert Merchant.objects.count() == 1


def test_create_merchant_with_a_bad_value_says_which():
    with pytest.raises(CommandError, match=r"^webhook_url: Enter an absolute http or https"):
        run("--name", "ZaaZ", "--webhook-url", "shop.example")
