import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from common.tests.factories import ToolFactory
from common.tests.models import Tool

pytestmark = [pytest.mark.django_db, pytest.mark.urls("common.tests.urls")]
START = datetime(2026, 1, 1, tzinfo=UTC)


def get(api, url, **parameters):
    answer = api.get(url, parameters)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def values(page):
    return [row["value"] for row in page["results"]]


def walk(api, direction="next", url="/tools", **parameters):
    """The values on every page from ``url`` on, one list for each."""
    pages = []
    while url:
        page = get(api, url, **parameters)
        pages.append(values(page))
        url, parameters = page[direction], {}
    return pages


def cursor_of(link):
    return parse_qs(urlsplit(link).query)["cursor"][0]


def blame(api, **parameters):
    answer = api.get("/tools", parameters)
    assert answer.status_code == 400, answer.json()
    return [fault["field"] for fault in answer.json()["errors"]]


@pytest.fixture
def tied():
    """Seven tools of one moment and one size, ranked 0, 1, none, 0, 1, none, 0."""
    ranks = [0, 1, None, 0, 1, None, 0]
    return [
        ToolFactory(value=f"t{number}", rank=rank, created_at=START)
        for number, rank in enumerate(ranks)
    ]


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("", ["t6", "t5", "t4", "t3", "t2", "t1", "t0"]),
        ("created_at", ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]),
        ("-size", ["t6", "t5", "t4", "t3", "t2", "t1", "t0"]),
        ("rank", ["t0", "t3", "t6", "t1", "t4", "t2", "t5"]),
        ("-rank", ["t5", "t2", "t4", "t1", "t6", "t3", "t0"]),
        ("size,-rank", ["t2", "t5", "t1", "t4", "t0", "t3", "t6"]),
        ("-rank,size", ["t5", "t2", "t4", "t1", "t6", "t3", "t0"]),
        ("maker__name", ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_walk_in_any_order_meets_each_row_once_and_comes_back(api, tied, ordering, expected, limit):
    pages = walk(api, ordering=ordering, limit=limit)

    assert [value for page in pages for value in page] == expected

    last = get(api, "/tools", ordering=ordering, limit=limit)
    while last["next"]:
        last = get(api, last["next"])
    back = [values(last)] + (walk(api, "previous", last["previous"]) if last["previous"] else [])
    assert [value for page in reversed(back) for value in page] == expected


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [("maker__name", ["b", "c", "a", "d"]), ("-maker__name", ["d", "a", "c", "b"])],
)
def test_walk_along_a_relation_that_some_rows_lack(api, ordering, expected):
    first = ToolFactory(value="a", name="A")
    second = ToolFactory(value="b", name="B", maker=first)
    ToolFactory(value="c", maker=second)
    ToolFactory(value="d")

    assert walk(api, ordering=ordering, limit=1) == [[value] for value in expected]


def test_rows_that_come_meanwhile_are_neither_lost_nor_repeated(api, tied):
    page = get(api, "/tools", limit=2)
    seen = values(page)
    while page["next"]:
        ToolFactory(created_at=START + timedelta(days=1))  # above where the reader is
        page = get(api, page["next"])
        seen += values(page)

    assert seen == ["t6", "t5", "t4", "t3", "t2", "t1", "t0"]


def test_rows_that_go_meanwhile_take_no_other_with_them(api, tied):
    page = get(api, "/tools", limit=3)
    Tool.all_objects.filter(value__in=["t6", "t4"]).delete()  # one is where the reader stands

    assert values(get(api, page["next"])) == ["t3", "t2", "t1"]


def test_walk_through_more_than_a_thousand_rows_of_one_moment_ends(api):
    Tool.objects.bulk_create(
        Tool(name="x", value=f"v{number}", created_at=START) for number in range(1_250)
    )

    seen = [value for page in walk(api, limit=100) for value in page]

    assert len(seen) == len(set(seen)) == 1_250


def test_microseconds_are_kept(api):
    for microsecond in (1, 2, 3):
        ToolFactory(value=f"m{microsecond}", created_at=START + timedelta(microseconds=microsecond))

    assert walk(api, limit=1) == [["m3"], ["m2"], ["m1"]]


def test_filters_travel_in_the_link(api, tied):
    assert walk(api, limit=2, rank__isnull="false", fields="value") == [
        ["t6", "t4"], ["t3", "t1"], ["t0"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token[1:],
        lambda token: token[: len(token) // 2],
        lambda token: token + "A",
        lambda token: "x" + token[1:],
        lambda token: token.swapcase(),
    ],
)
def test_cursor_that_was_changed_is_400_and_named(api, tied, spoil):
    token = cursor_of(get(api, "/tools", limit=2)["next"])

    assert blame(api, cursor=spoil(token)) == ["cursor"]


def test_cursor_of_another_order_or_list_is_400_and_named(api, tied):
    token = cursor_of(get(api, "/tools", limit=2)["next"])
    of_another_list = cursor_of(get(api, "/fixed-tools", limit=2)["next"])

    assert blame(api, cursor=token, ordering="size") == ["cursor"]
    assert blame(api, cursor=of_another_list) == ["cursor"]


def test_cursor_at_the_end_finds_an_empty_list(api, tied):
    page = get(api, "/tools", limit=6)
    Tool.all_objects.filter(value="t0").delete()

    empty = get(api, page["next"])

    assert json.dumps(empty) == '{"results": [], "next": null, "previous": null}'
