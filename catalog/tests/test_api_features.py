"""Features over HTTP: the lifecycle."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Feature
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
)
from common.models import OutboxEvent

pytestmark = pytest.mark.django_db

NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


def names(answer):
    return [row["name"] for row in answer.json()["results"]]


def faults(answer):
    return [error["field"] for error in answer.json()["errors"]]


def announcements():
    return OutboxEvent.objects.filter(type="catalog.endpoints_changed").count()


def test_create_feature_answers_the_whole_row(staff):
    parent = FeatureFactory()

    answer = staff.post(
        "/api/features",
        {"parent": str(parent.id), "value": "article", "name": "Article", "type": "writing"},
    )

    assert answer.status_code == 201
    body = answer.json()
    feature = Feature.objects.get(value="article")
    assert {key: body[key] for key in body if not key.endswith("_at")} == {
        "id": str(feature.id),
        "parent": str(parent.id),
        "value": "article",
        "name": "Article",
        "description": "",
        "path": "",
        "type": "writing",
        "sequence": 0,
        "is_active": True,
    }
    assert body["deleted_at"] is None
    assert announcements() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": "Article"}, "value"),
        ({"value": "two--hyphens"}, "value"),
        ({"value": "a"}, "value"),
        ({"value": "a" * 101}, "value"),
        ({"value": None}, "value"),
        ({"name": "A"}, "name"),
        ({"name": "A" * 101}, "name"),
        ({"description": "A" * 501}, "description"),
        ({"path": "A" * 201}, "path"),
        ({"type": "reading"}, "type"),
        ({"sequence": -1}, "sequence"),
        ({"parent": NOBODY}, "parent"),
        ({"parent": "nonsense"}, "parent"),
        ({"credits": 5}, "credits"),
        ({"deleted_at": None}, "deleted_at"),
    ],
)
def test_create_feature_with_one_bad_value_names_it(staff, change, field):
    answer = staff.post("/api/features", {"value": "article", "name": "Article"} | change)

    assert (answer.status_code, faults(answer)) == (400, [field])
    assert not Feature.objects.exists()


@pytest.mark.parametrize("how", ["post", "patch"])
def test_value_that_is_taken_is_a_conflict_that_names_it(staff, how):
    FeatureFactory(value="writing")
    other = FeatureFactory()

    answer = (
        staff.post("/api/features", {"value": "writing", "name": "Writing"})
        if how == "post"
        else staff.patch(f"/api/features/{other.id}", {"value": "writing"})
    )

    assert (answer.status_code, faults(answer)) == (409, ["value"])
    assert answer.json()["detail"] == "Another feature has this value."


def test_feature_under_its_child_is_refused_by_name(staff):
    parent = FeatureFactory(name="Parent")
    child = FeatureFactory(name="Child", parent=parent)

    answer = staff.patch(f"/api/features/{parent.id}", {"parent": str(child.id)})

    assert (answer.status_code, answer.json()["code"]) == (422, "feature_cycle")
    assert faults(answer) == ["parent"]
    parent.refresh_from_db()
    assert parent.parent is None
    assert announcements() == 0


def test_feature_under_itself_is_refused(staff):
    feature = FeatureFactory()

    answer = staff.patch(f"/api/features/{feature.id}", {"parent": str(feature.id)})

    assert (answer.status_code, faults(answer)) == (422, ["parent"])


def test_feature_goes_through_its_whole_life(staff):
    feature = FeatureFactory(name="Writing")
    url = f"/api/features/{feature.id}"

    assert staff.patch(url, {"name": "Texts"}).json()["name"] == "Texts"
    assert staff.delete(url).status_code == 204
    assert staff.get(url).status_code == 404
    assert names(staff.get("/api/features")) == []
    assert names(staff.get("/api/features", {"trashed": "true"})) == ["Texts"]
    assert staff.post(f"{url}/restore").json()["name"] == "Texts"
    assert staff.delete(f"{url}/permanent").status_code == 404  # not in the trash
    staff.delete(url)
    assert staff.delete(f"{url}/permanent").status_code == 204
    assert not Feature.all_objects.exists()
    assert announcements() == 5


def test_features_go_through_their_life_in_bulk(staff):
    ids = [str(FeatureFactory().id) for _ in range(2)]
    body = {"ids": [*ids, NOBODY]}
    url = "/api/features/bulk"
    expected = {"count": 2, "not_found_ids": [NOBODY]}

    assert staff.patch(url, {**body, "is_active": False}).json() == expected
    assert Feature.objects.filter(is_active=False).count() == 2
    assert staff.delete(url, body).json() == expected
    assert staff.post(f"{url}/restore", body).json() == expected
    assert Feature.objects.count() == 2
    staff.delete(url, body)
    assert staff.delete(f"{url}/permanent", body).json() == expected
    assert not Feature.all_objects.exists()
    assert announcements() == 5


def test_restored_feature_whose_value_was_taken_is_a_conflict(staff):
    feature = FeatureFactory(value="writing")
    feature.soft_delete()
    FeatureFactory(value="writing")

    assert staff.post(f"/api/features/{feature.id}/restore").status_code == 409


@pytest.mark.parametrize("how", ["single", "bulk"])
def test_trashing_a_feature_in_use_names_its_users_and_changes_nothing(staff, how):
    feature = FeatureFactory()
    package = make_package(name="Pro", features=[feature])

    answer = (
        staff.delete(f"/api/features/{feature.id}")
        if how == "single"
        else staff.delete("/api/features/bulk", {"ids": [str(feature.id)]})
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert answer.json()["used_by"] == [{"type": "package", "id": str(package.id), "name": "Pro"}]
    feature.refresh_from_db()
    assert feature.deleted_at is None


def test_erasing_a_feature_that_a_trashed_row_still_names_is_a_conflict(staff):
    feature = FeatureFactory()
    make_package(features=[feature]).soft_delete()
    feature.soft_delete()

    assert staff.delete(f"/api/features/{feature.id}/permanent").status_code == 409
    assert Feature.all_objects.filter(pk=feature.pk).exists()


def test_features_come_in_their_sequence(staff):
    # The sequence used to be stored and ignored.
    FeatureFactory(name="Second", sequence=2)
    FeatureFactory(name="Bravo", sequence=1)
    FeatureFactory(name="Alpha", sequence=1)

    assert names(staff.get("/api/features")) == ["Alpha", "Bravo", "Second"]


def test_features_can_be_filtered_searched_and_expanded(staff):
    parent = FeatureFactory(name="Writing", type="writing", value="writing")
    FeatureFactory(name="Article", parent=parent, type="generation")

    assert names(staff.get("/api/features", {"parent": str(parent.id)})) == ["Article"]
    assert names(staff.get("/api/features", {"parent__isnull": "true"})) == ["Writing"]
    assert names(staff.get("/api/features", {"type": "writing"})) == ["Writing"]
    assert names(staff.get("/api/features", {"search": "artic"})) == ["Article"]
    [row] = staff.get("/api/features", {"search": "artic", "expand": "parent"}).json()["results"]
    assert row["parent"] == {"id": str(parent.id), "value": "writing", "name": "Writing"}
    assert staff.get("/api/features", {"colour": "red"}).status_code == 400


def test_public_features_are_a_tree_of_what_is_active(api):
    root = FeatureFactory(name="Writing", value="writing", sequence=2)
    FeatureFactory(name="Later", parent=root, sequence=2)
    child = FeatureFactory(name="Article", value="article", parent=root, path="/article")
    FeatureFactory(name="Off", parent=root, is_active=False)
    FeatureFactory(name="Below", parent=FeatureFactory(name="Hidden", is_active=False))
    FeatureFactory(name="Leaf", parent=child)
    FeatureFactory(name="First", sequence=1)

    answer = api.get("/api/features/public")

    first, writing = answer.json()["results"]
    assert first["name"] == "First"
    assert [row["name"] for row in writing["children"]] == ["Article", "Later"]
    article = writing["children"][0]
    assert [row["name"] for row in article.pop("children")] == ["Leaf"]
    assert article == {
        "id": str(child.id),
        "value": "article",
        "name": "Article",
        "description": "",
        "path": "/article",
        "type": "other",
    }


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("features", lambda: FeatureFactory(parent=FeatureFactory())),
        ("features?expand=parent", lambda: FeatureFactory(parent=FeatureFactory())),
        ("features/public", lambda: FeatureFactory(parent=FeatureFactory())),
        ("feature-endpoints", FeatureEndpointFactory),
        ("feature-endpoints?expand=feature", FeatureEndpointFactory),
        ("plans", PlanFactory),
        ("plans/public", PlanFactory),
    ],
)
def test_lists_take_as_many_queries_for_three_rows_as_for_one(staff, path, make):
    counts = []
    for _ in range(3):
        make()
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(f"/api/{path}").status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[2]
