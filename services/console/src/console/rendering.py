"""Templates made into pages: one environment per language, strict, and escaping everything."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block

from console.states import chip_of
from console.texts import LANGUAGES, translations

HERE = Path(__file__).parent
ASSETS = HERE / "assets"


@cache
def assets() -> Mapping[str, tuple[str, bytes]]:
    """Each asset by the name it is served under, which holds a digest of what it holds."""
    found = {}
    for file in sorted(ASSETS.iterdir()):
        if file.suffix in {".css", ".js", ".svg"}:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:12]
            found[file.name] = (f"{file.stem}.{digest}{file.suffix}", content)
    return found


@cache
def packed_assets() -> Mapping[str, bytes]:
    """What gzip makes of each, by the same names."""
    return {name: gzip.compress(content, 9, mtime=0) for name, content in assets().values()}


def asset_path(name: str) -> str:
    """Where an asset is served, for templates."""
    return f"/assets/{assets()[name][0]}"


def cut_middle(text: str, longest: int = 24) -> str:
    """A long id without its middle."""
    if len(text) <= longest:
        return text
    kept = (longest - 1) // 2
    return f"{text[:kept]}…{text[-kept:]}"


@cache
def environment(language: str) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=FileSystemLoader([HERE / "layout", HERE / "pages"]),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(  # type: ignore[attr-defined]  # of jinja2.ext.i18n
        translations(language), newstyle=True
    )
    made.globals.update(
        asset=asset_path,
        chip_of=chip_of,
        languages=LANGUAGES,
        zip=zip,
        # newstyle `gettext` fills in `%`, which texts that are not ours may hold
        translated=translations(language).gettext,
    )
    made.filters["cut"] = cut_middle
    made.filters["said"] = lambda text: text.said(language)
    return made


def render(
    language: str, template: str, context: Mapping[str, Any], *, block: str | None = None
) -> str:
    """A page, or one block of it, for a part of the page that is loaded again."""
    made = environment(language)
    if block is not None:
        # a block by itself has not what its page's layout imports
        ui = made.get_template("macros.html").make_module(dict(context))
        return str(render_block(made, template, block, **context, ui=ui))
    return made.get_template(template).render(**context)
