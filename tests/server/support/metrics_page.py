"""A program with metrics, and a page of metrics as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from tests.server.support.batches import CANCELLED, ERROR, Program

from tenure_server.store.histogram import BOUNDS_S

POOL, LOCK = "Pool orders", "Lock stock"
POOL_NAME = {"db.client.connection.pool.name": "Pool orders"}

Series = dict[tuple[tuple[str, str], ...], float]  # by labels


def shop(number: int = 1) -> Program:
    """A pool of two connections that is full; one waits, one gave up, one waited for too long. And a lock."""
    program = Program(number)
    program.resource(POOL, capacity=2, stereotype="database")
    program.use("worker-1", POOL, acquire=0, wait=2, hold=30, release=0)
    program.use("worker-2", POOL, acquire=0, wait=2)
    program.use("worker-3", POOL, acquire=0, wait=20, hold=20)
    program.use("worker-4", POOL, acquire=50)
    program.use("worker-5", POOL, acquire=50, release=10, acquire_outcome=CANCELLED, release_outcome=0)
    late = ("psycopg_pool.PoolTimeout", "couldn't get a connection after 0.01 sec")
    program.use("worker-6", POOL, acquire=50, release=10, acquire_outcome=ERROR, release_outcome=0, exception=late)
    program.use("worker-1", LOCK, acquire=0, wait=0.05, hold=700, release=1)
    return program


def counts(**bounds: int) -> list[int]:
    """The counts of a spread: up_to_0_005=2; past all bounds: beyond=1."""
    count_by_bound = {
        float(name.removeprefix("up_to_").replace("_", ".", 1)) if name != "beyond" else float("inf"): count
        for name, count in bounds.items()
    }
    assert set(count_by_bound) <= {*BOUNDS_S, float("inf")}
    return [count_by_bound.get(bound, 0) for bound in (*BOUNDS_S, float("inf"))]


def parsed(text: str) -> dict[str, Series]:
    """Every sample of a page, as Prometheus' own parser reads it; it refuses a sample that comes twice."""
    samples: dict[str, Series] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            series = samples.setdefault(sample.name, {})
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in series, (sample.name, labels)
            series[labels] = sample.value
    return samples


def labelled(series: Series, **labels: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The samples that have these labels, by their other labels."""
    wanted = set(labels.items())
    return {
        tuple(pair for pair in pairs if pair not in wanted): value
        for pairs, value in series.items()
        if wanted <= set(pairs)
    }
