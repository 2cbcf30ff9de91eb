"""Builds the documentation: `make docs`."""

import re
from importlib.metadata import version as installed

from sphinx.application import Sphinx

project = "workflows-litestar"
copyright = "the workflows-litestar authors"
author = "the workflows-litestar authors"
version = release = installed("workflows-litestar")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "_make"]
nitpicky = False

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
# Markdown code in docstrings is written with single backticks.
default_role = "code"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "exclude-members": "__init__, __new__, __weakref__"}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries = False

copybutton_prompt_text = "$ "

html_theme = "shibuya"
html_title = "workflows-litestar"
html_static_path = ["_static"]
html_show_sourcelink = False
html_theme_options = {
    "accent_color": "violet",
    "color_mode": "auto",
    "show_ai_links": False,
    "globaltoc_expand_depth": 1,
    "nav_links": [
        {"title": "Tutorial", "url": "tutorial"},
        {"title": "How-to", "url": "how-to/index"},
        {"title": "Explanation", "url": "explanation/index"},
        {"title": "Reference", "url": "reference/index"},
    ],
}


def with_contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Give an overview its table of contents: the pages that it links, in that order.

    It is not written there, because those who read the files would see it as code.
    """
    if page.endswith("index"):
        linked = dict.fromkeys(re.findall(r"\]\(([\w/-]+)\.md\)", source[0]))
        source[0] += "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(linked) + "\n```\n"


def setup(app: Sphinx) -> None:
    """Have Sphinx call us."""
    app.connect("source-read", with_contents)
