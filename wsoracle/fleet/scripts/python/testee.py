"""The client protocol of Autobahn's fuzzing server, for the client scripts beside this file.

Call a client as ``SCRIPT URL AGENT``: it asks how many cases there are, runs each, opens what wsoracle asks it to open
besides (/getProbes), and has the reports written. With WSORACLE_PROBES=0 it opens nothing besides: Autobahn takes any
other path for that of a person who gives commands, and answers nothing. A case that ends in an exception of the library
is an answer too: it is printed, and the next case follows.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from threading import Thread
from urllib.parse import quote


def addresses() -> tuple[str, Callable[[int], Iterator[str]]]:
    """The address of the number of cases, and a function from that number to all addresses, in order."""
    base, agent = sys.argv[1].rstrip("/"), quote(sys.argv[2])

    def rest(count: int) -> Iterator[str]:
        for case in range(1, count + 1):
            yield f"{base}/runCase?case={case}&agent={agent}"
        yield f"{base}/updateReports?agent={agent}"

    return f"{base}/getCaseCount", rest


def probes_address() -> str:
    """The address of what is to be opened besides: a list of objects, whose uris are opened at the same time. Empty
    where there is to be nothing."""
    if os.environ.get("WSORACLE_PROBES") == "0":
        return ""
    return f"{sys.argv[1].rstrip('/')}/getProbes?agent={quote(sys.argv[2])}"


def run(ask: Callable[[str], str], echo: Callable[[str], None]) -> None:
    """Go through all cases: `ask` returns the first message of a connection, `echo` echoes until it has ended."""
    count, rest = addresses()

    def attempt(url: str) -> None:
        try:
            echo(url)
        except Exception as error:
            print(f"{url!a}: {error!r}", flush=True)

    *cases, update = rest(int(ask(count)))
    for url in cases:
        attempt(url)
    try:
        probes = json.loads(ask(address)) if (address := probes_address()) else []
    except Exception:  # the libraries differ
        probes = []
    for probe in probes:
        threads = [Thread(target=attempt, args=(uri,)) for uri in probe["uris"]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    attempt(update)


async def gather(attempt: Callable[[str], Awaitable[None]], uris: list[str]) -> None:
    """Open all at the same time."""
    await asyncio.gather(*map(attempt, uris))


async def run_async(
    ask: Callable[[str], Awaitable[str]],
    echo: Callable[[str], Awaitable[None]],
    gather: Callable[[Callable[[str], Awaitable[None]], list[str]], Awaitable[None]] = gather,
) -> None:
    """Go through all cases: the same, for coroutines."""
    count, rest = addresses()

    async def attempt(url: str) -> None:
        try:
            await echo(url)
        except Exception as error:
            print(f"{url!a}: {error!r}", flush=True)

    *cases, update = rest(int(await ask(count)))
    for url in cases:
        await attempt(url)
    try:
        probes = json.loads(await ask(address)) if (address := probes_address()) else []
    except Exception:  # the libraries differ
        probes = []
    for probe in probes:
        await gather(attempt, probe["uris"])
    await attempt(update)
