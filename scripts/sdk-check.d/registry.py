"""The list of checks, and the loop that runs them. A check is a function of the world that raises when it is unhappy."""

from __future__ import annotations

import re
import time
import traceback
from typing import TYPE_CHECKING, Callable, Iterable, Optional

if TYPE_CHECKING:
    from world import World

Check = Callable[["World"], Optional[str]]
CHECKS: list[tuple[str, Check, bool]] = []


def check(name: str, own_server: bool = False) -> Callable[[Check], Check]:
    """Registers a check. What it returns is printed beside its name. `own_server`: only against a server that the
    script started itself, because it needs the scripted model or stops, empties or locks something."""

    def register(function: Check) -> Check:
        CHECKS.append((name, function, own_server))
        return function

    return register


def run_checks(world: "World", order: Iterable[str], prefixes: list[str]) -> int:
    """Runs all of them (or those whose names begin with one of `prefixes`) and returns how many failed."""
    places = {word: place for place, word in enumerate(order)}
    chosen = [entry for entry in CHECKS if not prefixes or any(entry[0].startswith(prefix) for prefix in prefixes)]
    chosen.sort(key=lambda entry: places[re.split(r"[ .]", entry[0])[0]])
    passed = failed = skipped = 0
    for name, function, own_server in chosen:
        if own_server and world.server is None:
            skipped += 1
            print(f"--  {name}  (needs a server of its own)", flush=True)
            continue
        begun = time.monotonic()
        try:
            note = function(world)
        except Exception as error:
            failed += 1
            print(f"not ok  {name}  {told(error)}", flush=True)
        else:
            passed += 1
            took = time.monotonic() - begun
            print(f"ok  {name}" + (f"  {note}" if note else "") + (f"  ({took:.1f} s)" if took > 1 else ""), flush=True)
    if skipped:
        print(f"{skipped} left out")
    print(f"{passed} passed, {failed} failed", flush=True)
    return failed


def told(error: Exception) -> str:
    """One line: the error, and the line of the check that it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "sdk-check.d" in frame.filename]
    place = f" [{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno} {frames[-1].line}]" if frames else ""
    text = re.sub(r"\s+", " ", str(error)) or "the assertion does not hold"
    return f"{type(error).__name__}: {text[:600]}{place}"
