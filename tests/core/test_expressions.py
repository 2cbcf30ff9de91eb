"""Conditions as text: what they mean, what they refuse, and how they compare with Python."""

from __future__ import annotations

import ast
import re
from collections import ChainMap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows_core import expressions
from workflows_core.data import Json, JsonObject, to_json
from workflows_core.errors import WorkflowError
from workflows_core.expressions import (
    MAX_LENGTH,
    MAX_NESTING,
    MAX_NODES,
    MAX_TEXT,
    ExpressionError,
    InvalidExpressionError,
    compile_expression,
)

DATA: JsonObject = {
    "amount": 1500,
    "price": 2.5,
    "approved": True,
    "note": None,
    "name": "Ada",
    "items": [1, 2, 3, 4],
    "tags": ["x", "y"],
    "flags": [True, 0],
    "order": {"customer": {"country": "NO"}, "get": 7, "__class__": "a plain key"},
    "data": {"a": {"b": 1}},
    "größe": 3,
    "tasks": {"review": {"approved": False}, "second-look": {"approved": True}},
}


def value(text: str, names: JsonObject = DATA) -> Json:
    return compile_expression(text).evaluate(names)


def outcome(text: str, names: JsonObject) -> Json | WorkflowError:
    """The value, or one of the two errors that are allowed."""
    try:
        return value(text, names)
    except (InvalidExpressionError, ExpressionError) as error:
        return error


# What an expression means


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("context.get('amount', 0) < 1000", False),
        ("data.get('amount', 0) < 1000", False),
        ("approved and amount >= 1000", True),
        ("tasks.review.approved", False),
        ("tasks['second-look'].approved", True),
        ("len(items) > 3", True),
        ("'x' in tags", True),
        ("order.customer.country in ('NO', 'SE')", True),
        ("context['order']['customer']['country'] == 'NO'", True),
        ("context.amount == data.amount == amount", True),
        ("name == 'Ada' and not note", True),
        ("'high' if amount > 1000 else 'low'", "high"),
        ("größe == 3", True),
    ],
)
def test_what_people_write_on_edges(text: str, expected: Json) -> None:
    """The expressions of the guide, and their likes, mean what they say."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount + 1", 1501),
        ("price * 2 - 1", 4.0),
        ("7 / 2", 3.5),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("+price", 2.5),
        ("-amount", -1500),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("9223372036854775807 - 1", 2**63 - 2),
        ("name + '!'", "Ada!"),
        ("tags + ['z']", ["x", "y", "z"]),
    ],
)
def test_arithmetic_is_pythons(text: str, expected: Json) -> None:
    """Numbers calculate as in Python (`//` and `%` round down); `+` also joins texts and arrays."""
    result = value(text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 == 1.0", True),
        ("True == 1", False),
        ("0 == False", False),
        ("True != 1", True),
        ("approved == True", True),
        ("flags == [1, 0]", False),
        ("flags == [True, 0.0]", True),
        ("1 in flags", False),
        ("True in flags", True),
        ("False in flags", False),
        ("0 in flags", True),
        ("note == None", True),
        ("note == 0", False),
        ("name == ['Ada']", False),
        ("order.customer == context.get('order').get('customer')", True),
        ("order == data.data", False),
        ("(1, 2) == [1, 2]", True),
        ("[] == ()", True),
        ("['a'] in [['a'], 'b']", True),
        ("None in [0, False]", False),
    ],
)
def test_equality_is_jsons(text: str, expected: bool) -> None:
    """Numbers are equal by value, a boolean only equals a boolean, and a tuple is an array."""
    assert value(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 < 1 <= 1.5 < 2", True),
        ("0 < 3 < 2", False),
        ("'a' < 'b'", True),
        ("1000 <= amount < 2000", True),
        ("'d' in name", True),
        ("'D' not in name", True),
        ("'customer' in order", True),
        ("'x' in 'xyz' in ['xyz']", True),
        ("note is None", True),
        ("amount is not None", True),
        ("context.get('missing') is None", True),
    ],
)
def test_comparisons_chain_and_look_into_things(text: str, expected: bool) -> None:
    """Comparisons chain; `in` looks for an item, a part of a text or the key of an object."""
    assert value(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("approved and name", "Ada"),
        ("note or name", "Ada"),
        ("'' or [] or 0", 0),
        ("not items", False),
        ("approved and 0 and missing", 0),
        ("approved or missing", True),
        ("1 if approved else missing", 1),
        ("1 > 2 > missing", False),
    ],
)
def test_logic_is_pythons_and_stops_early(text: str, expected: Json) -> None:
    """`and`, `or` and `if` give back values, and what need not be asked is not asked."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("items[0]", 1),
        ("items[-1]", 4),
        ("items[len(items) - 2]", 3),
        ("order['customer'].country", "NO"),
        ("order.get('missing')", None),
        ("order.get('missing', 'none')", "none"),
        ("context.get('note', 'x')", None),
        ("order.get", 7),
        ("order['__class__']", "a plain key"),
        ("data.data.a['b']", 1),
        ("len(name) + len(order) + len([])", 6),
    ],
)
def test_members_are_keys_and_positions(text: str, expected: Json) -> None:
    """`a.b`, `a['b']` and `get` read keys of objects, `a[0]` reads arrays; nothing reads Python attributes."""
    assert value(text) == expected


def test_context_is_all_of_the_data() -> None:
    """`context` and `data` mean the whole object, even where the data has such a key."""
    assert value("data") == DATA
    assert value("context == data")
    assert value("context.amount", ChainMap({"amount": 1}, {})) == 1  # type: ignore[arg-type]


def test_names_are_those_read_from_the_data() -> None:
    """The free names are listed, without `context`, `data`, keys and `len`."""
    expression = compile_expression(
        "len(items) > data.limit or tasks.review.ok and a['b'] and context.get('c')"
    )
    assert expression.names == {"items", "tasks", "a"}


def test_an_expression_is_a_value() -> None:
    """Two expressions of the same text are equal, and nobody can change one."""
    one = compile_expression("a > 1")
    assert one == compile_expression("a > 1")
    assert hash(one) == hash(compile_expression("a > 1"))
    assert one != compile_expression("a > 2")
    with pytest.raises(AttributeError):
        one.text = "a > 2"  # type: ignore[misc]


def test_evaluating_changes_nothing() -> None:
    """The data is the same before and after, also when parts of it are joined."""
    before, _size = to_json(DATA)
    value("(items + tags, order, name + name, data.get('x', items))")
    assert before == DATA


@pytest.mark.parametrize("text", ["  amount  ", "\n\tamount\n", "(amount\n)", "amount # in euro"])
def test_space_around_does_not_matter(text: str) -> None:
    """Texts come from indented files: space and line breaks around are dropped."""
    assert value(text) == 1500


# What has no value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("missing", "the data has no 'missing'"),
        ("not missing", "the data has no 'missing'"),
        ("print", "the data has no 'print'"),
        ("order.missing", "the object has no 'missing'"),
        ("context.missing.deeper", "the object has no 'missing'"),
        ("context['missing']", "the object has no 'missing'"),
        ("items[4]", "no item 4 in an array of 4"),
        ("items[-5]", "no item -5"),
        ("items['a']", "an array has no members that are read by text"),
        ("items[True]", "an array has no members that are read by a boolean"),
        ("items[1.0]", "an array has no members that are read by a number"),
        ("order[0]", "an object has no members that are read by a number"),
        ("name[0]", "text has no members"),
        ("name.upper", "text has no members"),
        ("note.x", "null has no members"),
        ("note.get('x')", "not null by text"),
        ("items.get(0)", "not an array by a number"),
        ("order.get(1)", "not an object by a number"),
        ("len(amount)", "a number has no length"),
        ("len(note)", "null has no length"),
        ("amount < '1'", "< does not order a number and text"),
        ("note < 1", "< does not order null and a number"),
        ("approved < 2", "< does not order a boolean and a number"),
        ("[1] < [2]", "< does not order an array and an array"),
        ("1 in order", "an object cannot contain a number"),
        ("1 in name", "text cannot contain a number"),
        ("1 in amount", "a number cannot contain a number"),
        ("approved + 1", "+ does not work on a boolean and a number"),
        ("-approved", "- does not work on"),
        ("-name", "- does not work on"),
        ("+name", "+ does not work on"),
        ("name + 1", "+ does not work on text and a number"),
        ("name + items", "+ does not work on text and an array"),
        ("name * 3", "* does not work on text and a number"),
        ("3 * items", "* does not work on a number and an array"),
        ("'%s' % name", "% does not work on text and text"),
        ("amount / 0", "/ divides by zero"),
        ("amount // 0", "// divides by zero"),
        ("price % 0", "% divides by zero"),
        ("9223372036854775807 + 1", "too large"),
        ("-9223372036854775807 - 2", "too large"),
        ("9223372036854775807 * 9223372036854775807", "too large"),
        ("1e308 * 10", "too large"),
        ("1e308 * 10 - 1e308 * 10", "too large"),
    ],
)
def test_what_does_not_fit_has_no_value(text: str, reason: str) -> None:
    """A missing name or key, a type that does not fit, a limit: an error that says so, never a guess."""
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert reason in caught.value.detail
    assert caught.value.text == text
    assert text in str(caught.value) or repr(text) in str(caught.value)
    assert isinstance(caught.value, WorkflowError)


def test_joining_is_bounded() -> None:
    """`+` makes no text and no array beyond the limit, before it takes the memory."""
    text = "t" * (MAX_LENGTH // 2)
    assert len(str(value("a + a", {"a": text}))) == MAX_LENGTH
    for long in (text, list(text)):
        with pytest.raises(ExpressionError, match="longer than 100000"):
            value("a + a + a", {"a": long})  # type: ignore[dict-item]


def test_messages_do_not_repeat_the_data() -> None:
    """Errors end up in logs and histories: they name keys and types, and no values."""
    secret = "4111 1111 1111 1111"
    for text in ("card + 1", "card < 1", "card.x", "list[card]", "1 in card", "list.get(card)", "list.x"):
        with pytest.raises(ExpressionError) as caught:
            value(text, {"card": secret, "list": [secret]})
        assert secret not in str(caught.value)


def test_data_that_nests_too_deeply_is_an_error() -> None:
    """Unchecked data beyond Python's stack gives the same typed error as everything else."""
    deep: list[Any] = []
    other: list[Any] = []
    for _ in range(100_000):
        deep, other = [deep], [other]
    with pytest.raises(ExpressionError, match="nests too deeply"):
        value("a == b", {"a": deep, "b": other})
    while deep:  # taken apart by hand, so that freeing it does not recurse either
        deep, other = deep.pop(), other.pop()


# What is refused


ATTACKS = {
    "dunder attribute": "().__class__",
    "dunder of the context": "context.__class__",
    "dunder of a method": "context.get.__globals__",
    "dunder behind a key": "order.customer.__init__",
    "the classic chain": "().__class__.__bases__[0].__subclasses__()",
    "dunder call": "context.__getitem__('a')",
    "dunder name": "__builtins__",
    "import": "__import__('os').system('id')",
    "import statement": "import os",
    "open": "open('/etc/passwd')",
    "getattr": "getattr(context, 'get')",
    "eval": "eval('1')",
    "calling data": "amount(1)",
    "calling a result": "context.get('f')()",
    "calling a subscript": "items[0]()",
    "lambda": "(lambda: 1)()",
    "list comprehension": "[x for x in items]",
    "generator": "len(x for x in items)",
    "set comprehension": "{x for x in items}",
    "dict comprehension": "{x: x for x in items}",
    "power": "9**9**9",
    "shift": "1 << 999999999",
    "right shift": "1 >> 1",
    "bit operations": "amount & 1 | 2 ^ 3",
    "inversion": "~amount",
    "matrix product": "items @ items",
    "f-string": "f'{context}'",
    "format spec": "f'{1:>1000000000}'",
    "format method": "'{0.__class__}'.format(1)",
    "text method": "name.upper()",
    "changing an array": "items.append(9)",
    "changing an object": "order.clear()",
    "walrus": "(x := 9)",
    "star arguments": "len(*items)",
    "double star arguments": "order.get(**order)",
    "star in a list": "[*items]",
    "named argument": "order.get('a', default=1)",
    "get without a key": "order.get()",
    "get with too much": "order.get('a', 1, 2)",
    "len without a value": "len()",
    "len of two": "len(items, items)",
    "object literal": "{'a': 1}",
    "set literal": "amount in {1, 2}",
    "slice": "items[1:3]",
    "bytes": "b'x'",
    "complex": "1j",
    "ellipsis": "...",
    "identity": "amount is 1500",
    "identity with a boolean": "approved is True",
    "identity on the left": "None is note",
    "await": "await amount",
    "yield": "(yield)",
    "statement": "amount; amount",
    "assignment": "amount = 1",
    "two lines": "amount\namount",
    "JSON's true": "approved == true",
    "JSON's null": "note == null",
    "other language's and": "approved && amount",
    "integer beyond 64 bits": "9223372036854775808",
    "hexadecimal beyond 64 bits": "0x" + "f" * 100,
    "very many digits": "9" * 1990,
    "infinite literal": "1e999",
    "NUL": "amount\x00",
    "leading NUL": "\x00amount",
    "escaped NUL": "'\\x00'",
    "lone surrogate": "'\ud800'",
    "escaped lone surrogate": "'\\ud800'",
    "byte order mark": "\ufeffamount",
    "fullwidth name": "ａmount",
    "fullwidth in the middle": "amｏunt",
    "fullwidth attribute": "order.ｃustomer",
    "fullwidth dunder": "context._＿class_＿",
    "mathematical dunder": "context.__𝒸𝓁𝒶𝓈𝓈__",
    "fullwidth len": "ｌen(items)",
    "fullwidth get": "context.ｇet('a')",
    "ligature": "ﬁeld",
    "nested parentheses": "(" * 999 + "1" + ")" * 999,
    "nested lists": "[" * 900 + "]" * 900,
    "nested calls": "len(" * 180 + "1" + ")" * 180,
    "chain of not": "not " * 490 + "1",
    "chain of minus": "-" * 1990 + "1",
    "chain of plus": "+".join("1" * 990),
    "chain of attributes": ".".join("a" * 990),
    "chain of conditions": "1 if 1 else " * 160 + "1",
    "unclosed": "((((",
    "empty": "",
    "only space": " \n\t ",
    "only a comment": "# nothing",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_attacks_are_refused_before_anything_runs(text: str) -> None:
    """What is not on the list of allowed parts does not compile, and the error says where it is."""
    with pytest.raises(InvalidExpressionError) as caught:
        compile_expression(text)
    assert caught.value.text == text
    assert 1 <= caught.value.column <= len(text) + 1
    assert caught.value.detail in str(caught.value)
    assert isinstance(caught.value, WorkflowError)


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("amount ** 2 > 4", 1, "** is not allowed; multiply with *"),
        ("amount > 4 and a & b", 16, "& is not allowed; write and"),
        ("a in {'NO', 'SE'}", 6, "write a list: ['a', 'b']"),
        ("order.a.__class__", 9, "__class__ is not allowed; write such a key in brackets: ['__class__']"),
        ("name.lower() == 'x'", 1, "only len(value) and value.get(key, default) can be called"),
        ("  a.get('b', default=1)", 3, "arguments are given without names"),
        ("a == true", 6, "write True instead of true"),
        ("a is True", 6, "compare with =="),
        ("a b", 3, "written as in Python"),
        ("a and", 6, "written as in Python"),
        ("(æ == 'ø' and\n  b ** 2)", 17, "multiply with *"),
        ("x == 9223372036854775808", 6, "an integer beyond 64 bits"),
        ("ﬁeld > 1", 1, "this name means 'field'"),
    ],
)
def test_a_refusal_says_where_and_what_to_write_instead(text: str, column: int, hint: str) -> None:
    """The column counts characters of the whole text, and the sentence names the way out."""
    with pytest.raises(InvalidExpressionError) as caught:
        compile_expression(text)
    assert caught.value.column == column
    assert hint in caught.value.detail
    assert f"(at column {column})" in str(caught.value)


def test_limits_are_exact() -> None:
    """The last thing that fits is accepted, the first that does not is refused."""
    compile_expression("a" * MAX_TEXT)
    compile_expression("not " * (MAX_NESTING - 1) + "a")
    compile_expression(",".join("a" * (MAX_NODES - 1)))  # the list is a part as well
    for text in ("a" * (MAX_TEXT + 1), "not " * MAX_NESTING + "a", ",".join("a" * MAX_NODES)):
        with pytest.raises(InvalidExpressionError):
            compile_expression(text)


def test_a_long_text_does_not_fill_the_message() -> None:
    """Messages quote the beginning of a long text only."""
    with pytest.raises(InvalidExpressionError) as caught:
        compile_expression("a" * 1_000_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("kind", [MemoryError, RecursionError])
def test_a_parser_that_gives_up_is_a_refusal(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """How deep the parser of a Python version can go is its own affair; the error stays the same."""

    def give_up(source: str, mode: str) -> None:
        raise kind

    monkeypatch.setattr(ast, "parse", give_up)
    with pytest.raises(InvalidExpressionError, match="nests too deeply"):
        compile_expression("a")


def test_the_module_has_no_way_to_run_text() -> None:
    """Safe by construction: its own code never evaluates, compiles, imports or reflects by name."""
    tree = ast.parse(Path(expressions.__file__).read_text(encoding="utf-8"))
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called.isdisjoint(
        {"eval", "exec", "compile", "getattr", "setattr", "hasattr", "vars", "__import__"}
    )


def test_objects_that_are_not_json_stay_closed() -> None:
    """Even a Python object that slipped into the data cannot be called, read or listed."""

    class Secret:
        password = "hunter2"

    for text in ("s.password", "s['password']", "len(s)", "'p' in s", "s.get('password')", "s + 1", "s < 1"):
        with pytest.raises(ExpressionError, match="Secret"):
            value(text, {"s": Secret()})  # type: ignore[dict-item]


# Properties

NUMBERS = st.integers(-10, 10) | st.floats(-10, 10, allow_subnormal=False) | st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text("ab'\\ö", max_size=4)
SAMPLE: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {
        "i": NUMBERS,
        "f": NUMBERS,
        "s": TEXTS,
        "t": TEXTS,
        "p": st.booleans(),
        "q": st.booleans(),
        "n": st.none() | NUMBERS,
        "xs": st.lists(NUMBERS, max_size=4),
        "ts": st.lists(TEXTS, max_size=4),
        "o": st.dictionaries(TEXTS, NUMBERS, max_size=3),
    }
)


def _joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    strategies = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*strategies).map(lambda texts: "(" + " ".join(texts) + ")")


def _typed_expressions() -> st.SearchStrategy[str]:
    """Expressions in which every operation gets types that Python and JSON read alike."""
    number: st.SearchStrategy[str] = st.deferred(lambda: numbers)
    text: st.SearchStrategy[str] = st.deferred(lambda: texts)
    truth: st.SearchStrategy[str] = st.deferred(lambda: truths)
    order = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    either = st.sampled_from(["and", "or"])
    numbers = (
        st.sampled_from(
            ["i", "f", "len(xs)", "len(s)", "len(o)", "xs[0]", "xs[-1]", "o.get('a', 1)", "o['a']"]
        )
        | st.integers(0, 99).map(repr)
        | st.floats(0, 99).map(repr)
        | _joined(number, st.sampled_from(["+", "-", "*", "/", "//", "%"]), number)
        | _joined(st.sampled_from(["-", "+"]), number)
        | _joined(number, "if", truth, "else", number)
        | _joined(number, either, number)
    )
    texts = (
        st.sampled_from(["s", "t", "ts[0]"])
        | TEXTS.map(repr)
        | _joined(text, "+", text)
        | _joined(text, "if", truth, "else", text)
        | _joined(text, either, text)
    )
    truths = (
        st.sampled_from(["p", "q", "True", "False", "n is None", "n is not None"])
        | _joined("not", st.one_of(truth, number, text))
        | _joined(truth, either, truth)
        | _joined(number, order, number)
        | _joined(number, order, number, order, number)
        | _joined(text, order, text)
        | _joined(text, st.sampled_from(["in", "not in"]), text)
        | _joined(text, st.sampled_from(["in", "not in"]), st.sampled_from(["ts", "o"]))
        | _joined(number, st.sampled_from(["in", "not in"]), "xs")
        | _joined(number, "in", _joined(number, ",", number))
    )
    return st.one_of(truth, number, text)


def _any_expressions() -> st.SearchStrategy[str]:
    """Expressions of the allowed grammar without regard to types."""
    operators = ["+", "-", "*", "/", "//", "%", "<", "==", "!=", ">=", "in", "not in", "and", "or"]
    leaves = st.sampled_from(
        ["i", "f", "s", "p", "n", "xs", "ts", "o", "context", "data", "z", "[]", "None", "True"]
    )
    return st.recursive(
        leaves | NUMBERS.map(repr) | TEXTS.map(repr),
        lambda part: (
            _joined(part, st.sampled_from(operators), part)
            | _joined(st.sampled_from(["not", "-", "+"]), part)
            | _joined(part, "if", part, "else", part)
            | part.map(lambda text: f"len({text})")
            | part.map(lambda text: f"[{text}, {text}]")
            | st.tuples(part, part).map(lambda pair: f"{pair[0]}[{pair[1]}]")
            | st.tuples(part, part).map(lambda pair: f"{pair[0]} .get({pair[1]})")
            | part.map(lambda text: f"{text} .xs")
        ),
        max_leaves=12,
    )


@settings(deadline=None)
@given(text=_typed_expressions(), names=SAMPLE)
def test_typed_expressions_equal_python(text: str, names: JsonObject) -> None:
    """Where types fit, the value is Python's own; where Python has none, there is none here either."""
    try:
        expected = eval(text, {"__builtins__": {"len": len}}, dict(names))
    except (ArithmeticError, LookupError):
        expected = None
    result = outcome(text, names)
    if isinstance(result, ExpressionError) and "too large" in result.detail:
        return  # the one limit of a value that Python does not have
    if isinstance(result, InvalidExpressionError):
        assert re.search(r"longer than|nests deeper|more than", result.detail)
        return
    if expected is None:
        assert isinstance(result, ExpressionError)
    else:
        assert result == expected
        assert type(result) is type(expected)


@settings(deadline=None)
@given(text=_any_expressions(), names=SAMPLE)
def test_any_expression_gives_json_or_the_one_error(text: str, names: JsonObject) -> None:
    """Whatever is combined with whatever: a JSON value or an `ExpressionError`, and the data stays."""
    before, _size = to_json(names)
    result = outcome(text, names)
    if not isinstance(result, WorkflowError):
        assert to_json(result)[0] == result
    assert before == names


WORDS = """
    a b context data . .get( ( ) [ ] { } , : 1 2.5 'x' " ' \\ + - * ** / // % ~ @ & | ^ << < > == != := = # ... ａ
    if else and or not in is None True lambda x for await yield f' b' __class__ len(
"""
FRAGMENTS = st.lists(st.sampled_from([*WORDS.split(), "\n", "\t", "\x00"]), max_size=20)


@settings(deadline=None)
@given(text=st.text(max_size=60) | FRAGMENTS.map(" ".join) | FRAGMENTS.map("".join), names=SAMPLE)
def test_any_text_raises_one_of_the_two_errors_or_nothing(text: str, names: JsonObject) -> None:
    """Garbage never gets past the compiler in another way than as a typed error."""
    result = outcome(text, names)
    if isinstance(result, InvalidExpressionError):
        assert 1 <= result.column <= len(text) + 1
