"""Every key is typed, bounded and carried, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feature_config import LARGEST, FeatureConfig
from common.errors import Invalid

WHOLE = {
    "min_credits": (0, LARGEST),
    "max_credits": (0, LARGEST),
    "daily_limit": (1, LARGEST),
    "monthly_limit": (1, LARGEST),
    "max_tokens": (1, LARGEST),
    "priority": (0, 100),
    "max_words": (1, LARGEST),
}
ACCEPTED = [
    *[(key, bound) for key, bounds in WHOLE.items() for bound in bounds],
    ("enabled_options", []),
    ("enabled_options", ["tables", "images"]),
    ("disabled_options", ["images"]),
    ("quality_tier", "basic"),
    ("quality_tier", "standard"),
    ("quality_tier", "premium"),
    ("custom", {}),
    ("custom", {"anything": [1, None, {"goes": True}]}),
]
NOT_WHOLE = [True, False, 1.0, 1.5, "1", "", None, [], {}]
REFUSED = [
    *[(key, value) for key in WHOLE for value in NOT_WHOLE],
    *[(key, lowest - 1) for key, (lowest, _) in WHOLE.items()],
    *[(key, highest + 1) for key, (_, highest) in WHOLE.items()],
    *[
        (key, value)
        for key in ("enabled_options", "disabled_options")
        for value in ("tables", ["tables", 1], [None], {}, None, 1, True)
    ],
    *[("quality_tier", value) for value in ("", "Premium", "gold", 1, True, None, [])],
    *[("custom", value) for value in ([], "x", 1, True, None)],
]

keys = st.fixed_dictionaries(
    {},
    optional={
        "min_credits": st.integers(0, 10),
        "max_credits": st.integers(10, 20),
        "daily_limit": st.integers(1, 9),
        "monthly_limit": st.integers(1, 9),
        "enabled_options": st.lists(st.sampled_from("abc")),
        "disabled_options": st.lists(st.sampled_from("abc")),
        "max_tokens": st.integers(1, 9),
        "quality_tier": st.sampled_from(["basic", "standard", "premium"]),
        "priority": st.integers(0, 100),
        "max_words": st.integers(1, 9),
        "custom": st.dictionaries(st.sampled_from("xy"), st.integers()),
    },
)


@pytest.mark.parametrize(("key", "value"), ACCEPTED)
def test_parse_of_one_good_key_gives_it_back(key, value):
    assert FeatureConfig.parse({key: value}).as_dict() == {key: value}


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_parse_of_one_bad_value_names_the_key(key, value):
    with pytest.raises(Invalid) as caught:
        FeatureConfig.parse({key: value})

    assert caught.value.field == f"config.{key}"


@pytest.mark.parametrize("key", ["dailylimit", "Daily_limit", "", "min_credit", 5])
def test_parse_of_unknown_key_names_it(key):
    with pytest.raises(Invalid) as caught:
        FeatureConfig.parse({key: 1})

    assert caught.value.field == f"config.{key}"


@pytest.mark.parametrize("raw", [None, [], "{}", 1, True])
def test_parse_of_what_is_no_object_is_refused(raw):
    with pytest.raises(Invalid) as caught:
        FeatureConfig.parse(raw)

    assert caught.value.field == "config"


def test_parse_of_minimum_above_maximum_is_refused():
    with pytest.raises(Invalid) as caught:
        FeatureConfig.parse({"min_credits": 11, "max_credits": 10})

    assert caught.value.field == "config.max_credits"


def test_parse_of_minimum_equal_to_maximum_is_accepted():
    assert FeatureConfig.parse({"min_credits": 10, "max_credits": 10}).max_credits == 10


def test_parse_of_minimum_with_maximum_of_nothing_is_refused():
    with pytest.raises(Invalid):
        FeatureConfig.parse({"min_credits": 1, "max_credits": 0})


@given(keys)
def test_parse_and_as_dict_are_inverse(raw):
    assert FeatureConfig.parse(raw).as_dict() == raw


@given(keys, keys)
def test_over_is_a_merge_of_dictionaries(upper, lower):
    merged = FeatureConfig.parse(upper).over(FeatureConfig.parse(lower))

    assert merged.as_dict() == lower | upper


@given(keys, keys, keys)
def test_over_is_associative(one, two, three):
    a, b, c = (FeatureConfig.parse(raw) for raw in (one, two, three))

    assert a.over(b).over(c) == a.over(b.over(c))
