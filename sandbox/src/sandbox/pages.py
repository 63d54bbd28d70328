"""Pages for a browser."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader

from sandbox.server import Response


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sandbox"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def render_page(template: str, *, status: int = 200, **values: Any) -> Response:
    """A page from a template of the package."""
    text = _environment().get_template(template).render(**values)
    return Response(text.encode(), status=status, content_type="text/html;charset=UTF-8")
