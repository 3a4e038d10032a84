"""The client protocol of Autobahn's fuzzing server, for the client scripts beside this file.

Call a client as ``SCRIPT URL AGENT``: it asks how many cases there are, runs each, and has the reports written.
A case that ends in an exception of the library is an answer too: it is printed, and the next case follows.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import quote


def addresses() -> tuple[str, Callable[[int], Iterator[str]]]:
    """The address of the number of cases, and a function from that number to all addresses, in order."""
    base, agent = sys.argv[1].rstrip("/"), quote(sys.argv[2])

    def rest(count: int) -> Iterator[str]:
        for case in range(1, count + 1):
            yield f"{base}/runCase?case={case}&agent={agent}"
        yield f"{base}/updateReports?agent={agent}"

    return f"{base}/getCaseCount", rest


def run(ask: Callable[[str], str], echo: Callable[[str], None]) -> None:
    """Go through all cases: `ask` returns the first message of a connection, `echo` echoes until it has ended."""
    count, rest = addresses()
    for url in rest(int(ask(count))):
        try:
            echo(url)
        except Exception as error:
            print(f"{url}: {error!r}", flush=True)


async def run_async(ask: Callable[[str], Awaitable[str]], echo: Callable[[str], Awaitable[None]]) -> None:
    """Go through all cases: the same, for coroutines."""
    count, rest = addresses()
    for url in rest(int(await ask(count))):
        try:
            await echo(url)
        except Exception as error:
            print(f"{url}: {error!r}", flush=True)
