"""Runs the checks: a server (ours or a given one), a scripted model, then every registered check in order."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import assistants_checks  # noqa: F401  each of these modules registers its checks
import keys_checks  # noqa: F401
import promotion_checks  # noqa: F401
import repeats_checks  # noqa: F401
import rest_checks  # noqa: F401
import talk_checks  # noqa: F401
import threads_checks  # noqa: F401
import workflows_checks  # noqa: F401
from model import ScriptedModel
from registry import run_checks
from server import Server
from world import World

ORDER = ("health", "config", "models", "organizations", "errors", "workflows", "promote", "assistants", "responses",
         "threads", "messages", "api_keys", "repeats")
ROOT = Path(__file__).resolve().parent.parent.parent


def main(prefixes: list[str]) -> int:
    given_url = os.environ.get("BREVET_URL")
    if given_url:
        key = os.environ.get("BREVET_KEY")
        if not key:
            print("BREVET_URL needs BREVET_KEY beside it", file=sys.stderr)
            return 2
        world = World(given_url.rstrip("/"), key, server=None, model=None)
        return finish(world, prefixes)
    with tempfile.TemporaryDirectory(prefix="brevet-sdk-check-") as folder:
        model = ScriptedModel()
        server = Server(ROOT, Path(folder), model.base_url)
        try:
            server.start()
            world = World(server.url, server.key, server=server, model=model)
            failed = finish(world, prefixes)
            if failed:
                print(f"\nthe server's last words:\n{server.tail()}", file=sys.stderr)
            return failed
        finally:
            server.stop()
            model.stop()


def finish(world: World, prefixes: list[str]) -> int:
    try:
        failed = run_checks(world, ORDER, prefixes)
    finally:
        world.clean()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
