"""The experiments behind docs/reliability.md, in short; `python -m tests.qualification.reliability` runs them whole."""

import json

import pytest
from tests.qualification.reliability import page
from tests.qualification.reliability.__main__ import experiments

EXPERIMENTS = experiments()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_claim_holds(name):
    """In the short form, with the stored seed."""
    measured = EXPERIMENTS[name].run(True, 1, False)
    assert measured.cases > 0
    assert measured.wrong == []


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_experiment_notices_its_mutant(name):
    """With the protection switched off something is wrong, so the check can fail."""
    assert EXPERIMENTS[name].run(True, 1, True).wrong


def test_the_page_has_the_stored_figures_of_every_experiment():
    """docs/reliability.md is written from docs/reliability.json, which has a row for each experiment."""
    assert set(json.loads(page.FIGURES.read_text())) == set(EXPERIMENTS)
    assert page.table() in page.PAGE.read_text()
