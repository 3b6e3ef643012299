"""A bell that its sender alone holds wakes the house that its receiver alone holds."""

import os
import select

from exod.brokers.router.doorbells import Doorbells


def test_each_ring_is_heard_once_although_nobody_reads_it() -> None:
    doorbells = Doorbells()
    house = doorbells.build(7)
    with doorbells.bell(house) as bell:
        mine = os.dup(bell)
    for _ in range(3):
        os.eventfd_write(mine, 1)
        assert len(house.poll(0)) == 1
        assert house.poll(0) == []
    os.close(mine)
    doorbells.close()


def test_a_bell_whose_sender_is_gone_is_no_longer_in_the_house() -> None:
    doorbells = Doorbells()
    house = doorbells.build(7)
    with doorbells.bell(house) as bell:
        mine = os.dup(bell)
        os.eventfd_write(mine, 1)
    os.close(mine)
    assert house.poll(0) == []
    doorbells.close()


def test_a_house_can_be_waited_for_among_others() -> None:
    doorbells = Doorbells()
    house, poll = doorbells.build(7), select.poll()
    poll.register(house, select.POLLIN)
    with doorbells.bell(house) as bell:
        assert poll.poll(0) == []
        os.eventfd_write(bell, 1)
        assert len(poll.poll(0)) == 1
    doorbells.close()


def test_who_is_gone_has_none() -> None:
    before = os.listdir("/proc/self/fd")
    doorbells = Doorbells()
    doorbells.build(7)
    doorbells.drop(7)
    doorbells.drop(7)
    assert doorbells.house(7) is None
    doorbells.build(8)
    doorbells.close()
    assert os.listdir("/proc/self/fd") == before
