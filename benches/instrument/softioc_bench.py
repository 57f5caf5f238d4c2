"""An EPICS IOC for the benchmarks, changed by poster.c: `softioc_bench.py POSTER DATABASE`.

Prints `ready`. Each line `post PV FIRST PERIOD_NS COUNT` makes changes and prints, after them, `took_ns` and the instants of the
changes, in one line: no instants for more than 100,000. It ends when its standard input does.
"""

import ctypes
import os
import sys

from softioc import asyncio_dispatcher, softioc

poster = ctypes.CDLL(sys.argv[1])
poster.post.restype = ctypes.c_int64
poster.post.argtypes = [ctypes.c_char_p, ctypes.c_double, ctypes.c_int64, ctypes.c_long, ctypes.c_void_p]
softioc.dbLoadDatabase(sys.argv[2])
softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher())
print("ready", flush=True)
for line in sys.stdin:
    _, name, first, period, count = line.split()
    count = int(count)
    posted = (ctypes.c_int64 * count)() if count <= 100_000 else None
    took = poster.post(name.encode(), float(first), int(period), count, posted)
    print(took, *(posted or ()), flush=True)
os._exit(0)
