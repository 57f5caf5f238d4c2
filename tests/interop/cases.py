"""Runs one case of a client's script: `python with_pyepics.py CASE`. A case that fails raises."""

import asyncio
import inspect
import os
import sys
import time

PATIENCE = 20.0
MANY = [f"I:MANY{i:02d}" for i in range(100)]

_cases = {}


def case(test):
    """Marks a case; main.rs reads the names of the marked functions."""
    _cases[test.__name__] = test
    return test


def chosen():
    """The case that this run is for: some must set up the environment before a library is loaded."""
    return sys.argv[1]


def only_tcp():
    """Search over TCP alone, as EPICS_CA_NAME_SERVERS makes a client do."""
    os.environ["EPICS_CA_NAME_SERVERS"] = os.environ["EPICS_CA_ADDR_LIST"]
    os.environ["EPICS_CA_ADDR_LIST"] = ""


def until(condition, what):
    """Waits for what other threads bring about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.005)


async def until_async(condition, what):
    """Waits for what other tasks bring about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        await asyncio.sleep(0.005)


def ask(what):
    """Has the server stopped (`@stop`) or started again on the same port (`@start`)."""
    print(what, flush=True)
    assert sys.stdin.readline(), f"no answer to {what}"


def rising(values):
    """Whether no value is older than the one before."""
    return all(earlier <= later for earlier, later in zip(values, values[1:]))


def run():
    test = _cases[chosen()]
    if inspect.iscoroutinefunction(test):
        asyncio.run(test())
    else:
        test()
    sys.stdout.flush()
    # Without the libraries' own clean-up, which takes seconds and is not what is tested.
    os._exit(0)
