from datetime import UTC, datetime, timedelta

import pytest

from common.testing import count_queries
from common.tests.factories import ToolFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("common.tests.urls")]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def tools():
    """A hammer, a saw and a plane of sizes 1, 2 and 3, made a day apart, the hammer first."""
    hammer = ToolFactory(name="Hammer", value="hammer", size=1, rank=7, created_at=START)
    saw = ToolFactory(
        name="Saw", value="saw", size=2, is_active=False, created_at=START + timedelta(days=1)
    )
    plane = ToolFactory(
        name="Plane", value="plane", size=3, maker=hammer, created_at=START + timedelta(days=2)
    )
    return {"hammer": hammer, "saw": saw, "plane": plane}


def listed(api, **parameters):
    answer = api.get("/tools", parameters)
    assert answer.status_code == 200, answer.json()
    return [row["value"] for row in answer.json()["results"]]


def refused(api, **parameters):
    """The names that a 400 blames."""
    answer = api.get("/tools", parameters)
    assert answer.status_code == 400, answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [fault["field"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ["plane", "saw", "hammer"]),
        ({"search": "HAMM"}, ["hammer"]),
        ({"search": "saw nothing"}, []),
        ({"name": "Saw"}, ["saw"]),
        ({"name__in": "Saw,Hammer"}, ["saw", "hammer"]),
        ({"name__icontains": "A"}, ["plane", "saw", "hammer"]),
        ({"name__icontains": "LAN"}, ["plane"]),
        ({"size__in": "1,3"}, ["plane", "hammer"]),
        ({"size__gte": "2"}, ["plane", "saw"]),
        ({"size__gt": "2"}, ["plane"]),
        ({"size__lte": "2"}, ["saw", "hammer"]),
        ({"size__lt": "2"}, ["hammer"]),
        ({"size__gte": "2", "size__lt": "3"}, ["saw"]),
        ({"rank__isnull": "true"}, ["plane", "saw"]),
        ({"rank__isnull": "false"}, ["hammer"]),
        ({"is_active": "false"}, ["saw"]),
        ({"created_at__gte": "2026-01-02T00:00:00Z"}, ["plane", "saw"]),
        ({"created_at__lt": "2026-01-02T06:00:00+06:00"}, ["hammer"]),
        ({"ordering": "size"}, ["hammer", "saw", "plane"]),
        ({"ordering": "-name"}, ["saw", "plane", "hammer"]),
        ({"ordering": ""}, ["plane", "saw", "hammer"]),
        ({"trashed": "false", "is_active": ""}, ["plane", "saw", "hammer"]),
        ({"ordering": "-rank,size"}, ["saw", "plane", "hammer"]),
        ({"limit": "1"}, ["plane"]),
    ],
)
def test_list_answers_what_is_asked(api, tools, parameters, found):
    assert listed(api, **parameters) == found


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("colour", "red"),
        ("size__near", "1"),
        ("size", "one"),
        ("size__in", "1,one"),
        ("rank__isnull", "perhaps"),
        ("is_active", "1"),
        ("created_at__gte", "yesterday"),
        ("maker", "not-an-id"),
        ("maker", "018f0000-0000-7000-8000-000000000000"),
        ("name", "a\x00b"),
        ("search", "a\x00b"),
        ("ordering", "secret"),
        ("ordering", "size,secret"),
        ("ordering", "--size"),
        ("fields", "id,secret"),
        ("expand", "secret"),
        ("expand", "name"),
        ("trashed", "perhaps"),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", ""),
        ("limit", "٣"),
        ("limit", "0099999"),
        ("page", "0"),
        ("page", "last"),
        ("page", "٣"),
        ("page", "2"),
        ("page", "1" * 50),
        ("cursor", ""),
        ("cursor", "bm9wZQ=="),
        ("cursor", "\u20ac"),
    ],
)
def test_value_that_means_nothing_is_400_and_named(api, parameter, value):
    assert refused(api, **{parameter: value}) == [parameter]


def test_every_unknown_parameter_is_named(api):
    assert refused(api, colour="red", shape="round") == ["colour", "shape"]


def test_fields_trims_each_row(api, tools):
    assert api.get("/tools", {"fields": "name,size", "search": "saw"}).json()["results"] == [
        {"name": "Saw", "size": 2}
    ]


def test_fields_trims_one_row(api, tools):
    answer = api.get(f"/tools/{tools['saw'].pk}", {"fields": "size"})

    assert answer.json() == {"size": 2}


def test_expand_unfolds_a_relation_whole_and_absent_ones_to_null(api, tools):
    rows = api.get("/tools", {"expand": "maker", "fields": "maker"}).json()["results"]

    assert rows == [
        {"maker": {"id": str(tools["hammer"].pk), "name": "Hammer"}},
        {"maker": None},
        {"maker": None},
    ]


@pytest.mark.parametrize("parameters", [{}, {"expand": "maker"}])
def test_longer_list_takes_no_more_queries(api, tools, parameters):
    with count_queries() as for_one:
        api.get("/tools", {"limit": 1, **parameters})
    with count_queries() as for_three:
        api.get("/tools", {"limit": 3, **parameters})

    assert len(for_one) == len(for_three) == 1


def test_pages_have_a_count_and_links(api, tools):
    first = api.get("/tools", {"page": 1, "limit": 2, "fields": "value"}).json()
    last = api.get(first["next"]).json()

    assert first["count"] == last["count"] == 3
    assert first["previous"] is None
    assert [row["value"] for row in first["results"]] == ["plane", "saw"]
    assert [row["value"] for row in last["results"]] == ["hammer"]
    assert last["next"] is None
    assert api.get(last["previous"]).json() == first


def test_empty_list_has_one_empty_page(api):
    answer = api.get("/tools", {"page": 1})

    assert answer.json() == {"count": 0, "results": [], "next": None, "previous": None}


def test_page_and_cursor_together_are_refused(api, tools):
    assert refused(api, page=1, cursor="x") == ["cursor"]
