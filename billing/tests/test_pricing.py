from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import PricedUsage, Usage, plain, price_call


def usage(input_tokens, output_tokens, input_price="3e-7", output_price="2.5e-6"):
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        input_token_price=Decimal(input_price),
        output_token_price=Decimal(output_price),
    )


def price(*usages, credit_price="0.00001", profit="30"):
    return price_call(
        usages=usages, credit_price=Decimal(credit_price), profit_percentage=Decimal(profit)
    )


def test_price_of_worked_example_is_1575_with_every_fraction_exact():
    """Production cost is kept apart from the margin, and input from output."""
    call = price(usage(1200, 800), usage(1500, 600, "2.5e-6", "1e-5"))

    assert call.total == 1575
    assert [
        (
            plain(row.input_credits), plain(row.output_credits), plain(row.base_credits),
            plain(row.profit_credits), plain(row.cost_credits), plain(row.rounding_credits),
            plain(row.base_price), plain(row.price),
        )
        for row in call.usages
    ] == [
        ("36", "200", "236", "70.8", "306.8", "0", "0.00236", "0.003068"),
        ("375", "600", "975", "292.5", "1267.5", "0.7", "0.00975", "0.012682"),
    ]  # fmt: skip


def test_price_rounds_up_once_a_call_and_not_once_a_usage():
    """Five usages of 0.2 credits cost 1, not 5."""
    fifth = usage(2, 0, "0.000001", "0")

    assert price(fifth, fifth, fifth, fifth, fifth, profit="0").total == 1


def test_price_on_a_whole_number_has_no_float_noise():
    """Doubles make this 228.00000000000003 and charge 229."""
    call = price(usage(100, 900), profit="0")

    assert call.total == 228
    assert call.usages[0].rounding_credits == 0


def test_price_of_nothing_is_nothing():
    assert price().total == 0
    assert price(usage(0, 0)).total == 0


def test_price_that_has_no_last_digit_still_adds_up():
    call = price(*[usage(1, 0, "0.00001", "0")] * 3, credit_price="0.00003", profit="0")

    assert call.total == 1
    assert [plain(row.cost_credits) for row in call.usages] == ["0.333333333333"] * 3
    assert plain(call.usages[-1].rounding_credits) == "0.000000000001"


def test_price_of_ten_thousand_tiny_calls_exceeds_one_big_call_by_less_than_one_credit_each():
    tiny = price(usage(1, 1)).total * 10_000
    big = price(usage(10_000, 10_000)).total

    assert 0 <= tiny - big < 10_000


tokens = st.integers(0, 10**9)
token_prices = st.decimals(0, 999_999_999, places=15)
usages = st.builds(
    Usage,
    input_tokens=tokens,
    output_tokens=tokens,
    input_token_price=token_prices,
    output_token_price=token_prices,
)
calls = {
    "usages": st.lists(usages, max_size=8),
    "credit_price": st.decimals("1e-12", 999_999_999_999, places=12),
    "profit_percentage": st.decimals(0, 900, places=2),
}


def exact_credits(usages, credit_price, profit_percentage):
    usd = sum(
        (
            row.input_tokens * Fraction(row.input_token_price)
            + row.output_tokens * Fraction(row.output_token_price)
            for row in usages
        ),
        Fraction(0),
    )
    return usd * (100 + Fraction(profit_percentage)) / 100 / Fraction(credit_price)


@given(**calls)
def test_price_is_the_ceiling_of_the_exact_sum(usages, credit_price, profit_percentage):
    call = price_call(usages=usages, credit_price=credit_price, profit_percentage=profit_percentage)
    exact = exact_credits(usages, credit_price, profit_percentage)

    assert call.total == ceil(exact)
    assert exact <= call.total < exact + 1


@given(**calls)
def test_fractions_of_a_call_add_up_to_what_is_charged(usages, credit_price, profit_percentage):
    call = price_call(usages=usages, credit_price=credit_price, profit_percentage=profit_percentage)
    rows = call.usages

    assert sum(
        Fraction(row.base_credits) + Fraction(row.profit_credits) + Fraction(row.rounding_credits)
        for row in rows
    ) == (call.total if rows else 0)
    assert sum(Fraction(row.price) for row in rows) == call.total * Fraction(credit_price)
    for row in rows:
        base = Fraction(row.base_credits)
        assert Fraction(row.input_credits) + Fraction(row.output_credits) == base
        assert base + Fraction(row.profit_credits) == Fraction(row.cost_credits)
        assert min(row.input_credits, row.output_credits, row.profit_credits) >= 0
    assert all(row.rounding_credits == 0 for row in rows[:-1])
    assert all(row.rounding_credits >= 0 for row in rows[-1:])


@given(**calls, more=usages)
def test_using_more_never_costs_less(usages, credit_price, profit_percentage, more):
    def total(rows):
        return price_call(
            usages=rows, credit_price=credit_price, profit_percentage=profit_percentage
        ).total

    assert total([*usages, more]) >= total(usages)


@given(**calls)
def test_price_never_holds_a_float(usages, credit_price, profit_percentage):
    call = price_call(usages=usages, credit_price=credit_price, profit_percentage=profit_percentage)

    assert type(call.total) is int
    for row in call.usages:
        amounts = [getattr(row, field.name) for field in fields(PricedUsage)[1:]]
        assert {type(amount) for amount in amounts} == {Decimal}
