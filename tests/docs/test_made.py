"""What the documentation takes from the code is up to date, and shows all of it."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs._make.charts import STAYS, Moves, chart, rows
from docs._make.sections import DRAWINGS, PICTURES, made
from docs._make.states import TASKS, TOKENS
from tests.docs.blocks import ROOT
from workflows_core.states import TASK_MOVES, TOKEN_MOVES

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["ready", "running", "waiting", "leaving", "gone"]
MOVES = st.fixed_dictionaries(
    {state: st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), st.sampled_from(NAMES)) for state in NAMES}
)


def test_everything_made_is_up_to_date() -> None:
    stale = [path.name for path, text in made() if not path.exists() or path.read_text() != text]
    assert stale == [], "run `make docs` and commit what it changes"


def test_no_page_asks_for_what_nobody_makes() -> None:
    asked = {
        name
        for page in ROOT.glob("docs/**/*.md")
        for name in re.findall(r"<!-- made: (.*?) -->", page.read_text())
    }
    assert {"states of tokens", "states of tasks", "database tables", "operations"} <= asked


@given(MOVES)
def test_rows_hold_every_move_once(moves: Moves) -> None:
    again: dict[str, dict[str, str]] = {state: {} for state in moves}
    for event, states, target in rows(moves):
        for state in states:
            assert event not in again[state]
            again[state][event] = state if target == STAYS else target
    assert again == moves


@given(MOVES)
def test_a_chart_has_a_dot_for_every_move_and_an_arrow_for_every_row(moves: Moves) -> None:
    picture = ET.fromstring(chart("Moves", moves, "light"))
    count = sum(map(len, moves.values()))

    assert len(picture.findall(f".//{SVG}circle")) == count
    arrows = len(picture.findall(f".//{SVG}path[@class='tip']"))
    assert arrows >= len({row for row in rows(moves) if set(row[1]) - {row[2]} and row[2] != STAYS})
    assert [each.text for each in picture.findall(f"{SVG}text[@class='name']")] == list(moves)


def test_the_charts_are_of_the_tables_that_the_machine_asks() -> None:
    assert {state: dict(events) for state, events in TOKEN_MOVES.items()} == TOKENS
    assert {state: dict(events) for state, events in TASK_MOVES.items()} == TASKS


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("palette", ["light", "dark"])
def test_a_picture_is_well_formed_and_says_what_it_shows(name: str, palette: str) -> None:
    picture = ET.fromstring(PICTURES[name](palette))
    assert picture.findtext(f"{SVG}title")


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_names_every_step(name: str) -> None:
    drawing = DRAWINGS[name]()
    assert ET.fromstring(drawing).findtext(f"{SVG}title")
    assert {"expense": "Check the budget", "travel": "Release the payment"}[name] in drawing
