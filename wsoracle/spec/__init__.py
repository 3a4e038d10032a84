"""docs/spec.md: the text written by hand goes in, the same text with its generated blocks comes out.

Each module makes the blocks of one topic from the rows.
"""

from pathlib import Path
from typing import Final

DOCUMENT: Final = Path("docs/spec.md")
"""The path of the document, from the root of the repository."""
