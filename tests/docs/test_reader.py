"""The reader of pages: what is right passes, and whatever is wrong is found."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.blocks import blocks
from tests.docs.reader import Reader

APP = """
```python
# app.py
from itertools import count
from litestar import Litestar, get, post
from litestar.exceptions import ClientException
from litestar.params import FromPath, JSONBody

asked = count()

@get("/thing/{name:str}")
async def thing(name: FromPath[str]) -> dict[str, object]:
    return {"id": name, "at": "2031-05-06T07:08:09.123456Z", "is_new": next(asked) == 0}

@post("/thing")
async def refuse(data: JSONBody[dict[str, int]]) -> None:
    raise ClientException(f"no {data}")

@post("/new")
async def new() -> dict[str, str]:
    return {"id": "0199a1b2-0000-7000-8000-00000000abcd"}

app = Litestar([thing, refuse, new])
```
"""
FILE = "```python\n# one.py\nx = 1\n```\n```python\n# one.py (continued)\nx += 1\n```\n"
NEW = "```bash\ncurl -X POST http://localhost:8000/new\n```\n"
BIND = NEW + '```json\n{"id": "11111111-1111-1111-1111-111111111111"}\n```\n'
BY_ID = "```bash\ncurl -s http://localhost:8000/thing/11111111-1111-1111-1111-111111111111\n```\n"


def follow(folder: Path, page: str) -> int:
    path = folder / "page.md"
    path.write_text(page)
    with Reader(folder) as reader:
        return reader.follow(blocks(path))


@pytest.mark.parametrize(
    ("page", "count"),
    [
        ("Text alone.", 0),
        ("```python\nx = 1\n```\nand\n```python\nassert x == 1\n```", 2),
        ("- in a list\n\n  ```python\n  assert True\n  ```\n", 1),
        ("````{note}\nin a note\n\n```python\nassert True\n```\n````", 1),
        (":::{tip}\n```python\nassert True\n```\n:::", 1),
        ("```python\nimport asyncio\nawait asyncio.sleep(0)\nprint('done')\n```\n```text\ndone\n```", 2),
        ("```python\nimport asyncio\nasync def main(): print(1)\nasyncio.run(main())\n```\n```text\n1\n```", 2),
        ("```python\n# one.py\nx = 1\n```\n```python\nimport one\nassert one.x == x\n```", 2),
        (FILE + "```bash\npython -c 'import one; print(one.x)'\n```\n```text\n2\n```", 4),
        ("```console\n$ echo one\none\n$ true\n```", 1),
        ("```bash\nprintf 'a\\nb\\nc\\n'\n```\n<!-- test: excerpt -->\n```text\na\nc\n```", 2),
        ("```bash\nmake demo\nmake test\n```", 1),
        ("```bash\npip install 'workflows-litestar[web,postgres]' uvicorn\n```", 1),
        ("<!-- test: shown, it never ends -->\n```python\nwhile True: pass\n```", 1),
        ("<!-- test: shown, there is no such language -->\n```klingon\nqapla'\n```", 1),
        ("```toml\n# pyproject.toml\n[tool.pytest]\n```\n```bash\ntest -s pyproject.toml\n```", 2),
        (APP + '```bash\ncurl http://localhost:8000/thing/a\n```\n<!-- test: excerpt -->\n```json\n{"is_new": true}\n```', 3),
        (APP + BIND + BY_ID + '```json\n{"id": "11111111-1111-1111-1111-111111111111",'
         ' "at": "2020-01-01T00:00:00Z", "is_new": true}\n```', 5),
        (APP + '```bash\nlitestar run\ncurl http://localhost:8000/thing/a\n```\n<!-- test: excerpt -->\n'
         '```json\n{"id": "a", "is_new": false}\n```', 3),  # the first answer differs; it is asked for again
        (APP + '```bash\ncurl http://localhost:8000/thing \\\n  --json \'{\n    "no": 1}\'\n```\n'
         '```json\n{"status_code": 400, "detail": "no {\'no\': 1}"}\n```', 3),
    ],
)  # fmt: skip
def test_what_is_right_passes(tmp_path: Path, page: str, count: int) -> None:
    assert follow(tmp_path, page) == count


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("```python\nassert 1 == 2\n```", ""),
        ("```python\nprint(1)\n```\n```text\n2\n```", "it printed:\n1"),
        ("```text\n2\n```", "nothing above"),
        ("```klingon\nqapla'\n```", "nobody knows"),
        ("```\nwhat is this?\n```", "nobody knows"),
        ("Nothing.\n\n    x = 1\n", "fences"),
        ("<!-- test: skip -->\n```python\nx = 1\n```", "the note 'skip'"),
        ("<!-- test: shown, -->\n```python\nx = 1\n```", "the note 'shown,'"),
        ("```bash\nfalse\n```", "ended with 1"),
        ("```console\n$ echo one\ntwo\n```", "it printed:\none"),
        ("```bash\nmake coffee\n```", "the Makefile makes no coffee"),
        ("```bash\npip install 'workflows-litestar[moon]'\n```", "no extra moon"),
        ("```bash\npip install leftpad\n```", "leftpad"),
        ("```bash\ncurl http://localhost:8000/x\n```", "needs a server"),
        ("```toml\nx = 1\n```", "which file"),
        (APP + '```bash\ncurl -X POST http://localhost:8000/thing --json \'{"a": 1}\'\n```', "the page is silent"),
        (APP + NEW + '```json\n{"id": "x"}\n```', "/id is"),
        (APP + NEW + "```json\n{}\n```", "/id is not printed"),
        (APP + BIND + NEW + '```json\n{"id": "22222222-2222-2222-2222-222222222222"}\n```', "/id is"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, complaint: str
) -> None:
    monkeypatch.setattr("tests.servers.PATIENCE", 2.0)
    with pytest.raises(AssertionError) as caught:
        follow(tmp_path, page)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("page", ["```bash\ncurl -k https://example.org\n```", "```python\nx = (\n```"])
def test_what_cannot_be_read_is_an_error(tmp_path: Path, page: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        follow(tmp_path, page)


def test_a_failure_names_its_line(tmp_path: Path) -> None:
    page = dedent("""
        Above.

        ```python
        x = 1
        assert x == 2
        ```
    """)
    with pytest.raises(AssertionError) as caught:
        follow(tmp_path, page)
    assert caught.traceback[-1].lineno + 1 == page.splitlines().index("assert x == 2") + 1
