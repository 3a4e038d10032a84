"""Files of every format that is read, and what damage makes of them; as a program, a campaign over many of them.

    python -m tests.properties.traces.mutated_files --files 1000000 --seconds 180

Each file is read, some are judged, and texts go to the reader of pasted octets. An exception that is no sentence for
the user ends the campaign with the file. At the end: files, the longest time of one, the most memory.
"""

import argparse
import random
import resource
import sys
import time
from pathlib import Path

from tests.capture_files import packets_of, pcap, pcapng, segments_of
from tests.properties.traces.test_follow import SAID, STREAMS
from tests.properties.traces.test_messages import (
    ANSWERED,
    ASKED,
    HAR_MESSAGES,
    LOGGED,
    MITM_MESSAGES,
    event,
    flow,
    har,
    net_log,
)
from tests.properties.traces.test_pasted import dump, hexdump, tcpdump, words, xxd
from wsoracle.properties.traces.pasted import octets_of
from wsoracle.properties.traces.recorded import TraceError
from wsoracle.properties.traces.registry import read_file

_SENT = segments_of([*SAID, (True, "FIN"), (False, "FIN")], [50, 20, 90])
_PACKETS = packets_of(_SENT)
SEEDS = (
    pcap(_PACKETS),
    pcap(packets_of(_SENT, "cooked2"), order=">", nano=True),
    pcapng(_PACKETS),
    pcapng([*packets_of(_SENT, "vlan"), *packets_of(_SENT, "null", (41000, 80))], order=">"),
    *(text.encode() for text in STREAMS.values()),
    "".join(f"IP a > b\n{dump(tcpdump, octets)}\n" for _, octets in packets_of(_SENT, "raw")).encode(),
    har(ASKED, ANSWERED, HAR_MESSAGES),
    flow(ASKED, ANSWERED, MITM_MESSAGES),
    net_log([event(kind, octets) for kind, octets in LOGGED]),
    dump(xxd, bytes(range(60))).encode(),
    dump(hexdump, bytes(40)).encode() + b"\n*\n00000100\n",
    dump(words, bytes(range(60))).encode(),
    b"b'\\x81\\x05Hello'",
    b"<Buffer 81 05 48 65 6c 6c 6f>",
    b"Uint8Array(7) [129, 5, 0x48, 101, 108, 108, 111]",
    b"gQVIZWxsbw==",
)
"""A small file of each format."""

_EDGES = (
    b"\0",
    b"\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\n",
    b"*",
    b"[",
    b"{",
    b"0",
)


def mutated(octets: bytes, chance: random.Random) -> bytes:
    """A file with some damage: octets changed, left out, doubled, cut off, or put in from another file."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(octets) + 1)
        size = chance.choice((1, 1, 2, 4, 16, 100))
        match chance.randrange(7):
            case 0:
                octets = octets[:at] + bytes([chance.randrange(256)]) + octets[at + 1 :]
            case 1:
                octets = octets[:at]
            case 2:
                octets = octets[:at] + octets[at + size :]
            case 3:
                octets = octets[: at + size] + octets[at:]
            case 4:
                edge = chance.choice(_EDGES)
                octets = octets[:at] + edge + octets[at + len(edge) :]
            case 5:
                other = chance.choice(SEEDS)
                begin = chance.randrange(len(other))
                octets = octets[:at] + other[begin : begin + 10 * size] + octets[at:]
            case _:
                octets = octets[:at] + chance.choice(_EDGES) + octets[at:]
    return octets


def tried(octets: bytes, *, judges: bool) -> bool:
    """Read a file as `judge` and as `explain` do; whether it held traces. Any exception but theirs goes on."""
    try:
        octets_of(octets.decode("latin-1"))
    except ValueError as error:
        assert not isinstance(error, UnicodeError) and "\n" not in str(error), octets
    try:
        found = read_file(octets)
    except TraceError as error:
        assert str(error) and "\n" not in str(error), octets
        return False
    if judges:
        for trace in found.traces:
            trace.recorded.judged()
    return True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3600.0, help="of CPU, at the most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--judge-every", type=int, default=100)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    longest, read, number = 0.0, 0, 0
    begin = time.process_time()
    for number in range(1, options.files + 1):
        octets = mutated(chance.choice(SEEDS), chance)
        before = time.process_time()
        try:
            read += tried(octets, judges=number % options.judge_every == 0)
        except BaseException:
            Path("mutated.bin").write_bytes(octets)
            print(f"file {number} is in mutated.bin", file=sys.stderr)
            raise
        after = time.process_time()
        longest = max(longest, after - before)
        if after - begin > options.seconds:
            break
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    spent = time.process_time() - begin
    print(f"{number:,} files, {read:,} with traces, {spent:.0f} s of CPU")
    print(f"longest {longest:.2f} s, {memory} MiB at the most")


if __name__ == "__main__":
    main()
