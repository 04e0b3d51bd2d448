"""Waiting for a condition instead of for a time: every wait has a deadline and says what it waited for."""

import os
import time

SCALE = float(os.environ.get("GREENWAY_TEST_SCALE", "1"))

# The longest that any single wait may take; a sanitizer build stretches it.
PATIENCE = 15 * SCALE

# Large transfers and long runs shrink where every instruction is instrumented.
SMALL = os.environ.get("GREENWAY_TEST_SMALL") == "1"


def wait_for(condition, what, seconds=PATIENCE):
    """Polls until condition() is true and returns its value; the test fails with `what` otherwise."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %.1f s in vain for: %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.005)


def settled(sample, seconds=0.5):
    """Polls sample() until it has not changed for a while, and returns it: how far a stalled stream got."""
    end = time.monotonic() + PATIENCE * 2
    value, since = sample(), time.monotonic()
    while time.monotonic() - since < seconds:
        if time.monotonic() > end:
            raise AssertionError("never came to rest: %r" % (value,))
        time.sleep(0.01)
        now = sample()
        if now != value:
            value, since = now, time.monotonic()
    return value
