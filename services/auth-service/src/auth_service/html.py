"""What pages for browsers have in common: their frame, and headers that let them load nothing."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}


def with_forms(target: str | None) -> dict[str, str]:
    """The headers of a page with a form that may go there; None: anywhere."""
    policy = HEADERS["Content-Security-Policy"].removesuffix("; form-action 'none'")
    allowed = "" if target is None else f"; form-action {target}"
    return HEADERS | {"Content-Security-Policy": policy + allowed}


def templates_of(slice_folder: Path) -> Environment:
    """The slice's own templates, and the frame they extend."""
    folders = [slice_folder / "templates", Path(__file__).parent / "templates"]
    return Environment(loader=FileSystemLoader(folders), autoescape=True)
