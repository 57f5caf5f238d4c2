"""pyepics, as people use it, against the server under test."""

import ctypes
import threading
import time

from cases import MANY, ask, case, chosen, only_tcp, rising, run, until

if chosen() == "search_over_tcp":
    only_tcp()

import epics  # noqa: E402
from epics import ca, dbr  # noqa: E402


def pv(name, **options):
    made = epics.PV(name, **options)
    assert made.wait_for_connection(timeout=10), f"{name} did not connect"
    return made


def channel(name):
    made = ca.create_channel(name)
    assert ca.connect_channel(made, timeout=10), f"{name} did not connect"
    return made


@case
def get():
    first = pv("I:DOUBLE").get()
    assert first >= 0 and first == int(first)
    until(lambda: epics.caget("I:DOUBLE") > first, "a later value")


@case
def get_every_type():
    for name, kind in (
        ("DOUBLE", "double"), ("FLOAT", "float"), ("LONG", "long"), ("SHORT", "short"), ("CHAR", "char"),
        ("ENUM", "enum"), ("STRING", "string"),
    ):
        got = pv(f"I:{name}")
        value = got.get()
        assert got.type == f"time_{kind}", got.type
        assert float(value) >= 0, value
    state = pv("I:ENUM")
    assert state.enum_strs == ("Idle", "Moving", "Homing", "Fault"), state.enum_strs
    assert state.get(as_string=True) in state.enum_strs


@case
def get_as_text():
    text = ca.get(channel("R:STILL"), ftype=dbr.STRING)
    assert text == "0.000", text


@case
def get_with_time_stamp():
    made = pv("I:DOUBLE")
    got = made.get_with_metadata(form="time", use_monitor=False)
    assert abs(time.time() - got["timestamp"]) < 5, got
    assert got["status"] == 0 and got["severity"] == 0, got
    again = {}

    def later():
        again.update(made.get_with_metadata(form="time", use_monitor=False))
        return again["value"] > got["value"]

    until(later, "a later value")
    assert again["timestamp"] > got["timestamp"], (got, again)


@case
def get_ctrl():
    got = pv("R:STILL").get_ctrlvars()
    assert got["units"] == "mm" and got["precision"] == 3, got
    assert (got["lower_disp_limit"], got["upper_disp_limit"]) == (-1000, 1000), got
    assert (got["lower_ctrl_limit"], got["upper_ctrl_limit"]) == (-1000, 1000), got
    got = pv("I:ALARM").get_ctrlvars()
    limits = [got[key] for key in ("lower_alarm_limit", "lower_warning_limit", "upper_warning_limit", "upper_alarm_limit")]
    assert limits == [2, 3, 28, 40], got


@case
def caget_many():
    for _ in range(5):
        values = epics.caget_many(MANY)
        assert len(values) == 100 and all(value is not None and value >= 0 for value in values), values


@case
def get_waveform():
    got = pv("I:WAVE").get()
    assert len(got) == 12500 and got[0] >= 0 and not got[1:].any()
    assert len(pv("I:WAVE").get(count=10)) == 10


@case
def put_without_completion():
    made = pv("S:DOUBLE")
    made.put(1.25)
    until(lambda: made.get(use_monitor=False) == 1.25, "the value that was put")


@case
def put_with_completion():
    for name, value in (("DOUBLE", 2.5), ("FLOAT", -0.5), ("LONG", 70000), ("SHORT", -3), ("CHAR", 200), ("ENUM", 2), ("STRING", "a text")):
        made = pv(f"S:{name}")
        assert made.put(value, wait=True, timeout=10) == 1, name
        assert made.get(use_monitor=False) == value, (name, made.get())


@case
def put_with_callback():
    done = threading.Event()
    pv("S:LONG").put(17, callback=lambda **_: done.set())
    assert done.wait(10), "no callback"
    assert epics.caget("S:LONG") == 17


@case
def put_text_to_a_number():
    """As `caput` does; pyepics itself converts to the native type first."""
    for name, put, got in (("S:DOUBLE", b"12.5", 12.5), ("S:LONG", b"-42", -42), ("S:ENUM", b"On", 1)):
        made, text = channel(name), (ctypes.c_char * 40)()
        text.value = put
        ca.PySEVCHK("put", ca.libca.ca_array_put(dbr.STRING, 1, made, text))
        ca.flush_io()
        until(lambda: ca.get(made) == got, f"{put} in {name}")


@case
def put_label_of_enum():
    made = pv("S:ENUM")
    made.put("Tripped", wait=True)
    assert made.get(use_monitor=False) == 2
    assert made.get(as_string=True) == "Tripped"


@case
def put_waveform():
    made = pv("S:WAVE")
    made.put([1.5, 2.5, 3.5], wait=True)
    got = made.get(count=3, use_monitor=False)
    assert list(got) == [1.5, 2.5, 3.5], got
    text = pv("S:TEXT")
    text.put("a long text," * 8, wait=True)
    assert text.get(as_string=True, use_monitor=False) == "a long text," * 8


@case
def put_to_read_only():
    made = pv("R:STILL")
    assert made.read_access and not made.write_access, made.access
    try:
        made.put(1, wait=True, timeout=2)
    except ca.CASeverityException:
        pass
    assert made.get(use_monitor=False) == 0


@case
def monitor_initial_event():
    values = []
    pv("R:STILL", callback=lambda value, **_: values.append(value), auto_monitor=True)
    until(lambda: values, "the initial event")
    time.sleep(0.3)
    assert values == [0], values


@case
def monitor_sees_every_change():
    values = []
    pv("I:DOUBLE", callback=lambda value, **_: values.append(value), auto_monitor=True)
    until(lambda: len(values) >= 21, "20 updates")
    assert values == list(range(int(values[0]), int(values[0]) + len(values))), values


@case
def monitor_waveform():
    heads = []
    pv("I:WAVE", callback=lambda value, **_: heads.append((len(value), value[0])), auto_monitor=True)
    until(lambda: len(heads) >= 5, "5 updates")
    assert all(length == 12500 for length, _ in heads) and rising([head for _, head in heads]), heads


@case
def monitor_of_100():
    seen = {name: [] for name in MANY}
    made = [epics.PV(name, callback=lambda pvname, value, **_: seen[pvname].append(value), auto_monitor=True) for name in MANY]
    until(lambda: all(len(values) >= 5 for values in seen.values()), "5 updates of each")
    assert all(rising(values) for values in seen.values()) and len(made) == 100


@case
def two_subscriptions_and_cancel():
    made = channel("I:DOUBLE")
    one, other = [], []
    first = ca.create_subscription(made, callback=lambda value, **_: one.append(value), use_time=True)
    second = ca.create_subscription(made, callback=lambda value, **_: other.append(value), ftype=dbr.STRING)
    until(lambda: len(one) >= 5 and len(other) >= 5, "5 updates of each")
    ca.clear_subscription(first[2])
    ca.flush_io()
    time.sleep(0.2)
    before, after = len(one), len(other)
    until(lambda: len(other) >= after + 10, "updates of the one that stays")
    assert len(one) == before, f"{len(one) - before} updates of the cancelled one"
    assert all(isinstance(value, str) for value in other) and second


@case
def alarm_mask():
    quiet, alarms, values = [], [], []

    def severities(of):
        return lambda severity, **_: of.append(severity)

    kept = [
        ca.create_subscription(channel("I:DOUBLE"), callback=severities(quiet), use_time=True, mask=dbr.DBE_ALARM),
        ca.create_subscription(channel("I:ALARM"), callback=severities(alarms), use_time=True, mask=dbr.DBE_ALARM),
        ca.create_subscription(channel("I:ALARM"), callback=severities(values), use_time=True, mask=dbr.DBE_VALUE),
    ]
    until(lambda: len(alarms) >= 5, "5 changes of alarm")
    assert len(quiet) == 1, f"{len(quiet) - 1} events without any alarm"
    assert all(earlier != later for earlier, later in zip(alarms, alarms[1:])), alarms
    assert len(values) > len(alarms) and kept


@case
def property_mask():
    events, values = [], []
    made = channel("I:DOUBLE")
    kept = [
        ca.create_subscription(made, callback=lambda value, **_: events.append(value), mask=dbr.DBE_PROPERTY),
        ca.create_subscription(made, callback=lambda value, **_: values.append(value), mask=dbr.DBE_VALUE),
    ]
    until(lambda: len(values) >= 10, "10 values")
    assert len(events) == 1 and kept, events


@case
def connection_and_access_callbacks():
    states, access = [], []
    made = epics.PV(
        "S:DOUBLE",
        connection_callback=lambda conn, **_: states.append(conn),
        access_callback=lambda read, write, **_: access.append((read, write)),
    )
    until(lambda: states == [True] and (True, True) in access, "the connection")
    ask("@stop")
    until(lambda: states == [True, False], "the disconnection")
    ask("@start")
    until(lambda: states == [True, False, True], "the reconnection")
    assert made.get(use_monitor=False) is not None


@case
def monitor_goes_on_after_a_restart():
    values = []
    made = pv("I:LONG", callback=lambda value, **_: values.append(value), auto_monitor=True)
    until(lambda: len(values) >= 5, "5 updates")
    ask("@stop")
    until(lambda: not made.connected, "the disconnection")
    values.clear()
    ask("@start")
    until(lambda: len(values) >= 5, "5 updates")
    assert rising(values), values


@case
def search_over_tcp():
    assert pv("I:DOUBLE").get() >= 0
    assert all(value is not None for value in epics.caget_many(MANY))


@case
def unknown_name():
    assert epics.caget("I:NO:SUCH:PV", connection_timeout=1) is None
    assert epics.caget("I:DOUBLE") >= 0


run()
