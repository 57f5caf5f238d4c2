"""A caproto IOC with the records of scenario.toml that our own client's cases look at.

Listens where EPICS_CA_SERVER_PORT says; prints `ready` and ends when its standard input does.
"""

import os
import sys
import threading

from caproto import ChannelDouble, ChannelEnum, ChannelFloat, ChannelInteger, ChannelShort, ChannelString, ChannelByte
from caproto.server import run

LIMITS = {
    "units": "mm", "precision": 3, "lower_disp_limit": -1000, "upper_disp_limit": 1000, "lower_ctrl_limit": -1000,
    "upper_ctrl_limit": 1000,
}

wave = ChannelDouble(value=[0.0] * 12500, max_length=12500)
counters = {f"I:MANY{i:02d}": ChannelDouble(value=0.0) for i in range(100)}
counters["I:DOUBLE"] = ChannelDouble(value=0.0)
pvdb = {
    "I:WAVE": wave,
    "R:STILL": ChannelDouble(value=0.0, **LIMITS),
    "S:DOUBLE": ChannelDouble(value=0.0),
    "S:FLOAT": ChannelFloat(value=0.0),
    "S:LONG": ChannelInteger(value=0),
    "S:SHORT": ChannelShort(value=0),
    "S:CHAR": ChannelByte(value=b"\0", max_length=1),
    "S:ENUM": ChannelEnum(value="Off", enum_strings=["Off", "On", "Tripped"]),
    "S:STRING": ChannelString(value=""),
    **counters,
}


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


async def change(async_lib):
    print("ready", flush=True)
    seq = 0
    while True:
        seq += 1
        for counter in counters.values():
            await counter.write(float(seq))
        await wave.write([float(seq)] + [0.0] * 12499)
        await async_lib.library.sleep(0.1)


threading.Thread(target=end_with_stdin, daemon=True).start()
run(pvdb, interfaces=["127.0.0.1"], startup_hook=change, log_pv_names=False)
