"""A field of a refused request is named as its sender wrote it."""

from typing import Annotated, Any

import httpx2
import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from common.web.problem import ProblemApp


def checked(value: str) -> str:
    if "\x00" in value:
        raise ValueError("no NUL")
    return value


Constant = Annotated[str, Field(max_length=9), AfterValidator(checked)] | bool | list[int]


class Match(BaseModel):
    model_config = ConfigDict(extra="forbid")

    constant: Constant


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    attributes: dict[str, Match | list[Match]]
    price: int = Field(alias="from", default=0)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"attributes": {"str": {"constant": "a\x00"}}}, ["attributes.str.constant"]),
        ({"attributes": {"a": [{"constant": [1, "x"]}]}}, ["attributes.a"]),
        ({"attributes": {"a": {"constant": [1, "x"]}}}, ["attributes.a.constant.1"]),
        ({"attributes": {}, "from": "x"}, ["from"]),
        ({"attributes": {}, "more": 1}, ["more"]),
        ({"from": 1}, ["attributes"]),
        ({"attributes": {"a": {}}}, ["attributes.a.constant"]),
        ([], ["body"]),
    ],
)
async def test_the_field_is_named_as_it_was_sent(body: Any, fields: list[str]) -> None:
    app = ProblemApp()

    @app.post("/")
    async def post(form: Form) -> None: ...

    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.post("/", json=body)
    problem = answer.json()
    assert answer.status_code == 422
    named = [each["field"] for each in problem["errors"]]
    assert set(fields) <= set(named), named
    assert len(set(named)) == len(named)
    assert all("function" not in name and "[" not in name for name in named)
