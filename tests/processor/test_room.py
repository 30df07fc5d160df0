from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event, Lock

import pytest

from musicrec.processor.room import Room


class TestHolding:
    def test_what_fits_is_held_at_once(self):
        """Two pieces of half the size do not wait for each other."""
        room = Room(10)
        with room.holding(5), room.holding(5):
            pass

    @pytest.mark.parametrize("second", [6, 40])
    def test_what_does_not_fit_waits(self, second):
        """A piece too many is held once there is room, one larger than all room once it is empty."""
        room, begun = Room(10), Event()

        def work():
            with room.holding(second):
                begun.set()

        with ThreadPoolExecutor(1) as pool:
            with room.holding(5):
                done = pool.submit(work)
                assert not begun.wait(0.05)
            done.result(timeout=10)
        assert begun.is_set()

    def test_a_piece_that_fails_leaves_its_room(self):
        """Room that was taken by what raised is free again."""
        room = Room(10)
        with pytest.raises(ValueError, match="x"), room.holding(10):
            raise ValueError("x")
        with room.holding(10):
            pass

    def test_never_more_than_fits(self):
        """Whatever the sizes, what is held together fits, or is one piece alone."""
        room, lock, held, seen = Room(10), Lock(), [], []

        def work(size):
            with room.holding(size):
                with lock:
                    held.append(size)
                    seen.append(tuple(held))
                with lock:
                    held.remove(size)

        random = Random(1)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, [random.randint(0, 14) for _ in range(400)]))
        assert len(seen) == 400
        assert all(sum(sizes) <= 10 or len(sizes) == 1 for sizes in seen)
