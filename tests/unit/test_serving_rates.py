"""How many requests a client may send, by a clock that the test sets."""

from __future__ import annotations

import pytest

from otel_verein.serving.rates import Rates, client_of


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


def test_a_burst_is_taken_and_then_one_by_one() -> None:
    """What is refused says how long it takes until the next may come."""
    clock = Clock()
    rates = Rates(per_s=2.0, burst=3, most=10, clock=clock)

    waits = [rates.take("a") for _ in range(4)]
    clock.now += 0.25
    early = rates.take("a")
    clock.now += 0.25
    then = [rates.take("a"), rates.take("a")]

    assert (waits, early, then) == ([0.0, 0.0, 0.0, 0.5], 0.25, [0.0, 0.5])


def test_one_client_takes_nothing_of_another() -> None:
    """Each has a bucket of its own."""
    rates = Rates(per_s=1.0, burst=1, most=10, clock=Clock())

    assert [rates.take(name) for name in ("a", "b", "a")] == [0.0, 0.0, 1.0]


def test_a_bucket_holds_no_more_than_a_burst() -> None:
    """However long nothing came."""
    clock = Clock()
    rates = Rates(per_s=100.0, burst=2, most=10, clock=clock)
    rates.take("a")
    clock.now += 3600

    assert [rates.take("a") for _ in range(3)] == [0.0, 0.0, 0.01]


def test_the_table_is_bounded_and_forgets_the_longest_silent() -> None:
    """One that is forgotten begins anew; the others do not."""
    rates = Rates(per_s=1.0, burst=1, most=2, clock=Clock())

    waits = [rates.take(name) for name in ("a", "b", "a", "c", "a", "b")]

    assert (waits, len(rates)) == ([0.0, 0.0, 1.0, 0.0, 1.0, 0.0], 2)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("socket", "socket"),
    ],
)
def test_a_client_is_an_address_or_the_network_it_may_choose_from(address: str, expected: str) -> None:
    """A network of IPv6 is one client, or each of its addresses would have a burst."""
    assert client_of(address) == expected
