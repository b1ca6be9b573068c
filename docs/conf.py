"""Sphinx settings. `python -m docs` copies this file next to the pages that it collects."""

from __future__ import annotations

import html
import os
from typing import Any

from sphinx.application import Sphinx

from docs import VERSION

project = "lucidgrad"
author = "the lucidgrad authors"
copyright = f"{author}, MIT licence"
version = release = VERSION

extensions = ["myst_nb", "sphinx_copybutton"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # use the walkthroughs' stored outputs
nb_merge_streams = True
html_math_renderer = "katex"

html_theme = "furo"
html_title = "lucidgrad"
html_static_path = ["static"]
html_css_files = ["katex/katex.min.css", "site.css"]
html_js_files = [("mathematics.js", {"type": "module"}), "playground.js"]
html_favicon = "static/favicon.svg"
html_copy_source = False
html_show_sphinx = False
html_baseurl = os.environ.get("LUCIDGRAD_SITE_ADDRESS", "")
html_theme_options: dict[str, object] = {"footer_icons": [], "top_of_page_buttons": []}
exclude_patterns = ["sections/*"]
templates_path: list[str] = []
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
maximum_signature_line_length = 88
smartquotes = False
python_display_short_literal_types = True
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"


def _math(self: Any, node: Any) -> None:
    """Write mathematics as text; mathematics.js typesets it with KaTeX."""
    from docutils import nodes

    display = isinstance(node, nodes.math_block)
    tag = "div" if display else "span"
    self.body.append(f'<{tag} class="math" data-display="{str(display).lower()}">{html.escape(node.astext())}</{tag}>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("katex", (_math, None), (_math, None))
