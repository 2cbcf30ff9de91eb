"""A browser, and people in front of it whom nothing escapes that is wrong with a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

UI: Final = "/workflows/ui"
AXE: Final = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
_HARMLESS: Final = "Failed to load resource: the server responded with a status of 4"


class NoBrowserError(Exception):
    """There is no Chromium."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium, or whatever `CHROMIUM` names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise NoBrowserError(
            "The tests of the pages need Chromium: apt-get install chromium, or set CHROMIUM."
        )
    with sync_playwright() as playwright:
        # Nothing leaves this machine, and containers neither have a sandbox nor a large /dev/shm.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class Person:
    """Somebody with a browser window of their own.

    Attributes:
        page: What they look at.
        wrong: What was wrong so far: violations of the policy for content, errors on the console, dialogs.
    """

    def __init__(self, browser: Browser, url: str, name: str = "", **options: Any) -> None:
        self.name = name
        self.context = browser.new_context(base_url=url, **options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.wrong: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", self._refuse)
        if name:  # chosen before, and remembered
            cookie = {"name": "workflows_visitor", "value": name, "domain": "127.0.0.1", "path": UI}
            self.context.add_cookies([cookie])  # type: ignore[list-item]  # a dict will do

    def choose(self, name: str) -> None:
        """Say who they are, on the page they look at."""
        with self.page.expect_navigation():
            self.page.get_by_label("You are").select_option(name)

    def _listen(self, message: ConsoleMessage) -> None:
        # A form that is refused answers 400: that is no mistake of the page.
        is_answer = message.text.startswith(_HARMLESS) and "/static/" not in message.location.get("url", "")
        if message.type in {"error", "warning"} and not is_answer:
            self.wrong.append(f"{message.type}: {message.text}")

    def _refuse(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: str = "") -> None:
        """Look at a page."""
        self.page.goto(f"{UI}{path}", wait_until="domcontentloaded")

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """Follow a link."""
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def text(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()

    def problems(self, *, contrast: bool = False) -> list[str]:
        """What axe finds that somebody would stumble over; with `contrast`, what they could not read alone."""
        self.page.evaluate(AXE)
        rules: dict[str, Any] = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
        if contrast:
            rules = {"type": "rule", "values": ["color-contrast"]}
        options = {"resultTypes": ["violations"], "runOnly": rules}
        found: dict[str, Any] = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{each['id']} ({each['impact']}): {node['html']} {node.get('failureSummary', '')}"
            for each in found["violations"]
            for node in each["nodes"]
            if each["impact"] in {"serious", "critical"}
        ]

    def overflow(self) -> int:
        """How many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width
