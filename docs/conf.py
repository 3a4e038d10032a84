"""The documents as a site, below ``out/docs`` by ``make docs``: contents, search, the reference of the library."""

from wsoracle import __version__

project = "wsoracle"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_title = f"wsoracle {version}"
html_copy_source = False
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
