"""Templates over source fields: Jinja2 expressions, sandboxed and bounded.

Expressions only: no statements, no calls, no attribute of an object, an allow-list of filters; so
a template can neither loop nor grow a text beyond what its fields hold.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_RESULT_CHARACTERS = 200_000


class TemplateInvalid(Exception):
    """The template's text cannot be used; the message says what is wrong with it."""


class TemplateFailed(Exception):
    """The template gives nothing for this product; `is_missing` when a field it names is."""

    def __init__(self, message: str, *, is_missing: bool = False) -> None:
        super().__init__(message)
        self.is_missing = is_missing


Render = Callable[[Mapping[str, Any]], Any]
"""Evaluates a template over variables. Raises `TemplateFailed`."""


def cut_at_word(text: str, limit: int) -> str:
    """At most `limit` characters of the text, ending with a whole word where there is one."""
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    end = head.rfind(" ")
    return head[: end if end > limit // 2 else limit].rstrip(" ,;:-–|/")


def slug(text: object) -> str:
    """The text as ASCII words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()


def _from_json(text: object) -> Any:
    try:
        return json.loads(str(text))
    except ValueError as error:
        raise TemplateFailed(f"from_json: the text is no JSON ({error})") from None


def _split(text: object, separator: str = ",") -> list[str]:
    return [part.strip() for part in str(text).split(separator or ",")]


def _replace(text: object, old: str, new: str) -> str:
    source = str(text)
    if len(source) + source.count(old) * len(new) > MAX_RESULT_CHARACTERS:
        raise TemplateFailed("replace: the result is too long")
    return source.replace(old, new)


def _value_named(pairs: object, name: str) -> str | None:
    if not isinstance(pairs, list):
        return None
    wanted = name.casefold()
    for pair in pairs:
        if isinstance(pair, dict) and str(pair.get("name", "")).casefold() == wanted:
            value = pair.get("value")
            return None if value is None else str(value)
    return None


_BUILT_IN = (
    *("default", "d", "map", "select", "reject", "selectattr", "rejectattr", "first", "last"),
    *("list", "unique", "sort", "length", "lower", "upper", "title", "capitalize", "trim"),
    *("striptags", "round", "int", "float", "abs", "string", "join"),
)
_OWN: dict[str, Callable[..., Any]] = {
    "truncate": lambda text, limit: cut_at_word(str(text), int(limit)),
    "from_json": _from_json,
    "slug": slug,
    "split": _split,
    "replace": _replace,
    "escape": lambda text: html.escape(str(text)),
    "value_named": _value_named,
}


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Multiply numbers only: a text or list times a number grows without bound."""
        if operator == "**" or not (_is_number(left) and _is_number(right)):
            raise SecurityError(f"{operator} is for numbers only")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A dot reads a mapping's key, never an object's attribute."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A mapping's or list's own item."""
        if isinstance(obj, Mapping | list):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=str(argument))

    def is_safe_callable(self, obj: Any) -> bool:
        """No calls."""
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e15


def _environment() -> _Environment:
    environment = _Environment(undefined=StrictUndefined, autoescape=False, extensions=[])
    environment.globals.clear()
    environment.tests = {
        name: test
        for name, test in environment.tests.items()
        if name in {"defined", "undefined", "none", "string", "number", "equalto", "in"}
    }
    environment.filters = {name: FILTERS[name] for name in _BUILT_IN} | _OWN
    return environment


_ENVIRONMENT = _environment()


def compile_template(source: str) -> Render:
    """The template, ready to render. Raises `TemplateInvalid`.

    One that is a single `{{ expression }}` gives the expression's own value, lists included; any
    other gives text.
    """
    if "{%" in source or "{#" in source:
        raise TemplateInvalid("only {{ expressions }} are allowed, no {% statements %}")
    try:
        parsed = _ENVIRONMENT.parse(source)
        _refuse_calls(parsed)
        evaluate = _native(source) if _is_one_expression(parsed) else _text(source)
    except TemplateSyntaxError as error:
        raise TemplateInvalid(error.message or "syntax error") from None
    except TemplateError as error:
        raise TemplateInvalid(str(error)) from None
    except RecursionError:
        raise TemplateInvalid("the expression is nested too deeply") from None
    return _guarded(evaluate)


def _refuse_calls(parsed: nodes.Template) -> None:
    if any(True for _ in parsed.find_all(nodes.Call)):
        raise TemplateInvalid(
            "calls such as text.split() are not allowed; use filters: text | split"
        )


def _is_one_expression(parsed: nodes.Template) -> bool:
    if len(parsed.body) != 1 or not isinstance(parsed.body[0], nodes.Output):
        return False
    inner = parsed.body[0].nodes
    return len(inner) == 1 and not isinstance(inner[0], nodes.TemplateData)


def _native(source: str) -> Render:
    inner = source.strip().removeprefix("{{").removesuffix("}}").strip("-+ \t\n")
    return _ENVIRONMENT.compile_expression(inner, undefined_to_none=False)


def _text(source: str) -> Render:
    template = _ENVIRONMENT.from_string(source)
    return template.render


def _guarded(evaluate: Render) -> Render:
    def render(variables: Mapping[str, Any]) -> Any:
        try:
            value = evaluate(variables)
            if isinstance(value, Undefined):
                str(value)  # raises, naming what is missing
        except UndefinedError as error:
            raise TemplateFailed(str(error.message), is_missing=True) from None
        except TemplateFailed:
            raise
        except (TemplateError, TypeError, ValueError, ArithmeticError, KeyError) as error:
            raise TemplateFailed(f"{error}") from None
        except RecursionError:
            raise TemplateFailed("the expression is nested too deeply") from None
        if isinstance(value, str) and len(value) > MAX_RESULT_CHARACTERS:
            raise TemplateFailed(f"the result has more than {MAX_RESULT_CHARACTERS} characters")
        return value

    return render
