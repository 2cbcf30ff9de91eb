"""The verbs of the Makefile: each is explained, and whoever names one names one that exists."""

import re
import subprocess

from tests.docs.blocks import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VERBS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def named_in(path: str) -> set[str]:
    text = (ROOT / path).read_text(encoding="utf-8")
    return {
        word
        for line in re.findall(r"^ *make((?: [a-z][a-z-]*)+)$", text, re.MULTILINE)
        for word in line.split()
    }


def test_help_lists_every_verb() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = dict(re.findall(r"^make (\S+) +(.+)$", printed, re.MULTILINE))
    assert listed.keys() == VERBS
    assert all(listed.values())


def test_no_verb_is_mistaken_for_a_file() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == VERBS


def test_ci_and_contributors_use_verbs_that_exist() -> None:
    assert named_in(".ci/run") <= VERBS
    assert {"test", "lint", "type", "contracts", "docs", "guide"} <= named_in(".ci/run")
    assert set(re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text())) <= VERBS
