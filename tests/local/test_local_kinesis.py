"""moto's Kinesis store with the replaced methods."""

import base64
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.kinesis.models import Shard

from musicrec.local import kinesis


class CountingRecords(OrderedDict):
    """A shard's records, counting how many entries were walked or looked up."""

    def __init__(self):
        super().__init__()
        self.touched = 0

    def __iter__(self):
        return self._counted(super().__iter__())

    def __reversed__(self):
        return self._counted(super().__reversed__())

    def __getitem__(self, key):
        self.touched += 1
        return super().__getitem__(key)

    def keys(self):
        """Walk the keys."""
        return list(iter(self))

    def values(self):
        """Walk the records."""
        return [self[key] for key in self]

    def items(self):
        """Walk both."""
        return [(key, self[key]) for key in self]

    def _counted(self, keys):
        for key in keys:
            self.touched += 1
            yield key


@pytest.fixture(autouse=True)
def replaced():
    kinesis.install()
    yield
    kinesis.uninstall()


def shard_with(count, size=3):
    shard = Shard(0, 0, 2**128 - 1)
    shard.records = CountingRecords()
    data = base64.b64encode(b"x" * size).decode()
    for _ in range(count):
        shard.put_record("key", data, "")
    shard.records.touched = 0
    return shard


class TestFlatness:
    @pytest.mark.parametrize("stored", [10, 10_000])
    def test_append_touches_a_constant_number_of_records(self, stored):
        """An append costs the same on a full shard as on an empty one."""
        shard = shard_with(stored)
        assert shard.put_record("key", "eHh4", "") == str(stored + 1)
        assert shard.records.touched <= 2

    @pytest.mark.parametrize("stored", [100, 10_000])
    def test_read_touches_what_it_returns(self, stored):
        """Reading ten records off the end of a shard costs ten records, not the shard."""
        shard = shard_with(stored)
        records, _, _ = shard.get_records(str(stored - 10), 1_000)
        assert len(records) == 10
        assert shard.records.touched <= 15

    def test_time_lookup_is_logarithmic(self):
        """Finding a position by time does not walk the shard."""
        shard = shard_with(10_000)
        shard.get_sequence_number_at(shard.records[5_000].created_at)
        assert shard.records.touched <= 40

    def test_moto_itself_is_not_flat(self):
        """The replacement is still needed: moto's own append walks the shard."""
        shard = shard_with(1_000)
        kinesis.uninstall()
        shard.put_record("key", "eHh4", "")
        assert shard.records.touched >= 1_000


class TestReading:
    def test_at_most_ten_thousand_records(self):
        """One read returns what GetRecords may, and the next goes on behind it."""
        shard = shard_with(10_010)
        first, position, behind = shard.get_records("0", None)
        rest, _, behind_at_end = shard.get_records(str(position), 20_000)
        assert (len(first), len(rest)) == (10_000, 10)
        assert behind >= 0
        assert behind_at_end == 0

    def test_at_most_ten_megabytes(self):
        """Large records are returned as far as they fit, and one at least."""
        shard = shard_with(12, size=1024 * 1024)
        records, _, _ = shard.get_records("0", 100)
        assert len(records) == 10

    def test_empty_shard(self):
        """Nothing is read from an empty shard, and the position stays."""
        assert shard_with(0).get_records("0", 10) == ([], 0, 0)

    @given(stored=st.integers(0, 40), last=st.integers(0, 45), limit=st.integers(1, 50))
    def test_as_moto_reads(self, stored, last, limit):
        """Below the caps, positions and limits mean what they mean in moto."""
        shard = shard_with(stored)
        found = shard.get_records(str(last), limit)
        original = kinesis._ORIGINALS[Shard, "get_records"](shard, str(last), limit)
        assert found[:2] == original[:2]

    @given(stored=st.integers(0, 30), place=st.integers(-1, 31))
    def test_time_lookup_as_moto_looks_up(self, stored, place):
        """A time names the last record before it."""
        shard = shard_with(stored)
        for number in range(1, stored + 1):
            shard.records[number].created_at = float(number // 2)
        found = shard.get_sequence_number_at(place / 2)
        assert found == kinesis._ORIGINALS[Shard, "get_sequence_number_at"](shard, place / 2)


class TestInstall:
    def test_uninstall_gives_moto_its_methods_back(self):
        """Nothing of ours stays in moto's classes."""
        assert Shard.put_record is kinesis.put_record
        kinesis.uninstall()
        assert Shard.put_record is kinesis._ORIGINALS[Shard, "put_record"]
