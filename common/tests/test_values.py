"""Ids, money, time and encrypted columns."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.db import connection

from common import clock, money
from common.ids import uuid7
from common.money import Currency, Money
from common.testing import run_concurrently
from common.tests.factories import ToolFactory
from common.tests.models import Tool


def test_ids_are_version_7_and_sort_in_the_order_of_their_making():
    ids = [uuid7() for _ in range(20_000)]

    assert {one.version for one in ids} == {7}
    assert ids == sorted(ids)
    assert len(set(ids)) == 20_000


def test_ids_carry_the_moment_of_their_making():
    before = int(datetime.now(UTC).timestamp() * 1000)
    milliseconds = uuid7().int >> 80
    after = int(datetime.now(UTC).timestamp() * 1000)

    assert before <= milliseconds <= after


@pytest.mark.django_db(transaction=True)
def test_ids_made_by_many_threads_at_once_differ():
    made = run_concurrently([lambda: [uuid7() for _ in range(5_000)]] * 4)

    assert len({one for some in made for one in some}) == 20_000


@pytest.mark.django_db
def test_database_sorts_ids_as_we_do():
    tools = [ToolFactory() for _ in range(20)]

    assert list(Tool.objects.order_by("id")) == tools


@pytest.mark.parametrize("currency", Currency)
@pytest.mark.parametrize(
    ("amount_minor", "text"),
    [(0, "0.00"), (1, "0.01"), (-1, "-0.01"), (100, "1.00"), (123_456_789, "1234567.89")],
)
def test_money_of_each_currency_of_ours_has_two_decimals(currency, amount_minor, text):
    assert Money(amount_minor, currency).format() == text


@pytest.mark.parametrize(
    ("places", "amount_minor", "text"),
    [(0, 1250, "1250"), (0, -7, "-7"), (3, 1250, "1.250"), (3, -5, "-0.005"), (3, 0, "0.000")],
)
def test_money_without_decimals_and_with_three_is_written_right(
    monkeypatch, places, amount_minor, text
):
    monkeypatch.setitem(money._EXPONENTS, Currency.BDT, places)

    assert Money(amount_minor, "BDT").format() == text


@pytest.mark.parametrize("amount", [1.5, "1", True, None])
def test_money_is_a_whole_number(amount):
    with pytest.raises(TypeError):
        Money(amount, "USD")


@pytest.mark.parametrize("currency", ["JPY", "usd", ""])
def test_money_is_of_a_currency_that_we_know(currency):
    with pytest.raises(ValueError, match="is not a valid Currency"):
        Money(1, currency)


def test_clock_runs_in_utc_and_is_aware():
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(timezone(timedelta(hours=6)))) < timedelta(seconds=5)


def test_frozen_clock_stands_can_be_advanced_and_runs_again():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with clock.frozen(at):
        assert clock.now() == at
        with clock.frozen(at + timedelta(days=9)):
            assert clock.now() == at + timedelta(days=9)
        assert clock.advance(timedelta(hours=1)) == clock.now() == at + timedelta(hours=1)
    assert clock.now() > at + timedelta(hours=1)


def stored_text(tool):
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM tests_tool WHERE id = %s", [tool.pk])
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value", [{"n": [1, None, True]}, "", [], 0, False, "text", {"ключ": "🔑"}]
)
def test_encrypted_column_gives_back_what_it_was_given(value):
    tool = ToolFactory(secret=value)

    assert Tool.objects.get(pk=tool.pk).secret == value


@pytest.mark.django_db
def test_encrypted_column_stores_no_word_of_it():
    text = stored_text(ToolFactory(secret={"api_key": "sk_live_0123456789"}))

    assert text.startswith("gAAAA")
    assert "api_key" not in text
    assert "sk_live_0123456789" not in text


@pytest.mark.django_db
def test_nothing_is_stored_as_null():
    assert stored_text(ToolFactory(secret=None)) is None


@pytest.mark.django_db
def test_same_value_looks_different_each_time():
    assert stored_text(ToolFactory(secret="x")) != stored_text(ToolFactory(secret="x"))


@pytest.mark.django_db
def test_key_can_be_replaced_without_losing_what_the_old_one_hid(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    tool = ToolFactory(secret={"key": "value"})

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    tool = Tool.objects.get(pk=tool.pk)
    assert tool.secret == {"key": "value"}
    tool.save()

    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert Tool.objects.get(pk=tool.pk).secret == {"key": "value"}

    settings.FIELD_ENCRYPTION_KEYS = [old]
    with pytest.raises(InvalidToken):
        Tool.objects.get(pk=tool.pk)


@pytest.mark.django_db
def test_column_that_somebody_changed_is_not_believed():
    tool = ToolFactory(secret="x")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tests_tool SET secret = overlay(secret placing 'AAAA' from 60) WHERE id = %s",
            [tool.pk],
        )

    with pytest.raises(InvalidToken):
        Tool.objects.get(pk=tool.pk)
