from __future__ import annotations

import asyncio

import pytest

from adaptline.deploy.errors import RefusedError
from adaptline.deploy.limits import Memory, Slots


def test_slots_are_given_in_order_and_never_lost() -> None:
    async def main() -> None:
        slots, order = Slots(1, 3), []

        async def work(number: int) -> None:
            await slots.take()
            order.append(number)
            await asyncio.sleep(0)
            slots.give()

        await slots.take()
        tasks = [asyncio.create_task(work(number)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError) as caught:
            await slots.take()
        assert (caught.value.status, caught.value.retry_after) == (429, 1)
        tasks[1].cancel()
        slots.give()
        tasks[0].cancel()  # its turn has come already: it goes on to the next
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [2]
        assert (slots.busy, len(slots.waiting)) == (0, 0)

    asyncio.run(main())


def test_memory_is_held_and_given_back() -> None:
    memory = Memory(100)
    first = memory.hold(60)
    with pytest.raises(RefusedError) as caught:
        memory.hold(41)
    assert (caught.value.status, caught.value.retry_after, memory.held) == (429, 1, 60)
    assert memory.hold(40) == 40
    memory.let(first)
    assert memory.held == 40
