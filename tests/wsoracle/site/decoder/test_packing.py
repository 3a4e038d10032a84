"""The archive of the decoder: Python that has nothing else decodes with it, as Pyodide does in the page."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from wsoracle.site.addresses import Addresses
from wsoracle.site.decoder.entry import decoded
from wsoracle.site.decoder.packing import archive
from wsoracle.site.decoder.page import EXAMPLES

ALONE: Final = """
import importlib, json, sys, zipfile
sys.path.insert(0, sys.argv[1])
for name in zipfile.ZipFile(sys.argv[1]).namelist():
    if name.startswith("wsoracle/properties/") and name.endswith(".py"):
        importlib.import_module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
from wsoracle.site.addresses import Addresses
from wsoracle.site.decoder.entry import decoded
print(json.dumps([decoded(asked, None, Addresses()) for asked in json.loads(sys.argv[2])]))
"""


def test_the_archive_decodes_without_any_other_package(tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    packed.write_bytes(archive(Addresses()))
    asked = [{"text": one.text, "role": one.role} for one in EXAMPLES]
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(packed), json.dumps(asked)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-1000:]
    assert json.loads(run.stdout) == [decoded(one, None, Addresses()) for one in asked]
