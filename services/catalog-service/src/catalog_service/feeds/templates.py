"""Templates over source fields: the expressions of Jinja2's grammar, evaluated here and bounded.

Jinja2 only parses. What is evaluated is an allow-list of expressions, filters and tests: no
statements, no calls, no attribute of an object. Every step is paid from a budget before it is done
and every value is of bounded size, so that no template can run or grow without end. Pure.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from jinja2 import Environment, TemplateSyntaxError, nodes

from catalog_service.feeds.template_filters import FILTERS, TESTS
from catalog_service.feeds.template_values import (
    Missing,
    TemplateFailed,
    bounded,
    check_items,
    check_length,
    cut_at_word,
    item_at,
    number_of,
    present,
    text_of,
)
from catalog_service.feeds.work import OF_TEMPLATE, PER_ITEM, STEP, Budget, TooMuchWork
from catalog_service.texts import is_storable

DEEPEST = 60
"""How deep expressions may nest: a sum of as many terms, a chain of as many filters."""


class TemplateInvalid(Exception):
    """The template's text cannot be used; the message says what is wrong with it."""


Scope = Mapping[str, Any]
Evaluate = Callable[[Scope, Budget], Any]


class Render(Protocol):
    """Evaluates a template over variables, at the cost of the budget. Raises `TemplateFailed`."""

    def __call__(self, variables: Scope, budget: Budget | None = None) -> Any:
        """The value."""


_GRAMMAR = Environment(autoescape=True)


def compile_template(source: str) -> Render:
    """The template, ready to render. Raises `TemplateInvalid`.

    One that is a single `{{ expression }}` gives the expression's own value, lists included; any
    other gives text.
    """
    if "{%" in source or "{#" in source:
        raise TemplateInvalid("only {{ expressions }} are allowed, no {% statements %}")
    try:
        evaluate = _template(_GRAMMAR.parse(source))
    except TemplateSyntaxError as error:
        raise TemplateInvalid(error.message or "syntax error") from None
    except RecursionError:
        raise TemplateInvalid("the expression is nested too deeply") from None
    except ValueError as error:  # a literal that Python's own reader refuses
        raise TemplateInvalid(f"{error}") from None
    return _guarded(evaluate)


OF_THE_ROW = frozenset({"product_id", "parent_id"})
MAPPINGS_OF_FIELDS = frozenset({"fields", "parent"})


def fields_named(source: str) -> frozenset[str]:
    """The source fields that a template names, of which `compile_template` has taken the text."""
    parsed = _GRAMMAR.parse(source)
    names = {node.name for node in parsed.find_all(nodes.Name)}
    names |= {inner.attr for inner in parsed.find_all(nodes.Getattr) if _is_of_fields(inner.node)}
    names |= {
        inner.arg.value
        for inner in parsed.find_all(nodes.Getitem)
        if _is_of_fields(inner.node)
        and isinstance(inner.arg, nodes.Const)
        and isinstance(inner.arg.value, str)
    }
    return frozenset(names - OF_THE_ROW - MAPPINGS_OF_FIELDS)


def _is_of_fields(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name in MAPPINGS_OF_FIELDS


def _guarded(evaluate: Evaluate) -> Render:
    def render(variables: Scope, budget: Budget | None = None) -> Any:
        try:
            return _whole(evaluate(variables, Budget(OF_TEMPLATE, budget)))
        except TooMuchWork as error:
            raise TemplateFailed(f"{error}", is_costly=True) from None
        except RecursionError:
            raise TemplateFailed("the expression is nested too deeply") from None
        except (TypeError, ValueError, ArithmeticError, LookupError, MemoryError) as error:
            raise TemplateFailed(f"{error}" or type(error).__name__) from None

    return render


def _whole(value: Any) -> Any:
    """The value, nothing in it missing."""
    for item in value if isinstance(value, list) else (value,):
        present(item)
    return value


# -- from the grammar's nodes to functions --------------------------------------------------


def _template(parsed: nodes.Template) -> Evaluate:
    parts = [part for output in parsed.body for part in _outputs(output)]
    if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData):
        return _compiled(parts[0], 0)
    return _joined([_compiled(part, 0) for part in parts])


def _outputs(node: nodes.Node) -> list[nodes.Expr]:
    if not isinstance(node, nodes.Output):
        raise TemplateInvalid("only {{ expressions }} are allowed, no {% statements %}")
    return node.nodes


def _compiled(node: nodes.Node, depth: int) -> Evaluate:
    if depth > DEEPEST:
        raise TemplateInvalid(f"the expression is nested deeper than {DEEPEST}")
    compiler = _COMPILERS.get(type(node))
    if compiler is None:
        raise TemplateInvalid(
            "calls such as text.split() are not allowed; use filters: text | split"
            if isinstance(node, nodes.Call)
            else f"{type(node).__name__} has no place in a template"
        )
    return compiler(node, depth + 1)


def _all(many: Sequence[nodes.Node], depth: int) -> list[Evaluate]:
    return [_compiled(node, depth) for node in many]


def _joined(parts: Sequence[Evaluate]) -> Evaluate:
    """The parts as one text, measured as it grows."""

    def join(scope: Scope, budget: Budget) -> str:
        texts: list[str] = []
        length = 0
        for part in parts:
            text = text_of(part(scope, budget))
            length += len(text)
            check_length(length)
            budget.spend(STEP + len(text))
            texts.append(text)
        return "".join(texts)

    return join


def _constant(node: Any, _depth: int) -> Evaluate:
    value = node.data if isinstance(node, nodes.TemplateData) else node.value
    try:
        bounded(value)
    except (TemplateFailed, TooMuchWork) as error:
        raise TemplateInvalid(f"{error}") from None
    if isinstance(value, str) and not is_storable(value):
        raise TemplateInvalid("a text holds a character that cannot be stored, such as \\x00")
    return lambda _scope, _budget: value


def _name(node: nodes.Name, _depth: int) -> Evaluate:
    name = node.name
    missing = Missing(f"the field {name!r} is missing")

    def read(scope: Scope, budget: Budget) -> Any:
        budget.spend(STEP)
        return scope.get(name, missing)

    return read


def _attribute(node: nodes.Getattr, depth: int) -> Evaluate:
    inner, name = _compiled(node.node, depth), node.attr

    def read(scope: Scope, budget: Budget) -> Any:
        budget.spend(STEP)
        return item_at(inner(scope, budget), name)

    return read


def _item(node: nodes.Getitem, depth: int) -> Evaluate:
    inner = _compiled(node.node, depth)
    if isinstance(node.arg, nodes.Slice):
        return _slice(inner, node.arg, depth)
    key = _compiled(node.arg, depth)

    def read(scope: Scope, budget: Budget) -> Any:
        budget.spend(STEP)
        return item_at(inner(scope, budget), present(key(scope, budget)))

    return read


def _slice(inner: Evaluate, node: nodes.Slice, depth: int) -> Evaluate:
    bounds = [
        _compiled(bound or nodes.Const(None), depth) for bound in (node.start, node.stop, node.step)
    ]

    def cut(scope: Scope, budget: Budget) -> Any:
        value = present(inner(scope, budget))
        if not isinstance(value, str | list):
            raise TemplateFailed("only a text or a list can be cut with [:]")
        budget.spend(STEP + len(value))
        return value[slice(*(present(bound(scope, budget)) for bound in bounds))]

    return cut


def _list(node: nodes.List | nodes.Tuple, depth: int) -> Evaluate:
    items = _all(node.items, depth)

    def build(scope: Scope, budget: Budget) -> list[Any]:
        budget.spend(PER_ITEM * len(items))
        return [item(scope, budget) for item in items]

    return build


def _mapping(node: nodes.Dict, depth: int) -> Evaluate:
    pairs = [(_compiled(p.key, depth), _compiled(p.value, depth)) for p in node.items]

    def build(scope: Scope, budget: Budget) -> dict[Any, Any]:
        budget.spend(PER_ITEM * len(pairs))
        return {present(key(scope, budget)): value(scope, budget) for key, value in pairs}

    return build


def _condition(node: nodes.CondExpr, depth: int) -> Evaluate:
    test, yes = _compiled(node.test, depth), _compiled(node.expr1, depth)
    no = _compiled(node.expr2 or nodes.Const(""), depth)

    def choose(scope: Scope, budget: Budget) -> Any:
        budget.spend(STEP)
        chosen = yes if present(test(scope, budget)) else no
        return chosen(scope, budget)

    return choose


def _both(node: nodes.And, depth: int) -> Evaluate:
    left, right = _compiled(node.left, depth), _compiled(node.right, depth)
    return lambda scope, budget: present(left(scope, budget)) and right(scope, budget)


def _either(node: nodes.Or, depth: int) -> Evaluate:
    left, right = _compiled(node.left, depth), _compiled(node.right, depth)
    return lambda scope, budget: present(left(scope, budget)) or right(scope, budget)


def _not(node: nodes.Not, depth: int) -> Evaluate:
    inner = _compiled(node.node, depth)
    return lambda scope, budget: not present(inner(scope, budget))


# -- operators ------------------------------------------------------------------------------

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda item, many: item in many,
    "notin": lambda item, many: item not in many,
}


def _comparison(node: nodes.Compare, depth: int) -> Evaluate:
    first = _compiled(node.expr, depth)
    further = [(_COMPARISONS[o.op], _compiled(o.expr, depth)) for o in node.ops]

    def compare(scope: Scope, budget: Budget) -> bool:
        left = present(first(scope, budget))
        for holds, operand in further:
            right = present(operand(scope, budget))
            budget.spend(STEP)
            budget.weigh(left, right)
            if not holds(left, right):
                return False
            left = right
        return True

    return compare


def _sum(node: nodes.Add, depth: int) -> Evaluate:
    left, right = _compiled(node.left, depth), _compiled(node.right, depth)

    def add(scope: Scope, budget: Budget) -> Any:
        one, other = present(left(scope, budget)), present(right(scope, budget))
        budget.spend(STEP)
        if isinstance(one, str) and isinstance(other, str):
            check_length(len(one) + len(other))
            budget.spend(len(one) + len(other))
            return one + other
        if isinstance(one, list) and isinstance(other, list):
            check_items(len(one) + len(other))
            budget.spend(PER_ITEM * (len(one) + len(other)))
            return one + other
        return bounded(number_of(one) + number_of(other))

    return add


def _arithmetic(
    calculate: Callable[[Any, Any], Any],
) -> Callable[[nodes.BinExpr, int], Evaluate]:
    """An operator on numbers: a text or list times a number would grow without bound."""

    def compiler(node: nodes.BinExpr, depth: int) -> Evaluate:
        left, right = _compiled(node.left, depth), _compiled(node.right, depth)

        def apply(scope: Scope, budget: Budget) -> Any:
            one, other = number_of(left(scope, budget)), number_of(right(scope, budget))
            budget.spend(STEP)
            return bounded(calculate(one, other))

        return apply

    return compiler


def _power(one: Any, other: Any) -> Any:
    """A whole number's power grows by its digits: as a float it cannot."""
    return float(one) ** float(other)


def _sign(calculate: Callable[[Any], Any]) -> Callable[[nodes.UnaryExpr, int], Evaluate]:
    def compiler(node: nodes.UnaryExpr, depth: int) -> Evaluate:
        inner = _compiled(node.node, depth)
        return lambda scope, budget: calculate(number_of(inner(scope, budget)))

    return compiler


# -- filters and tests ----------------------------------------------------------------------


def _arguments(
    node: nodes.Filter | nodes.Test, depth: int
) -> tuple[list[Evaluate], dict[str, Evaluate]]:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise TemplateInvalid("* and ** have no place in a template")
    named = {str(pair.key): _compiled(pair.value, depth) for pair in node.kwargs}
    return _all(node.args, depth), named


def _filter(node: nodes.Filter, depth: int) -> Evaluate:
    chosen = FILTERS.get(node.name)
    if chosen is None or node.node is None:
        raise TemplateInvalid(f"there is no filter {node.name!r}")
    inner = _compiled(node.node, depth)
    args, named = _arguments(node, depth)
    why = chosen.refuses(len(args), frozenset(named))
    if why is not None:
        raise TemplateInvalid(f"the filter {node.name}: {why}")

    def apply(scope: Scope, budget: Budget) -> Any:
        return chosen.apply(
            budget,
            inner(scope, budget),
            tuple([arg(scope, budget) for arg in args]),
            {name: arg(scope, budget) for name, arg in named.items()},
        )

    return apply


def _test(node: nodes.Test, depth: int) -> Evaluate:
    test = TESTS.get(node.name)
    if test is None:
        raise TemplateInvalid(f"there is no test {node.name!r}")
    inner = _compiled(node.node, depth)
    args, named = _arguments(node, depth)
    if named:
        raise TemplateInvalid(f"the test {node.name} takes no named arguments")

    def apply(scope: Scope, budget: Budget) -> bool:
        value = inner(scope, budget)
        others = [present(arg(scope, budget)) for arg in args]
        budget.spend(STEP)
        budget.weigh(value, *others)
        return test(value, *others)

    return apply


_COMPILERS: dict[type[nodes.Node], Callable[[Any, int], Evaluate]] = {
    nodes.TemplateData: _constant,
    nodes.Const: _constant,
    nodes.Name: _name,
    nodes.Getattr: _attribute,
    nodes.Getitem: _item,
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _mapping,
    nodes.CondExpr: _condition,
    nodes.And: _both,
    nodes.Or: _either,
    nodes.Not: _not,
    nodes.Compare: _comparison,
    nodes.Concat: lambda node, depth: _joined(_all(node.nodes, depth)),
    nodes.Add: _sum,
    nodes.Sub: _arithmetic(operator.sub),
    nodes.Mul: _arithmetic(operator.mul),
    nodes.Div: _arithmetic(operator.truediv),
    nodes.FloorDiv: _arithmetic(operator.floordiv),
    nodes.Mod: _arithmetic(operator.mod),
    nodes.Pow: _arithmetic(_power),
    nodes.Neg: _sign(operator.neg),
    nodes.Pos: _sign(operator.pos),
    nodes.Filter: _filter,
    nodes.Test: _test,
}

__all__ = ["TemplateFailed", "TemplateInvalid", "compile_template", "cut_at_word"]
