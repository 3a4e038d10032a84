"""How many connections a run holds at a time: no more than the server answers at once."""

from __future__ import annotations

import asyncio

import pytest

from wsoracle.harness.client import Lanes


async def against(serves: int, most: int, conversations: int) -> tuple[int, int]:
    """Conversations with a server that answers so many at a time: the seats at the end, and the most that were open."""
    lanes, free, taken, peak = Lanes(most), asyncio.Semaphore(serves), 0, 0

    async def talk() -> None:
        nonlocal taken, peak
        await lanes.take()
        taken += 1
        peak = max(peak, taken)
        async with free:
            lanes.answered()
            for _ in range(3):
                await asyncio.sleep(0)
        taken -= 1
        lanes.give_back(True)

    await asyncio.gather(*(talk() for _ in range(conversations)))
    return lanes.limit, peak


@pytest.mark.parametrize("most", [1, 2, 3, 16, 64])
def test_who_serves_all_gets_all(most: int) -> None:
    assert asyncio.run(against(1000, most, 8 * most)) == (most, most)


@pytest.mark.parametrize("serves", [1, 2, 4, 6])
def test_who_serves_few_gets_few(serves: int) -> None:
    limit, peak = asyncio.run(against(serves, 16, 400))
    assert limit == serves and peak <= 2 * serves + 1


def test_who_refuses_one_gets_as_many_as_it_has_answered() -> None:
    async def run() -> list[int]:
        lanes, seen = Lanes(16), []
        for _ in range(2):
            await lanes.take()
        lanes.answered()
        lanes.answered()
        seen.append(lanes.limit)
        lanes.give_back(True)
        lanes.fewer()
        seen.append(lanes.limit)
        lanes.give_back(True)
        lanes.fewer()
        return [*seen, lanes.limit]

    assert asyncio.run(run()) == [4, 1, 1]
