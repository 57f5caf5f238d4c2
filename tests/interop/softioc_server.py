"""An EPICS IOC with the records of reference.db, and those that need a program: waveforms and many at once.

Listens where EPICS_CAS_SERVER_PORT says; prints `ready` and ends when its standard input does.
"""

import ctypes
import os
import sys
import threading
import time

import numpy
from epicscorelibs import path
from softioc import asyncio_dispatcher, builder, softioc

HERE = os.path.dirname(os.path.abspath(__file__))

builder.SetDeviceName("I")
waves = [builder.WaveformIn("WAVE", length=12500, datatype=float, EGU="V")]
many = [builder.aIn(f"MANY{i:02d}") for i in range(100)]
fast = [builder.aIn(f"FAST{i:02d}") for i in range(20)]
builder.LoadDatabase()
softioc.dbLoadDatabase("reference.db", HERE)
ctypes.CDLL(path.get_lib("dbCore")).asSetFilename(os.path.join(HERE, "reference.acf").encode())
softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher())


def change(records, period, value_of):
    seq = 0
    while True:
        seq += 1
        for record in records:
            record.set(value_of(seq))
        time.sleep(period)


def wave(seq):
    value = numpy.zeros(12500)
    value[0] = seq
    return value


for records, period, value_of in ((waves, 0.1, wave), (many, 0.1, float), (fast, 0.02, float)):
    threading.Thread(target=change, args=(records, period, value_of), daemon=True).start()

print("ready", flush=True)
sys.stdin.read()
os._exit(0)
