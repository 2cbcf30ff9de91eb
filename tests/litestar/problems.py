"""What every refusal looks like."""

import re
from typing import Any

import httpx


def refused(response: httpx.Response, status: int) -> Any:
    """Check that a response is a refusal a person can read, and return the problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem.keys() >= {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert re.fullmatch(r"[^\n]*\w[^\n]*[.?!]", problem["detail"]), problem["detail"]
    assert not re.search(r"Traceback|object at 0x|<class|`|\\x", problem["detail"]), problem["detail"]
    return problem


def places(problem: Any) -> list[str]:
    """Where in the body something is wrong."""
    return [complaint["pointer"] for complaint in problem["errors"]]
