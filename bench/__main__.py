"""Runs the measurements and prints them, as ratios where two things can be compared in one run.

The machine is shared and noisy: every figure is the median of several turns, taken in turn (A B A B …).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from bench import console, load, rules, stripe_side
from bench.hubs import SECRET, RunningHub, running_hub, running_module, sink_count

NO_RULES = "version: 1\nshop: {currency: EUR}\nrules: []\n"

ONE_STEP = """
version: 1
shop: {{currency: EUR}}
connections:
  sink: {{type: http, base_url: "http://127.0.0.1:{port}", allow_private: yes}}
rules:
  - name: Tell the sink
    when: order paid
    do:
      - http.request:
          connection: sink
          method: POST
          url: /orders
          json: {{order: "{{{{ order.number }}}}", total: "{{{{ order.total }}}}", name: "{{{{ customer.name }}}}"}}
"""

THREE_STEPS = """
version: 1
shop: {{currency: EUR}}
connections:
  orders file: {{type: spreadsheet, file: orders.csv}}
  sink: {{type: http, base_url: "http://127.0.0.1:{port}", allow_private: yes}}
rules:
  - name: Row, stock and a call
    when: order paid
    for_each: order.items
    do:
      - spreadsheet.add_row:
          sheet: Orders
          columns:
            Date: "{{{{ order.paid_at | date }}}}"
            Order: "{{{{ order.number }}}}"
            Customer: "{{{{ customer.name }}}}"
            E-mail: "{{{{ customer.email }}}}"
            Product: "{{{{ item.name }}}}"
            Total: "{{{{ order.total }}}}"
      - inventory.decrease: {{sku: "{{{{ item.sku }}}}", by: "{{{{ item.quantity }}}}"}}
      - http.request:
          connection: sink
          method: POST
          url: /orders
          json: {{order: "{{{{ order.number }}}}", sku: "{{{{ item.sku }}}}", by: "{{{{ item.quantity }}}}"}}
"""


def intake(turns: int = 5, count: int = 15_000) -> None:
    """Acknowledged events per second with the journal on, against the same application without it."""
    stored, unstored, worst = [], [], []
    with running_hub(NO_RULES, "--no-dispatch") as hub, running_module("bench.null_hub", SECRET) as null_port:
        for turn in range(turns):
            unstored.append(load.send(null_port, load.requests(count, SECRET, prefix=f"n{turn}x"), 32).rate)
            answers = load.send(hub.port, load.requests(count, SECRET, prefix=f"s{turn}x"), 32)
            stored.append(answers.rate)
            worst.append(answers.percentile(0.99) * 1000)
        kept = hub.count("SELECT count(*) FROM events")
    ratios = [a / b for a, b in zip(stored, unstored, strict=True)]
    print(f"intake, 32 connections, {count} events a turn, {turns} turns")
    print(f"  stored / not stored   {_spread(ratios, '.3f')}   (wanted: above 0.40)")
    print(f"  stored, per second    {_spread(stored, '.0f')}   not stored {_spread(unstored, '.0f')}")
    print(f"  p99 stored, ms        {_spread(worst, '.1f')}   (wanted: under 50)")
    print(f"  in the journal        {kept} of {turns * count}")


def drain(written: str, steps: int, rates: Sequence[int], wanted: str, seconds: float = 8) -> None:
    """The highest offered rate at which the backlog does not grow, with every step done in the end."""
    print(f"to the end, {steps} step{'s' if steps > 1 else ''} each ({wanted})")
    for rate in rates:
        with running_module("bench.sink") as sink, running_hub(written.format(port=sink), stock=10_000_000) as hub:
            count = int(rate * seconds)
            began = time.perf_counter()
            answers = load.send(hub.port, load.requests(count, SECRET), 64, rate)
            backlog = hub.backlog()
            _until(hub.is_drained, 120)
            took = time.perf_counter() - began
            done = hub.count("SELECT count(*) FROM deliveries WHERE state = 'succeeded'")
            counts = sink_count(sink)
            print(
                f"  offered {rate}/s: acknowledged {answers.rate:.0f}/s, p99 {answers.percentile(0.99) * 1000:.0f} ms; "
                f"backlog at the end {backlog} ({backlog / rate / steps:.2f} s); "
                f"done {done} of {count * steps} in {took:.1f} s = {done / took:.0f} steps/s; "
                f"at the sink {counts['requests']}, different {counts['keys']}; {hub.memory_mb:.0f} MB"
            )


def start(turns: int = 5) -> None:
    """From the start of the process to the first 2xx."""
    times = []
    for _ in range(turns):
        with running_hub(THREE_STEPS.format(port=9)) as hub:
            times.append(hub.started_in)
    print(f"start to first 2xx, s   {_spread(times, '.2f')}")


def memory(waiting: int = 100_000) -> None:
    """Resident memory idle, and with deliveries waiting for a destination that is down."""
    # Port 9 refuses: everything waits for a retry.
    with running_hub(ONE_STEP.format(port=9)) as hub:
        time.sleep(2)
        idle = hub.memory_mb
        for part in range(10):
            load.send(hub.port, load.requests(waiting // 10, SECRET, prefix=f"p{part}x"), 32)
        _until(lambda: hub.count("SELECT count(*) FROM plannings WHERE due_at IS NOT NULL") == 0, 300)
        count = hub.count("SELECT count(*) FROM deliveries WHERE state IN ('ready', 'waiting')")
        print(f"resident memory, MB     idle {idle:.0f}, with {count} deliveries waiting {hub.memory_mb:.0f}")


def save(turns: int = 10) -> None:
    """From saving the rules file until the new rules are in force."""
    times = []
    with running_hub(NO_RULES) as hub:
        for turn in range(turns):
            began = time.perf_counter()
            (hub.folder / "rules.yaml").write_text(f"{NO_RULES}# {turn}\n")
            _until(partial(_has_versions, hub, turn + 2), 10)
            times.append(time.perf_counter() - began)
            time.sleep(0.5)
    print(f"a save is in force, s   {_spread(times, '.2f')}   (wanted: under 1)")


def _has_versions(hub: RunningHub, count: int) -> bool:
    return hub.count("SELECT count(*) FROM rule_versions") == count


def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            raise TimeoutError
        time.sleep(0.02)


def _spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


PARTS: dict[str, Callable[[], None]] = {
    "intake": intake,
    "one": lambda: drain(ONE_STEP, 1, (1000, 1500, 2000), "wanted: 1500 events/s"),
    "three": lambda: drain(THREE_STEPS, 3, (400, 670, 800), "wanted: 2000 steps/s, so 667 events/s"),
    "start": start,
    "memory": memory,
    "save": save,
    "rules": rules.main,
    "burst": stripe_side.burst,
    "thanks": stripe_side.thanks,
    "day": stripe_side.a_day,
    "console": console.main,
}


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
