"""``hub serve`` and ``hub work``: the processes that run."""

from __future__ import annotations

import gc
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hub import demo
from hub.app import Hub, Worker, open_hub
from hub.cli.greeting import greeting
from hub.cli.problems import in_words
from hub.clock import SystemClock
from hub.engine.intake import Intake
from hub.errors import RulesError, StorageError
from hub.log import get_logger, hide, set_up
from hub.rules.shop import Shop
from hub.settings import Environment, read_settings, unknown_settings
from hub.store import facts
from hub.watching import FileWatch
from hub.web.api import table as api
from hub.web.console.pages import Console
from hub.web.metrics import Metrics
from hub.web.server import Server, listen
from hub.web.site import Site
from hub.web.thanks import Thanks
from hub.web.webhook import Webhook

log = get_logger(__name__)

NoDispatch = Annotated[bool, typer.Option("--no-dispatch", help="Only take webhooks; hub work plans and delivers.")]
Strict = Annotated[bool, typer.Option("--strict", help="Do not start while any rule is held.")]


def serve(no_dispatch: NoDispatch = False, strict: Strict = False) -> None:
    """Take webhooks, plan and deliver, all in one process."""
    _tune()
    with _started(strict) as hub:
        settings = hub.settings
        _make_folder(settings.data_dir)
        secrets = (demo.make_secret(settings),) if settings.is_demo else settings.webhook_secrets
        hide(*secrets)
        listener = listen(settings.host, settings.port)
        worker = None if no_dispatch else Worker(hub)
        metrics = Metrics()

        def stored() -> None:
            if worker is not None:
                worker.dispatcher.wake()
            hub.database.announce()

        intake = Intake(hub.database, hub.clock, stored)
        webhook = Webhook(intake, secrets, SystemClock(), metrics)
        port = listener.getsockname()[1]
        place = partial(demo.place_order, settings, port) if settings.is_demo else None
        console = Console(hub, metrics, stored, place)
        thanks = _thanks(hub, intake)
        site = Site(
            webhook, hub.database, hub.clock, metrics, [*thanks.routes, *console.routes, api.mounted(console.desk)]
        )
        greet = threading.Thread(target=greeting, args=(hub, port, console.start_link()), daemon=True)
        with _working(hub, worker):
            Server(site, listener, greet.start, console.close).serve_here()


def _make_folder(folder: Path) -> None:
    """Connectors keep files there: better told now than by the first order."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(
            f"The data folder {folder} cannot be written ({error.strerror}).",
            "Allow writing there, or choose another HUB_DATA_DIR.",
        ) from None


def _thanks(hub: Hub, intake: Intake) -> Thanks:
    def shop() -> Shop:
        return hub.rulebook.current[1].shop

    folder = hub.settings.rules.resolve().parent
    return Thanks(hub.database, hub.contexts, intake, hub.clock, hub.stripe, hub.rulebook.accounts, shop, folder)


def _tune() -> None:
    """Python's defaults suit scripts; this process handles bursts of small objects in several threads."""
    # Threads that plan and render let the one that answers Stripe have its turn sooner than after 5 ms.
    sys.setswitchinterval(0.001)
    # Every event is a few hundred short-lived objects and no cycle: look for cycles a hundredth as often.
    gc.set_threshold(50_000, 50, 50)


def work(strict: Strict = False) -> None:
    """Plan and deliver only; several of these share the work of one PostgreSQL database."""
    _tune()
    with _started(strict) as hub:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with _working(hub, Worker(hub)):
            log.info("working", database=hub.database.dialect)
            stop.wait()


@contextmanager
def _started(strict: bool) -> Iterator[Hub]:
    """Settings read, logging set up, database open, rules in force; whatever is wrong ends in one sentence."""
    environment = Environment()
    settings = read_settings(environment)
    set_up(settings.log_format)
    for sentence in unknown_settings(environment):
        log.warning(sentence)
    if settings.has_full_key:
        log.warning("STRIPE_API_KEY may do everything: a restricted key (rk_…) that may only read is enough.")
    hub = open_hub(settings, environment)
    try:
        # Also where nothing is planned: what arrives from now on is not from before the hub.
        hub.database.write(lambda connection: facts.first_start(connection, hub.clock.now())).result()
        _load_rules(hub, strict)
        yield hub
    finally:
        hub.close()


def _load_rules(hub: Hub, strict: bool) -> None:
    loaded = hub.rulebook.load()
    if loaded.ruleset is None:
        raise RulesError(in_words(loaded.problems), "Correct this and start again;  hub check  says the same.")
    rehearses = hub.settings.is_demo
    held = {
        rule.name: rule.held.reason
        for rule in loaded.ruleset.rules
        if rule.held is not None and not (rehearses and rule.held.missing_connection)
    }
    for name, reason in held.items():
        log.warning("rule held", rule=name, reason=reason)
    if strict and held:
        names = ", ".join(f"“{name}”" for name in held)
        raise RulesError(
            f"These rules are held: {names}.", "Correct them ( hub check  says how), or start without --strict."
        )


@contextmanager
def _working(hub: Hub, worker: Worker | None) -> Iterator[None]:
    """The worker at work, if there is one, and the rules file watched."""

    def changed() -> None:
        _reload(hub, worker)

    watch = FileWatch(hub.rulebook.paths, changed)
    if worker is not None:
        worker.start()
    watch.start()
    try:
        yield
    finally:
        watch.stop()
        if worker is not None:
            worker.stop()


def _reload(hub: Hub, worker: Worker | None) -> None:
    """Takes a saved rules file into force; a broken one is told and changes nothing."""
    before = hub.rulebook.current[1].digest
    try:
        loaded = hub.rulebook.load()
    except RulesError as error:
        log.error("the rules file is gone; the rules of before stay in force", reason=error.message)
        return
    if loaded.ruleset is None:
        log.error("the rules file is broken; the rules of before stay in force", problems=in_words(loaded.problems))
    elif loaded.ruleset.digest != before:
        log.info("rules loaded", digest=loaded.ruleset.digest[:12], rules=len(loaded.ruleset.rules))
        if worker is not None:
            worker.reload()
