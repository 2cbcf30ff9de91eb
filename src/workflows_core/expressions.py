"""Conditions written as text: a small, closed part of Python's expressions over JSON data.

Why not a library: the ones that understand Python's syntax (simpleeval, asteval) evaluate over
live Python objects and block what is known to be dangerous; over plain JSON they still call
methods that change it (`order.clear()`). The ones that are closed by design (CEL, rule-engine)
speak another language than `context.get('amount', 0) < 1000`. Here the text is parsed once by
`ast.parse` and every allowed node becomes one closure; what is not in a table below does not
exist. Nothing is compiled to bytecode, no attribute of a Python object is ever read, and
without loops or calls the work is bounded by the length of the text and the size of the data.

Where the meaning differs from Python's, it follows JSON: a boolean is not a number
(`True == 1` is false, `True + 1` and `True < 2` are errors), a tuple is an array, `a.b` reads
the key "b", and only numbers with numbers or text with text have an order.
"""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

from attrs import field, frozen

from workflows_core.data import Json, to_json
from workflows_core.errors import InvalidDataError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT: Final = 2000
"""How many characters an expression may have; it also bounds the stack that `ast.parse` needs (384 KiB)."""

MAX_NODES: Final = 500
"""How many names, values and operations an expression may have."""

MAX_NESTING: Final = 50
"""How deeply operations may nest; a chain `a + b + c` nests, `a or b or c` does not."""

MAX_LENGTH: Final = 100_000
"""How long a text or an array that `+` makes may be."""

_Run: TypeAlias = "Callable[[Mapping[str, Json]], Json]"


class InvalidExpressionError(WorkflowError):
    """The text is not an allowed expression; `column` (from 1, in characters) says where."""

    def __init__(self, text: str, detail: str, column: int) -> None:
        self.text = text
        self.detail = detail
        self.column = column
        super().__init__(f"The expression {_short(text)} is not valid: {detail} (at column {column})")


class ExpressionError(WorkflowError):
    """An expression has no value for this data; it never counts as true or false instead."""

    def __init__(self, text: str, detail: str) -> None:
        self.text = text
        self.detail = detail
        super().__init__(f"The expression {_short(text)} has no value: {detail}")


@frozen
class Expression:
    """A compiled expression; made by `compile_expression`.

    Attributes:
        text: What the author wrote.
        names: The names it reads from the data; `context` and `data` are always there and not among them.
    """

    text: str
    names: frozenset[str] = field(eq=False)
    _run: _Run = field(eq=False, repr=False)

    def evaluate(self, names: Mapping[str, Json]) -> Json:
        """Return the value for these names, which must hold plain JSON; they are not changed.

        `context` and `data` mean all of `names`, also where the data has a key of that name
        (which is then read as `data.data`). What is returned may be a part of `names`.

        Raises:
            ExpressionError: If a name or key is missing, types do not fit or a limit is hit. The
                message names keys and types, never values.
        """
        try:
            return self._run(names)
        except _NoValueError as problem:
            raise ExpressionError(self.text, str(problem)) from None
        except RecursionError:
            raise ExpressionError(self.text, "the data nests too deeply to be compared") from None


def compile_expression(text: str) -> Expression:
    """Check the text and make it ready to be evaluated any number of times.

    Raises:
        InvalidExpressionError: If the text does not parse, uses something that is not allowed, or is too big.
    """
    if len(text) > MAX_TEXT:
        raise InvalidExpressionError(text, f"it is longer than {MAX_TEXT} characters", MAX_TEXT + 1)
    if "\x00" in text:  # before strip(), which takes other control characters for spaces
        raise InvalidExpressionError(text, "it contains a NUL character", text.index("\x00") + 1)
    source = text.strip()
    if not source:
        raise InvalidExpressionError(text, "it is empty", 1)
    indent = len(text) - len(text.lstrip())
    builder = _Builder(text, source.encode(errors="surrogatepass"), indent)
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        column = indent + len(source) + 1  # no offset: the end came too early
        if error.lineno and error.offset:
            column = builder.column(error.lineno, 0) + error.offset - 1
        advice = "expressions are written as in Python, with `==`, `and`, `or`, `not`"
        raise InvalidExpressionError(text, f"{error.msg}; {advice}", min(column, len(text) + 1)) from None
    except UnicodeEncodeError as error:
        raise InvalidExpressionError(text, "it is not valid Unicode", indent + error.start + 1) from None
    except (MemoryError, RecursionError):
        raise InvalidExpressionError(text, "it nests too deeply; split it up", indent + 1) from None
    run = builder.build(tree.body)
    return Expression(text, frozenset(builder.names), run)


class _Builder:
    """Turns the nodes of one parsed text into closures, or refuses them."""

    def __init__(self, text: str, source: bytes, indent: int) -> None:
        self.text = text
        self.lines = source.splitlines(keepends=True)  # `ast` counts in lines and in bytes of UTF-8
        self.indent = indent
        self.names: set[str] = set()
        self.nodes = self.depth = 0

    def column(self, line: int, offset: int) -> int:
        before = b"".join(self.lines[: line - 1]) + (self.lines[line - 1][:offset] if offset else b"")
        return self.indent + len(before.decode()) + 1

    def refusal(self, node: ast.expr, detail: str) -> InvalidExpressionError:
        return InvalidExpressionError(self.text, detail, self.column(node.lineno, node.col_offset))

    def build(self, node: ast.expr) -> _Run:
        self.nodes += 1
        self.depth += 1
        if self.nodes > MAX_NODES:
            raise self.refusal(node, f"it has more than {MAX_NODES} parts; split it up")
        if self.depth > MAX_NESTING:
            raise self.refusal(node, f"it nests deeper than {MAX_NESTING} levels; split it up")
        allowed = _NODES.get(type(node))
        if allowed is None:
            raise self.refusal(node, _REFUSED.get(type(node), f"{type(node).__name__} is not allowed"))
        run = allowed(self, node)
        self.depth -= 1
        return run

    def check_name(self, node: ast.expr, name: str) -> None:
        """Refuse names that look like one thing and are another; `node` ends with the name."""
        line, end, key = node.end_lineno or 1, node.end_col_offset or 0, name.encode()
        if not self.lines[line - 1][:end].endswith(key):  # Python folds letters such as `ａ` to plain ones
            raise self.refusal(node, f"this name means {name!r}; write it in these letters")
        if name.startswith("__"):
            detail = f"the name {name} is not allowed; write such a key in brackets: [{name!r}]"
            raise InvalidExpressionError(self.text, detail, self.column(line, end - len(key)))

    def constant(self, node: ast.Constant) -> _Run:
        try:
            value, _size = to_json(node.value, what="it")
        except InvalidDataError as error:
            raise self.refusal(node, error.detail) from None
        return lambda _names: value

    def name(self, node: ast.Name) -> _Run:
        name = node.id
        self.check_name(node, name)
        if name in ("context", "data"):
            return lambda names: names if isinstance(names, dict) else dict(names)
        if name in _SPELLINGS:
            raise self.refusal(node, f"write {_SPELLINGS[name]} instead of {name}, as in Python")
        self.names.add(name)

        def read(names: Mapping[str, Json]) -> Json:
            if name not in names:
                raise _missing(name, "the data")
            return names[name]

        return read

    def attribute(self, node: ast.Attribute) -> _Run:
        key = node.attr
        self.check_name(node, key)
        owner = self.build(node.value)
        return lambda names: _item(owner(names), key)

    def subscript(self, node: ast.Subscript) -> _Run:
        owner, key = self.build(node.value), self.build(node.slice)
        return lambda names: _item(owner(names), key(names))

    def call(self, node: ast.Call) -> _Run:
        if node.keywords:
            raise self.refusal(node, "arguments are given without names: context.get('amount', 0)")
        function = node.func
        if isinstance(function, ast.Name) and function.id == "len" and len(node.args) == 1:
            self.check_name(function, "len")
            value = self.build(node.args[0])
            return lambda names: _length(value(names))
        if isinstance(function, ast.Attribute) and function.attr == "get" and len(node.args) in (1, 2):
            self.check_name(function, "get")
            owner, key, *rest = map(self.build, (function.value, *node.args))
            default = rest[0] if rest else lambda _names: None
            return lambda names: _get(owner(names), key(names), default(names))
        raise self.refusal(node, "only len(value) and value.get(key, default) can be called")

    def array(self, node: ast.List | ast.Tuple) -> _Run:
        items = [self.build(item) for item in node.elts]
        return lambda names: [item(names) for item in items]

    def choice(self, node: ast.IfExp) -> _Run:
        test, then, otherwise = self.build(node.test), self.build(node.body), self.build(node.orelse)
        return lambda names: then(names) if test(names) else otherwise(names)

    def logic(self, node: ast.BoolOp) -> _Run:
        *first, last = map(self.build, node.values)
        settled = isinstance(node.op, ast.Or)

        def decide(names: Mapping[str, Json]) -> Json:
            for operand in first:
                value = operand(names)
                if bool(value) is settled:
                    return value
            return last(names)

        return decide

    def unary(self, node: ast.UnaryOp) -> _Run:
        value = self.build(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda names: not value(names)
        if isinstance(node.op, ast.Invert):
            raise self.refusal(node, _REFUSED[ast.Invert])
        symbol, function = _ARITHMETIC[ast.Sub if isinstance(node.op, ast.USub) else ast.Add]
        return lambda names: _calculate(symbol, function, 0, value(names))

    def arithmetic(self, node: ast.BinOp) -> _Run:
        if type(node.op) not in _ARITHMETIC:
            raise self.refusal(node, _REFUSED[type(node.op)])
        symbol, function = _ARITHMETIC[type(node.op)]
        left, right = self.build(node.left), self.build(node.right)
        return lambda names: _calculate(symbol, function, left(names), right(names))

    def comparison(self, node: ast.Compare) -> _Run:
        first = self.build(node.left)
        steps = []
        for op, right in zip(node.ops, node.comparators, strict=True):
            none = isinstance(right, ast.Constant) and right.value is None
            if isinstance(op, ast.Is | ast.IsNot) and not none:
                raise self.refusal(right, "`is` is only for None; compare with ==")
            steps.append((_COMPARISONS[type(op)], self.build(right)))

        def compare(names: Mapping[str, Json]) -> Json:
            left = first(names)
            for holds, operand in steps:
                right = operand(names)
                if not holds(left, right):
                    return False
                left = right
            return True

        return compare


class _NoValueError(Exception):
    """Ends an evaluation; `Expression.evaluate` adds which expression it was."""


def _missing(key: str, where: str) -> _NoValueError:
    return _NoValueError(f"{where} has no {_short(key)}; read it with .get() where it may be missing")


def _short(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")


def _kind(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _item(owner: Json, key: Json) -> Json:
    if isinstance(owner, dict) and isinstance(key, str):
        if key not in owner:
            raise _missing(key, "the object")
        return owner[key]
    if isinstance(owner, list) and isinstance(key, int) and not isinstance(key, bool):
        if not -len(owner) <= key < len(owner):
            raise _NoValueError(f"there is no item {key} in an array of {len(owner)}")
        return owner[key]
    raise _NoValueError(f"{_kind(owner)} has no members that are read by {_kind(key)}")


def _get(owner: Json, key: Json, default: Json) -> Json:
    if not (isinstance(owner, dict) and isinstance(key, str)):
        raise _NoValueError(f"get reads an object by text, not {_kind(owner)} by {_kind(key)}")
    return owner.get(key, default)


def _length(value: Json) -> int:
    if not isinstance(value, str | list | dict):
        raise _NoValueError(f"{_kind(value)} has no length")
    return len(value)


def _bounded(number: float) -> int | float:
    if not (-(2**63) <= number < 2**63 if isinstance(number, int) else math.isfinite(number)):
        raise _NoValueError("a number became too large")
    return number


def _calculate(symbol: str, function: Callable[[Any, Any], Any], left: Json, right: Json) -> Json:
    if _is_number(left) and _is_number(right):
        try:
            return _bounded(function(left, right))
        except ZeroDivisionError:
            raise _NoValueError(f"{symbol} divides by zero") from None
    if symbol == "+" and isinstance(left, str | list) and type(left) is type(right):
        if len(left) + len(right) > MAX_LENGTH:
            raise _NoValueError(f"+ makes {_kind(left)} longer than {MAX_LENGTH}")
        joined: Json = function(left, right)
        return joined
    raise _NoValueError(f"{symbol} does not work on {_kind(left)} and {_kind(right)}")


def _equal(left: Json, right: Json) -> bool:
    if left is right:
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return False  # there is one True and one False: equal booleans were identical above
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    return left == right


def _ordered(symbol: str, function: Callable[[Any, Any], bool]) -> Callable[[Json, Json], bool]:
    def holds(left: Json, right: Json) -> bool:
        if (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
            return function(left, right)
        raise _NoValueError(f"{symbol} does not order {_kind(left)} and {_kind(right)}")

    return holds


def _contained(part: Json, whole: Json) -> bool:
    if isinstance(part, str) and isinstance(whole, str | list | dict):
        return part in whole  # as below, but fast: a text equals nothing but text
    if isinstance(whole, list):
        return any(_equal(part, item) for item in whole)
    raise _NoValueError(f"{_kind(whole)} cannot contain {_kind(part)}")


_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "an array",
    dict: "an object",
}

_SPELLINGS: Final = {"true": "True", "false": "False", "null": "None"}

_ARITHMETIC: Final[dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
}

_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Json, Json], bool]]] = {
    ast.Eq: _equal,
    ast.NotEq: lambda left, right: not _equal(left, right),
    ast.Lt: _ordered("<", operator.lt),
    ast.LtE: _ordered("<=", operator.le),
    ast.Gt: _ordered(">", operator.gt),
    ast.GtE: _ordered(">=", operator.ge),
    ast.In: _contained,
    ast.NotIn: lambda left, right: not _contained(left, right),
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}

_NODES: Final[dict[type[ast.expr], Callable[[_Builder, Any], _Run]]] = {
    ast.Constant: _Builder.constant,
    ast.Name: _Builder.name,
    ast.Attribute: _Builder.attribute,
    ast.Subscript: _Builder.subscript,
    ast.Call: _Builder.call,
    ast.List: _Builder.array,
    ast.Tuple: _Builder.array,
    ast.IfExp: _Builder.choice,
    ast.BoolOp: _Builder.logic,
    ast.UnaryOp: _Builder.unary,
    ast.BinOp: _Builder.arithmetic,
    ast.Compare: _Builder.comparison,
}
"""All that exists. What is not here is refused, also what a later Python adds."""

_LOOPS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

_REFUSED: Final[dict[type[ast.AST], str]] = {
    **dict.fromkeys(_LOOPS, "a comprehension is not allowed; ask with `in`, or prepare the answer in a step"),
    ast.Pow: "** is not allowed; multiply with *",
    ast.MatMult: "@ is not allowed; multiply with *",
    ast.LShift: "<< is not allowed; multiply with *",
    ast.RShift: ">> is not allowed; divide with //",
    ast.BitAnd: "& is not allowed; write and",
    ast.BitOr: "| is not allowed; write or",
    ast.BitXor: "^ is not allowed; write !=",
    ast.Invert: "~ is not allowed; write not",
    ast.Lambda: "a lambda is not allowed; give the edge a callable instead of text",
    ast.JoinedStr: "an f-string is not allowed; join texts with +",
    ast.NamedExpr: "an assignment is not allowed; compare with ==",
    ast.Starred: "* in front of a value is not allowed; write the values one by one",
    ast.Dict: "an object is not allowed; compare its members one by one",
    ast.Set: "a set is not allowed; write a list: ['a', 'b']",
    ast.Slice: "a slice is not allowed; read single items: items[0], items[-1]",
}
"""What to do instead, for what people are likely to try; it decides nothing."""
