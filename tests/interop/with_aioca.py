"""aioca, the asyncio client, against the server under test."""

import asyncio
import time

from cases import MANY, ask, case, chosen, only_tcp, rising, run, until_async

if chosen() == "search_over_tcp":
    only_tcp()

from aioca import (  # noqa: E402
    DBE_ALARM, DBE_PROPERTY, DBE_VALUE, DBR_CHAR_STR, DBR_CLASS_NAME, DBR_DOUBLE, DBR_ENUM_STR, DBR_STRING,
    DBR_STSACK_STRING, FORMAT_CTRL, FORMAT_TIME, CANothing, caget, cainfo, camonitor, caput, connect,
)
from epicscorelibs.ca.cadef import CAException  # noqa: E402


@case
async def get():
    first = await caget("I:DOUBLE")
    assert first >= 0 and first == int(first)
    while await caget("I:DOUBLE") == first:
        await asyncio.sleep(0.01)
    assert await caget("I:DOUBLE") > first


@case
async def get_every_type():
    for name, code in (("STRING", 0), ("SHORT", 1), ("FLOAT", 2), ("ENUM", 3), ("CHAR", 4), ("LONG", 5), ("DOUBLE", 6)):
        value = await caget(f"I:{name}", format=FORMAT_TIME)
        assert value.datatype == code and float(value) >= 0, (name, value, value.datatype)
    assert await caget("I:ENUM", datatype=DBR_ENUM_STR) in ("Idle", "Moving", "Homing", "Fault")
    assert float(await caget("I:DOUBLE", datatype=DBR_STRING)) >= 0
    assert await caget("I:DOUBLE", datatype=DBR_CLASS_NAME)
    assert (await caget("I:DOUBLE", datatype=DBR_STSACK_STRING)).severity == 0


@case
async def caget_many():
    for _ in range(5):
        values = await caget(MANY)
        assert len(values) == 100 and all(value >= 0 for value in values)


@case
async def get_with_time_stamp():
    first = await caget("I:DOUBLE", format=FORMAT_TIME)
    assert abs(time.time() - first.timestamp) < 5 and first.severity == 0
    again = first
    while again == first:
        again = await caget("I:DOUBLE", format=FORMAT_TIME)
    assert again.timestamp > first.timestamp


@case
async def get_ctrl():
    got = await caget("R:STILL", format=FORMAT_CTRL)
    assert got.units == "mm" and got.precision == 3, (got.units, got.precision)
    assert (got.lower_disp_limit, got.upper_disp_limit) == (-1000, 1000)
    assert (got.lower_ctrl_limit, got.upper_ctrl_limit) == (-1000, 1000)
    got = await caget("I:ENUM", format=FORMAT_CTRL)
    assert got.enums == ["Idle", "Moving", "Homing", "Fault"], got.enums


@case
async def get_waveform():
    got = await caget("I:WAVE", format=FORMAT_TIME)
    assert len(got) == 12500 and got[0] >= 0
    assert len(await caget("I:WAVE", count=10)) == 10


@case
async def get_that_fails():
    await caput("S:STRING", "word", wait=True)
    try:
        await caget("S:STRING", datatype=DBR_DOUBLE)
        raise AssertionError("a word is no number")
    except CANothing as error:
        assert "S:STRING" in str(error)
    assert await caget("S:STRING") == "word"


@case
async def put_with_completion():
    for name, value in (("DOUBLE", 2.5), ("FLOAT", -0.5), ("LONG", 70000), ("SHORT", -3), ("CHAR", 200), ("ENUM", 2), ("STRING", "a text")):
        await caput(f"S:{name}", value, wait=True)
        assert await caget(f"S:{name}") == value, name


@case
async def put_without_completion():
    await caput("S:LONG", 11)
    assert await caget("S:LONG") == 11, "the get is behind the put"


@case
async def put_text_to_a_number():
    await caput("S:DOUBLE", "12.5", datatype=DBR_STRING, wait=True)
    assert await caget("S:DOUBLE") == 12.5
    await caput("S:ENUM", "On", datatype=DBR_STRING, wait=True)
    assert await caget("S:ENUM") == 1


@case
async def put_that_fails():
    await caput("S:DOUBLE", 3, wait=True)
    try:
        await caput("S:DOUBLE", "word", datatype=DBR_STRING, wait=True)
        raise AssertionError("a word is no number")
    except CANothing:
        pass
    try:
        await caput("R:STILL", 1, wait=True)
        raise AssertionError("it is read-only")
    except (CANothing, CAException):
        pass
    assert await caget("S:DOUBLE") == 3 and await caget("R:STILL") == 0


@case
async def put_many():
    await caput(["S:DOUBLE", "S:LONG", "S:SHORT"], [1, 2, 3], wait=True)
    assert list(await caget(["S:DOUBLE", "S:LONG", "S:SHORT"])) == [1, 2, 3]


@case
async def put_waveform():
    await caput("S:WAVE", [1.5, 2.5], wait=True)
    assert list((await caget("S:WAVE"))[:2]) == [1.5, 2.5]
    await caput("S:TEXT", "a long text," * 8, datatype=DBR_CHAR_STR, wait=True)
    assert await caget("S:TEXT", datatype=DBR_CHAR_STR) == "a long text," * 8


@case
async def cainfo_of_a_channel():
    info = await cainfo("I:WAVE")
    assert info.count == 12500 and info.datatype == DBR_DOUBLE and info.read and info.ok, info
    assert not (await cainfo("R:STILL")).write and (await cainfo("S:DOUBLE")).write


@case
async def monitor_initial_event():
    values = []
    camonitor("R:STILL", values.append)
    await until_async(lambda: values, "the initial event")
    await asyncio.sleep(0.3)
    assert values == [0], values


@case
async def monitor_sees_every_change():
    values = []
    camonitor("I:DOUBLE", values.append, format=FORMAT_TIME, all_updates=True)
    await until_async(lambda: len(values) >= 21, "20 updates")
    assert values == list(range(int(values[0]), int(values[0]) + len(values))), values
    stamps = [value.timestamp for value in values]
    assert rising(stamps), stamps


@case
async def monitor_of_100():
    seen = [[] for _ in MANY]
    camonitor(MANY, lambda value, index: seen[index].append(value), all_updates=True)
    await until_async(lambda: all(len(values) >= 5 for values in seen), "5 updates of each")
    assert all(rising(values) for values in seen)


@case
async def two_subscriptions_and_cancel():
    one, other = [], []
    first = camonitor("I:DOUBLE", one.append, all_updates=True)
    camonitor("I:DOUBLE", other.append, datatype=DBR_STRING, all_updates=True)
    await until_async(lambda: len(one) >= 5 and len(other) >= 5, "5 updates of each")
    first.close()
    await asyncio.sleep(0.2)
    before, after = len(one), len(other)
    await until_async(lambda: len(other) >= after + 10, "updates of the one that stays")
    assert len(one) == before, f"{len(one) - before} updates of the cancelled one"


@case
async def alarm_mask():
    quiet, alarms, values = [], [], []
    camonitor("I:DOUBLE", quiet.append, events=DBE_ALARM, format=FORMAT_TIME, all_updates=True)
    camonitor("I:ALARM", alarms.append, events=DBE_ALARM, format=FORMAT_TIME, all_updates=True)
    camonitor("I:ALARM", values.append, events=DBE_VALUE, format=FORMAT_TIME, all_updates=True)
    await until_async(lambda: len(alarms) >= 5, "5 changes of alarm")
    assert len(quiet) == 1, f"{len(quiet) - 1} events without any alarm"
    severities = [value.severity for value in alarms]
    assert all(earlier != later for earlier, later in zip(severities, severities[1:])), severities
    assert len(values) > len(alarms)


@case
async def property_mask():
    properties, values = [], []
    camonitor("I:DOUBLE", properties.append, events=DBE_PROPERTY, format=FORMAT_CTRL, all_updates=True)
    camonitor("I:DOUBLE", values.append, events=DBE_VALUE, all_updates=True)
    await until_async(lambda: len(values) >= 10, "10 values")
    assert len(properties) == 1 and properties[0].units == "mm", properties


@case
async def monitor_goes_on_after_a_restart():
    values = []
    camonitor("I:LONG", values.append, all_updates=True, notify_disconnect=True)
    await until_async(lambda: len(values) >= 5, "5 updates")
    ask("@stop")
    await until_async(lambda: not values[-1].ok, "the news of the disconnection")
    values.clear()
    ask("@start")
    await until_async(lambda: len([value for value in values if value.ok]) >= 5, "5 updates")


@case
async def search_over_tcp():
    assert await caget("I:DOUBLE") >= 0
    assert len(await caget(MANY)) == 100


@case
async def unknown_name():
    try:
        await connect("I:NO:SUCH:PV", timeout=1)
        raise AssertionError("it was found")
    except CANothing:
        pass
    assert await caget("I:DOUBLE") >= 0


run()
