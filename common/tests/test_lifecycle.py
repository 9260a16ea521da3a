import pytest

from common.ids import uuid7
from common.tests.factories import ToolFactory
from common.tests.models import Tool

pytestmark = [pytest.mark.django_db, pytest.mark.urls("common.tests.urls")]


@pytest.fixture
def tool():
    return ToolFactory(name="Saw", value="saw")


@pytest.fixture
def trashed():
    tool = ToolFactory(name="Old saw", value="old-saw")
    tool.soft_delete()
    return tool


def is_trashed(tool):
    return Tool.all_objects.get(pk=tool.pk).deleted_at is not None


def names(api, **parameters):
    return [row["name"] for row in api.get("/tools", parameters).json()["results"]]


def test_deleted_row_is_in_the_trash_and_nowhere_else(api, tool):
    assert api.delete(f"/tools/{tool.pk}").status_code == 204

    assert names(api) == []
    assert names(api, trashed="true") == ["Saw"]
    assert api.get(f"/tools/{tool.pk}").status_code == 404
    assert api.patch(f"/tools/{tool.pk}", {"name": "x"}).status_code == 404
    assert api.delete(f"/tools/{tool.pk}").status_code == 404


def test_restored_row_is_back(api, trashed):
    answer = api.post(f"/tools/{trashed.pk}/restore")

    assert (answer.status_code, answer.json()["name"]) == (200, "Old saw")
    assert names(api) == ["Old saw"]
    assert api.post(f"/tools/{trashed.pk}/restore").status_code == 404


@pytest.mark.parametrize("path", ["/tools/{}/restore", "/tools/bulk/restore"])
def test_restore_onto_a_taken_name_is_409_and_leaves_it_in_the_trash(api, trashed, path):
    ToolFactory(value="old-saw")
    body = {"ids": [str(trashed.pk)]} if "bulk" in path else {}

    answer = api.post(path.format(trashed.pk), body)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert is_trashed(trashed)


def test_only_what_is_in_the_trash_can_be_erased(api, tool, trashed):
    assert api.delete(f"/tools/{tool.pk}/permanent").status_code == 404
    assert api.delete(f"/tools/{trashed.pk}/permanent").status_code == 204

    assert list(Tool.all_objects.all()) == [tool]


def test_erasing_what_is_still_needed_is_409(api, trashed):
    ToolFactory(maker=trashed)

    answer = api.delete(f"/tools/{trashed.pk}/permanent")

    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert is_trashed(trashed)


def test_second_living_row_of_one_name_is_409_and_not_made(api, tool):
    answer = api.post("/tools", {"name": "Other", "value": "saw"})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Tool.all_objects.count() == 1


def test_bulk_delete_trashes_those_that_it_finds_and_names_the_others(api, tool, trashed):
    unknown = str(uuid7())

    answer = api.delete("/tools/bulk", {"ids": [str(tool.pk), str(trashed.pk), unknown]})

    assert answer.json() == {"count": 1, "not_found_ids": [str(trashed.pk), unknown]}
    assert is_trashed(tool)


def test_bulk_restore_brings_back_what_is_in_the_trash(api, tool, trashed):
    answer = api.post("/tools/bulk/restore", {"ids": [str(tool.pk), str(trashed.pk)]})

    assert answer.json() == {"count": 1, "not_found_ids": [str(tool.pk)]}
    assert not is_trashed(trashed)


def test_bulk_permanent_erases_only_what_is_in_the_trash(api, tool, trashed):
    answer = api.delete("/tools/bulk/permanent", {"ids": [str(tool.pk), str(trashed.pk)]})

    assert answer.json() == {"count": 1, "not_found_ids": [str(tool.pk)]}
    assert list(Tool.all_objects.all()) == [tool]


def test_bulk_permanent_with_one_that_is_needed_erases_none(api, tool, trashed):
    needed = ToolFactory()
    ToolFactory(maker=needed)
    needed.soft_delete()

    answer = api.delete("/tools/bulk/permanent", {"ids": [str(trashed.pk), str(needed.pk)]})

    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert is_trashed(trashed)


def test_bulk_patch_changes_the_living(api, tool, trashed):
    ids = [str(tool.pk), str(trashed.pk)]

    answer = api.patch("/tools/bulk", {"ids": ids, "size": 9, "is_active": False})

    assert answer.json() == {"count": 1, "not_found_ids": [str(trashed.pk)]}
    assert list(Tool.all_objects.order_by("name").values_list("size", "is_active")) == [
        (0, True), (9, False),
    ]  # fmt: skip
    before = tool.updated_at
    tool.refresh_from_db()
    assert tool.updated_at > before


def test_bulk_patch_that_breaks_uniqueness_changes_none(api, tool):
    other = ToolFactory(size=1)

    answer = api.patch("/tools/bulk", {"ids": [str(tool.pk), str(other.pk)], "value": "same"})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert not Tool.objects.filter(value="same").exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("delete", "/tools/bulk"),
        ("post", "/tools/bulk/restore"),
        ("delete", "/tools/bulk/permanent"),
    ],
)
@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({}, ["ids"]),
        ({"ids": []}, ["ids"]),
        ({"ids": "all"}, ["ids"]),
        ({"ids": ["x"]}, ["ids.0"]),
        ({"ids": [None]}, ["ids.0"]),
        ({"ids": [str(uuid7())] * 501}, ["ids"]),
        ({"ids": [str(uuid7())], "everything": True}, ["everything"]),
        ([str(uuid7())], [""]),
    ],
)
def test_bulk_body_that_means_nothing_is_400_and_named(api, method, path, body, blamed):
    answer = getattr(api, method)(path, body)

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == blamed


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ({}, [""]),
        ({"name": "x"}, ["name"]),
        ({"colour": "red"}, ["colour"]),
        ({"size": "big", "is_active": "perhaps"}, ["size", "is_active"]),
        ({"size": None}, ["size"]),
    ],
)
def test_bulk_change_that_means_nothing_is_400_and_changes_nothing(api, tool, change, blamed):
    answer = api.patch("/tools/bulk", {"ids": [str(tool.pk)], **change})

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == blamed


@pytest.mark.parametrize("body", [{"ids": [str(uuid7())]}, [], "x"])
def test_bulk_change_of_what_can_never_change_is_400(api, body):
    assert api.patch("/fixed-tools/bulk", body).status_code == 400


@pytest.mark.parametrize("path", ["restore", "permanent", ""])
def test_address_of_no_row_is_404(api, path):
    method = api.post if path == "restore" else api.delete

    assert method(f"/tools/not-an-id/{path}".rstrip("/")).status_code == 404
    assert method(f"/tools/{uuid7()}/{path}".rstrip("/")).status_code == 404


def test_related_row_in_the_trash_is_still_found(trashed):
    made = ToolFactory(maker=trashed)

    assert Tool.objects.get(pk=made.pk).maker == trashed
