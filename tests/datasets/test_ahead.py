from threading import Event, current_thread

import pytest

from musicrec.datasets.ahead import ahead


class TestAhead:
    @pytest.mark.parametrize("count", [0, 1, 5])
    def test_gives_the_same_items(self, count):
        """In the same order, each once, None too."""
        items = [None, *range(count)]
        assert list(ahead(iter(items))) == items
        assert list(ahead(iter(items[1:]))) == items[1:]

    def test_makes_the_next_one_meanwhile(self):
        """While an item is used, the next one is made, in another thread."""
        second = Event()

        def made():
            yield current_thread().name
            second.set()
            yield current_thread().name

        items = ahead(made())
        assert next(items) != current_thread().name
        assert second.wait(10)
        items.close()

    def test_not_more_than_one(self):
        """Memory holds the item in use and the next one."""
        begun = []
        items = ahead(begun.append(number) or number for number in range(10))
        assert next(items) == 0
        assert next(items) == 1
        items.close()
        assert len(begun) <= 3

    def test_an_error_comes_in_its_place(self):
        """What was made before it is given first."""

        def broken():
            yield 1
            raise ValueError("the second")

        items = ahead(broken())
        assert next(items) == 1
        with pytest.raises(ValueError, match="the second"):
            next(items)
