import json

import pytest
from django.test import RequestFactory

from portal.errors import server_error

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROBLEM = "application/problem+json"


@pytest.mark.django_db
def test_unknown_page_is_a_page(client):
    answer = client.get("/no/such/page", headers=HTML)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert "This page does not exist" in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/api/nothing", "/health/nothing", "/metrics/nothing", "/admin/nothing/"]
)
def test_unknown_path_of_programs_is_a_problem(client, admin_user, path):
    client.force_login(admin_user)  # others are asked to sign in to the back office first

    answer = client.get(path, headers=HTML)

    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


def test_program_that_takes_no_pages_gets_a_problem(client):
    answer = client.get("/no/such/page", headers={"Accept": "application/json"})

    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
    assert answer.json()["code"] == "not_found"


@pytest.mark.django_db
def test_unforeseen_error_is_a_page_that_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = server_error(RequestFactory().get("/wallet", headers=HTML))

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()


def test_unforeseen_error_of_the_api_is_a_problem():
    answer = server_error(RequestFactory().get("/api/users/self", headers=HTML))

    assert json.loads(answer.content)["code"] == "internal_error"
