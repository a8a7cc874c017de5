"""Figures about this process in the Prometheus text format, at ``/metrics``. The only importer of prometheus_client."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """Counters of one process; nothing is shared or global."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "hub_webhook_answers", "Answers to webhooks by status.", ["status"], registry=self._registry
        )
        self._seconds = Histogram(
            "hub_webhook_seconds", "Time from request to answer.", buckets=_SECONDS, registry=self._registry
        )

    def acknowledged(self, status: int, seconds: float) -> None:
        """One webhook was answered."""
        self._answers.labels(status).inc()
        self._seconds.observe(seconds)

    def acknowledgement(self, part: float) -> float | None:
        """Seconds within which this part (0.5, 0.99) of the webhooks was answered, rounded up to a step; None: none.

        More than the last step is given as that step.
        """
        counts = {
            float(one.labels["le"]): one.value
            for metric in self._seconds.collect()
            for one in metric.samples
            if one.name.endswith("_bucket")
        }
        total = max(counts.values(), default=0)
        if not total:
            return None
        return min((step for step, count in counts.items() if count >= part * total), default=_SECONDS[-1])

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)
