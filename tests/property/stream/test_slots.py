"""Priority slots under any order of asking, granting, cancelling and giving back."""

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stream.slots import Priority, Slots
from tests.property.stream.logs import RUNS

LOWER = (Priority.BACKFILL, Priority.RESUMMARISE)


class Caller:
    """Somebody who wants a slot; knows of it only once it has run."""

    def __init__(self, slots: Slots, priority: Priority, loop: asyncio.AbstractEventLoop) -> None:
        self.priority = priority
        self.has_slot = False
        self._slots = slots
        self.task = loop.create_task(self._take())

    async def _take(self) -> None:
        await self._slots.acquire(self.priority)
        self.has_slot = True

    @property
    def is_waiting(self) -> bool:
        return not self.task.done()


class SlotsMachine(RuleBasedStateMachine):
    """The loop runs only where a rule says so: grants, releases and cancellations meet between its turns."""

    @initialize(num_slots=st.integers(1, 5), share=st.floats(0, 1))
    def start(self, num_slots: int, share: float) -> None:
        self.loop = asyncio.new_event_loop()
        self.num_slots = num_slots
        self.num_reserved = int(share * (num_slots - 1))
        self.slots = Slots(num_slots, num_reserved=self.num_reserved)
        self.callers: list[Caller] = []
        self.served: dict[Priority, list[Caller]] = {priority: [] for priority in Priority}
        self.is_settled = True

    def teardown(self) -> None:
        for caller in self.callers:
            caller.task.cancel()
        self._turn(5)
        self.loop.close()

    def _turn(self, times: int) -> None:
        for _ in range(times):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
        for caller in self.callers:
            if caller.has_slot and caller not in self.served[caller.priority]:
                self.served[caller.priority].append(caller)

    def _waiting(self, *priorities: Priority) -> list[Caller]:
        return [caller for caller in self.callers if caller.is_waiting and caller.priority in priorities]

    @rule(priority=st.sampled_from(Priority))
    def ask(self, priority: Priority) -> None:
        self.callers.append(Caller(self.slots, priority, self.loop))
        self.is_settled = False

    @precondition(lambda self: any(caller.is_waiting for caller in self.callers))
    @rule(index=st.integers(0, 20))
    def cancel(self, index: int) -> None:
        waiting = [caller for caller in self.callers if caller.is_waiting]
        waiting[index % len(waiting)].task.cancel()
        self.is_settled = False

    @precondition(lambda self: any(caller.has_slot for caller in self.callers))
    @rule(index=st.integers(0, 20))
    def give_back(self, index: int) -> None:
        holding = [caller for caller in self.callers if caller.has_slot]
        caller = holding[index % len(holding)]
        caller.has_slot = False
        self.slots.release(caller.priority)
        self.is_settled = False

    @rule(times=st.sampled_from([1, 4]))
    def turn(self, times: int) -> None:
        self._turn(times)
        self.is_settled = times > 1

    @invariant()
    def no_slot_is_lost_or_doubled(self) -> None:
        held = [self.slots.num_held(priority) for priority in Priority]
        assert self.slots.num_free + sum(held) == self.num_slots
        assert self.slots.num_free >= 0
        if self.is_settled:
            known = [sum(c.has_slot for c in self.callers if c.priority is priority) for priority in Priority]
            assert held == known

    @invariant()
    def the_reserve_is_never_held_by_lower_priorities(self) -> None:
        assert sum(self.slots.num_held(priority) for priority in LOWER) <= self.num_slots - self.num_reserved

    @invariant()
    def live_work_waits_for_held_slots_only(self) -> None:
        if self.is_settled and self._waiting(Priority.LIVE):
            assert self.slots.num_free == 0

    @invariant()
    def what_live_work_leaves_is_used(self) -> None:
        if not self.is_settled or self._waiting(Priority.LIVE):
            return
        num_lower = sum(self.slots.num_held(priority) for priority in LOWER)
        if self.slots.num_free and num_lower < self.num_slots - self.num_reserved:
            assert not self._waiting(*LOWER)

    @invariant()
    def first_come_first_served(self) -> None:
        if not self.is_settled:
            return
        for priority, served in self.served.items():
            asked = [caller for caller in self.callers if caller.priority is priority]
            assert served == [caller for caller in asked if caller in served]
            if served:  # nobody who asked before the last one served still waits
                assert not any(caller.is_waiting for caller in asked[: asked.index(served[-1])])


TestSlots = SlotsMachine.TestCase
TestSlots.settings = settings(RUNS, stateful_step_count=40)


def test_live_work_takes_the_next_slot_however_long_others_wait() -> None:
    """A lower priority that asked long before is passed by every live caller, and served when none waits."""

    async def run() -> list[str]:
        slots, order = Slots(1), []

        async def work(name: str, priority: Priority) -> None:
            await slots.acquire(priority)
            order.append(name)
            await asyncio.sleep(0)
            slots.release(priority)

        await slots.acquire(Priority.LIVE)
        names = [("re", Priority.RESUMMARISE), ("back", Priority.BACKFILL), ("live 1", Priority.LIVE)]
        tasks = [asyncio.create_task(work(*entry)) for entry in [*names, ("live 2", Priority.LIVE)]]
        await asyncio.sleep(0)
        slots.release(Priority.LIVE)
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(run()) == ["live 1", "live 2", "back", "re"]
