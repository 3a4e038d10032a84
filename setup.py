"""What pyproject.toml cannot say: a wheel brings the rules as compiled for the judge (``model/machine/kept.py``)."""

from __future__ import annotations

import subprocess
import sys

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithMachines(build_py):
    """Builds the packages, then has what was built write the compiled rules beside it."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            call = "from wsoracle.properties.judge.usual_machines import write; write()"
            subprocess.run([sys.executable, "-B", "-c", call], cwd=self.build_lib, check=True)


setup(cmdclass={"build_py": BuildWithMachines})
