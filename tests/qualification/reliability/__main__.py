"""Run the experiments behind docs/reliability.md, each also with its protection switched off, and write the page.

    python -m tests.qualification.reliability [NAME..] [--short] [--seed N] [--write]

``--write`` stores the figures in docs/reliability.json and renews the table of docs/reliability.md. The exit code is 1
where a claim did not hold, or where a mutant was not noticed.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time

import tests.qualification.reliability as package
from tests.qualification.reliability import page
from tests.qualification.reliability.experiment import Experiment


def experiments() -> dict[str, Experiment]:
    """Every experiment of this package, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [
        importlib.import_module(f"tests.qualification.reliability.{name}") for name in names if name != "__main__"
    ]
    loaded = [module.EXPERIMENT for module in modules if hasattr(module, "EXPERIMENT")]
    return {experiment.name: experiment for experiment in loaded}


def main() -> int:
    """Carry out what the command line says."""
    known = experiments()
    options = _options(known)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    failed = False
    for name in options.name or known:
        experiment = known[name]
        began = time.monotonic()
        measured = experiment.run(options.short, options.seed, False)
        mutant = experiment.run(True, options.seed, True)
        failed |= bool(measured.wrong) or not mutant.wrong
        seconds = time.monotonic() - began
        print(f"{name}: {measured.cases:,} cases, {len(measured.wrong)} wrong, {seconds:.0f} s; {measured.numbers}")
        for sentence in measured.wrong[:20]:
            print(f"    {sentence}")
        print(f"    mutant ({experiment.mutant}): {len(mutant.wrong)} of {mutant.cases:,} wrong")
        if not mutant.wrong:
            print("    the mutant was not noticed: this experiment proves nothing")
        if options.write:
            page.keep(experiment, measured, mutant, options.seed)
    if options.write:
        page.write()
    return 1 if failed else 0


def _options(known: dict[str, Experiment]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.qualification.reliability",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="experiments:\n"
        + "\n".join(f"  {experiment.name:<16} {experiment.claim}" for experiment in known.values()),
    )
    parser.add_argument("name", nargs="*", choices=[*known, []], metavar="NAME", help="an experiment (default: all)")
    parser.add_argument("--short", action="store_true", help="the form that `make test` runs, at most 20 s each")
    parser.add_argument("--seed", type=int, default=1, help="feeds every random choice (default: 1)")
    parser.add_argument("--write", action="store_true", help="store the figures in docs/ and renew the page's table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
