"""What ``wsoracle demo`` does: the main job in one run: explore, prove, mutate, cover, generate, run, report.

Everything is written below one folder. What is printed is the short of it: first how real implementations deviate,
each deviation with its clause, then what is proved.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from wsoracle.generators.export.json_files import export_json
from wsoracle.generators.export.pytest_module import export_pytest
from wsoracle.generators.export.wstest_classes import export_wstest
from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.suite import suite
from wsoracle.generators.suite.all_cases import Collection, Killers, cases_by_rule, collect
from wsoracle.generators.workers import process_pool
from wsoracle.model.machine.reachable import explored_once
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.connections.checks import CHECKS
from wsoracle.properties.requirements.register import REGISTER, matrix, problems

from .. import prover
from ..autobahn.data import autobahn_data
from ..diagrams.diagram import mermaid
from ..diagrams.dot import can_draw, dot, svg
from ..diagrams.graph import VIEWS, diagram
from ..explore import exploration as exploring
from ..explore.running import run_cases
from ..implementations import available_peers, missing_peers
from ..prover import failures, summary, theorems
from ..text.clauses import clause
from ..text.output import OnStep, say, write_json, write_text
from .explore import EXAMPLES as ALL_EXAMPLES
from .explore import wrong as wrong_with_exploration
from .mutants import alive
from .run import show

EXAMPLES: Final = ALL_EXAMPLES // 4
"""Attempts for each implementation in each role: a quarter of what ``wsoracle explore`` makes. Every rule fires all the
same, since each is the goal of walks; what is rare in an implementation may take the whole exploration to be found."""

EXPORTS: Final = {"json": export_json, "wstest": export_wstest, "pytest": export_pytest}

ShowProgress = Callable[[str], AbstractContextManager[OnStep]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The states that an endpoint of a role can reach: files by name, and how much is drawn in them."""

    files: dict[str, str]
    states: int
    transitions: int


def drawing(role: Role) -> Drawing:
    """The states that an endpoint of a role can reach, in each view and form."""
    forms = {"mmd": mermaid, "dot": dot} | ({"svg": svg} if can_draw() else {})
    explored = explored_once(Setting(role))
    files = {
        f"{role}-{view.name}.{form}": draw(drawn)
        for view in VIEWS
        for drawn in [diagram(explored, view)]
        for form, draw in forms.items()
    }
    return Drawing(files, len(explored.states), len(explored.transitions))


@dataclass
class Demo:
    """One run of everything, into a folder. ``wrong`` collects what keeps the model itself from holding."""

    out: Path
    seed: int
    progress: ShowProgress
    wrong: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        """Do all of it; what is wrong with the model, one line each (deviations of others are findings, not that)."""
        begun = time.monotonic()
        self.out.mkdir(parents=True, exist_ok=True)
        with process_pool(os.cpu_count() or 1) as pool:
            # All is begun at once, in the order in which it is waited for, so that no processor is without work where
            # one part of it ends.
            exploration = exploring.begin(pool, self.seed, EXAMPLES)
            ground, proofs = suite.begin(pool), prover.begin(pool)
            every = tuple(mutants())
            drawings = pool.map(drawing, Role)
            explored = self.explore(partial(exploring.finish, exploration))
            self.prove(partial(prover.finish, proofs))
            killers = self.mutate(lambda step: suite.finish(pool, every, ground, autobahn_data(), step))
            cases = self.generate(explored, killers)
            self.requirements(cases)
            self.run_cases(cases, pool)
            self.draw(drawings)
        self.say("")
        self.say(f"everything is below {self.out}/ ({time.monotonic() - begun:.0f} s)", "bold")
        for line in self.wrong:
            self.say(line, "bold red")
        return self.wrong

    def say(self, line: str, style: str = "") -> None:
        """Print a line."""
        say((line, style))

    def title(self, line: str) -> None:
        """Print the step that comes next."""
        self.say("")
        self.say(line, "bold cyan")

    def file(self, name: str) -> str:
        """The name of a file below the folder; its folder is made."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def draw(self, drawings: Iterable[Drawing]) -> None:
        """The reachable states of both roles: as Mermaid and DOT, and as SVG where Graphviz is installed."""
        self.title("The states that an endpoint can reach")
        with self.progress("drawing") as step:
            for role, drawn in zip(Role, drawings, strict=True):
                step(str(role), 0, 2)
                for name, text in drawn.files.items():
                    write_text(self.file(f"graph/{name}"), text)
                self.say(f"  {role}: {drawn.states} states, {drawn.transitions} transitions")
        self.say(f"  drawn in {self.out}/graph/")

    def prove(self, finish: Callable[[prover.OnTheorem], prover.ProofReport]) -> None:
        """All theorems."""
        self.title("Theorems")
        with self.progress("proving") as step:
            report = finish(lambda row, done, total: step(row["id"], done, total))
        # The proofs run beside the exploration: their own seconds count, not those of the wait at the end.
        kinds = summary(report)
        seconds = round(sum(sums["seconds"] for sums in kinds.values()), 1)
        write_json(self.file("prove.json"), {"theorems": report["theorems"], "seconds": seconds})
        for kind, sums in kinds.items():
            self.say(f"  {kind}: {sums['proved']} of {sums['theorems']} proved")
        self.say(f"  each is refuted by a fault of the rules; {seconds} s of proofs in all")
        self.wrong += failures(report)

    def explore(self, finish: Callable[[OnStep], exploring.Explored]) -> exploring.Explored:
        """Hypothesis against wsproto and websockets."""
        self.title("Exploration against real implementations")
        with self.progress("exploring") as step:
            report = finish(step)
        write_json(self.file("explore.json"), report.to_json())
        fired = sum(1 for count in report.rules_fired.values() if count)
        tried = f"{report.scenarios} scenarios and {report.walks} walks"
        self.say(f"  {tried}; {fired} of {len(report.rules_fired)} rules fired")
        self.say(f"  (`wsoracle explore` makes {ALL_EXAMPLES // EXAMPLES} times as many)", "dim")
        for found in report.findings:
            head = f"  {found.implementation} {found.version} as {found.role}: {found.description}"
            self.say(head, "red" if found.strength in ("MUST", "CRASH") else "yellow")
            for rule in found.rules:
                self.say(f"    {rule}: {clause(rule)}", "dim")
        self.say(f"  {len(report.findings)} findings in all; our own endpoint is the control")
        self.wrong += wrong_with_exploration(report)
        return report

    def mutate(self, finish: Callable[[OnStep], suite.MutationResult]) -> Killers:
        """All mutants, and the suite that kills them."""
        self.title("Mutants")
        with self.progress("telling mutants apart") as step:
            result = finish(step)
        write_json(self.file("mutants.json"), result.to_json())
        count = Counter(found.status.value for found in result.found.values())
        self.say(f"  {len(result.mutants)}: " + ", ".join(f"{n} {status}" for status, n in sorted(count.items())))
        self.say(f"  a suite of {len(result.suite)} cases scores {result.score:.1%}")
        self.say(f"  the event sequences of Autobahn's groups 1-7: {result.autobahn_in_words}")
        self.wrong += [f"alive: {name}" for name in alive(result)]
        return suite.suite_cases(result)

    def generate(self, explored: exploring.Explored, killers: Killers) -> Collection:
        """All cases, in all formats."""
        self.title("Cases")
        with self.progress("generating") as step:
            found = collect(self.seed, step, killers, explored.cases)
        for form, export in EXPORTS.items():
            result = export(found.cases, self.file(f"cases/{form}"))
            self.say(f"  {form}: {len(result.carried)} of {len(found.cases)} cases in {result.directory}")
        return found

    def requirements(self, cases: Collection) -> None:
        """The matrix of normative sentences."""
        self.title("Requirements")
        report = matrix(REGISTER, RULES, theorems(), CHECKS, cases_by_rule(cases))
        write_json(self.file("requirements.json"), report)
        count = Counter(row["status"] for row in report["requirements"])
        self.say("  " + ", ".join(f"{n} {status}" for status, n in count.items()))
        self.wrong += problems(REGISTER, RULES, theorems(), CHECKS)

    def run_cases(self, cases: Collection, pool: Executor | None = None) -> None:
        """The cases on real implementations, in process."""
        self.title("Cases run on real implementations")
        with self.progress("running") as step:
            runs = run_cases(cases.cases, available_peers(), step, pool)
        write_json(self.file("runs.json"), {"runs": [run.to_json() for run in runs]})
        show(runs, most=8)
        self.wrong += [f"not run: {missing.implementation} ({missing.reason})" for missing in missing_peers()]
