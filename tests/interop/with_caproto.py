"""caproto, which has a Channel Access of its own: its threading client and its plain one."""

import threading
import time

from cases import MANY, ask, case, rising, run, until

from caproto import AccessRights, CASeverity, ChannelType, ErrorResponseReceived, SubscriptionType
from caproto.sync import client as plain
from caproto.threading.client import Batch, Context

_context = []


def pvs(*names, **options):
    if not _context:
        _context.append(Context())
    made = _context[0].get_pvs(*names, **options)
    for one in made:
        one.wait_for_connection(timeout=10)
    return made


def pv(name, **options):
    return pvs(name, **options)[0]


def subscribe(made, seen, what=lambda response: response.data[0], **options):
    """Keeps what each event brings; the callback must be kept alive."""
    subscription = made.subscribe(**options)

    def callback(_, response):
        seen.append(what(response))

    subscription.add_callback(callback)
    subscription.kept = callback
    return subscription


@case
def get():
    made = pv("I:DOUBLE")
    first = made.read().data[0]
    assert first >= 0 and first == int(first)
    until(lambda: made.read().data[0] > first, "a later value")


@case
def get_every_type():
    for name in ("DOUBLE", "FLOAT", "LONG", "SHORT", "CHAR", "ENUM", "STRING"):
        made = pv(f"I:{name}")
        native = {"SHORT": "INT"}.get(name, name)
        # caproto reads a CTRL_STRING as if it were a TIME_STRING.
        for kind in ("", "STS_", "TIME_", "GR_") + (("CTRL_",) if name != "STRING" else ()):
            response = made.read(data_type=ChannelType[kind + native])
            assert float(response.data[0]) >= 0 and response.data_count == 1, (name, kind, response)


@case
def get_many_at_once():
    made = pvs(*MANY)
    values, done = {}, threading.Event()

    def received(name, response):
        values[name] = response.data[0]
        if len(values) == 100:
            done.set()

    with Batch() as batch:
        for one in made:
            batch.read(one, lambda response, name=one.name: received(name, response))
    assert done.wait(10), f"{len(values)} of 100"


@case
def get_without_notify():
    """The old READ command, which few clients use."""
    response = pv("R:STILL").read(notify=False, data_type=ChannelType.TIME_DOUBLE, data_count=1)
    assert response.data[0] == 0 and response.metadata.severity == 0, response


@case
def get_with_time_stamp():
    made = pv("I:DOUBLE")
    first = made.read(data_type="time")
    assert abs(time.time() - first.metadata.timestamp) < 5, first.metadata
    until(lambda: made.read().data[0] > first.data[0], "a later value")
    assert made.read(data_type="time").metadata.timestamp > first.metadata.timestamp


@case
def get_ctrl():
    got = pv("R:STILL").read(data_type="control").metadata
    assert got.units == b"mm" and got.precision == 3, got
    assert (got.lower_disp_limit, got.upper_disp_limit) == (-1000, 1000), got
    assert (got.lower_ctrl_limit, got.upper_ctrl_limit) == (-1000, 1000), got
    labels = pv("I:ENUM").read(data_type="control").metadata.enum_strings
    assert tuple(labels) == (b"Idle", b"Moving", b"Homing", b"Fault"), labels


@case
def get_waveform():
    response = pv("I:WAVE").read()
    assert len(response.data) == 12500 and response.data[0] >= 0
    assert len(pv("I:WAVE").read(data_count=10).data) == 10


@case
def put_with_completion():
    for name, value in (("DOUBLE", 2.5), ("FLOAT", -0.5), ("LONG", 70000), ("SHORT", -3), ("CHAR", 200), ("ENUM", 2), ("STRING", b"a text")):
        made = pv(f"S:{name}")
        made.write([value], wait=True, notify=True)
        assert made.read().data[0] == value, name


@case
def put_without_completion():
    made = pv("S:LONG")
    made.write([12], wait=False, notify=False)
    until(lambda: made.read().data[0] == 12, "the value that was put")


@case
def put_text_to_a_number():
    made = pv("S:DOUBLE")
    made.write([b"12.5"], data_type=ChannelType.STRING, wait=True, notify=True)
    assert made.read().data[0] == 12.5
    state = pv("S:ENUM")
    state.write([b"On"], data_type=ChannelType.STRING, wait=True, notify=True)
    assert state.read().data[0] == 1


@case
def put_that_fails():
    made = pv("S:DOUBLE")
    made.write([4.0], wait=True, notify=True)
    try:
        response = made.write([b"word"], data_type=ChannelType.STRING, wait=True, notify=True)
        assert not response.status.success, response
    except ErrorResponseReceived:
        pass
    assert made.read().data[0] == 4


@case
def put_waveform():
    made = pv("S:WAVE")
    made.write([1.5, 2.5], wait=True, notify=True)
    assert list(made.read().data[:2]) == [1.5, 2.5]


@case
def access_rights():
    rights = {}

    def changed(made, given):
        rights[made.name] = given

    kept = pvs("R:STILL", "S:DOUBLE", access_rights_callback=changed)
    until(lambda: len(rights) == 2, "the rights of both")
    both = AccessRights.READ | AccessRights.WRITE
    assert rights == {"R:STILL": AccessRights.READ, "S:DOUBLE": both} and kept, rights


@case
def monitor_initial_event():
    values = []
    kept = subscribe(pv("R:STILL"), values)
    until(lambda: values, "the initial event")
    time.sleep(0.3)
    assert values == [0] and kept, values


@case
def monitor_sees_every_change():
    values = []
    kept = subscribe(pv("I:DOUBLE"), values, data_type="time")
    until(lambda: len(values) >= 21, "20 updates")
    assert values == list(range(int(values[0]), int(values[0]) + len(values))) and kept, values


@case
def monitor_of_100():
    seen = {name: [] for name in MANY}
    kept = [subscribe(made, seen[made.name]) for made in pvs(*MANY)]
    until(lambda: all(len(values) >= 5 for values in seen.values()), "5 updates of each")
    assert all(rising(values) for values in seen.values()) and kept


@case
def monitor_waveform():
    heads = []
    kept = subscribe(pv("I:WAVE"), heads, lambda response: (len(response.data), response.data[0]))
    until(lambda: len(heads) >= 5, "5 updates")
    assert all(length == 12500 for length, _ in heads) and rising([head for _, head in heads]) and kept


@case
def two_subscriptions_and_cancel():
    made = pv("I:DOUBLE")
    one, other = [], []
    first = subscribe(made, one, data_type="time")
    second = subscribe(made, other, data_type=ChannelType.STRING)
    until(lambda: len(one) >= 5 and len(other) >= 5, "5 updates of each")
    first.clear()
    time.sleep(0.2)
    before, after = len(one), len(other)
    until(lambda: len(other) >= after + 10, "updates of the one that stays")
    assert len(one) == before and second, f"{len(one) - before} updates of the cancelled one"


@case
def alarm_mask():
    quiet, alarms, values = [], [], []

    def severity(response):
        return response.metadata.severity

    kept = [
        subscribe(pv("I:DOUBLE"), quiet, severity, data_type="time", mask=SubscriptionType.DBE_ALARM),
        subscribe(pv("I:ALARM"), alarms, severity, data_type="time", mask=SubscriptionType.DBE_ALARM),
        subscribe(pv("I:ALARM"), values, severity, data_type="time", mask=SubscriptionType.DBE_VALUE),
    ]
    until(lambda: len(alarms) >= 5, "5 changes of alarm")
    assert len(quiet) == 1, f"{len(quiet) - 1} events without any alarm"
    assert all(earlier != later for earlier, later in zip(alarms, alarms[1:])), alarms
    assert len(values) > len(alarms) and kept


@case
def channels_come_and_go():
    """A channel that goes idle is cleared; its next use creates it anew."""
    made = pv("I:DOUBLE")
    for _ in range(20):
        assert made.read().data[0] >= 0
        made.go_idle()
        until(lambda: not made.connected, "the channel to be cleared")


@case
def monitor_goes_on_after_a_restart():
    values, states = [], []

    def connection(_, state):  # caproto keeps no reference of its own
        states.append(state)

    made = pv("I:LONG", connection_state_callback=connection)
    kept = subscribe(made, values)
    until(lambda: len(values) >= 5, "5 updates")
    ask("@stop")
    until(lambda: states[-1:] == ["disconnected"], "the disconnection")
    values.clear()
    ask("@start")
    until(lambda: len(values) >= 5 and states[-1] == "connected", "5 updates")
    assert rising(values) and kept, values


@case
def plain_client():
    """A search, a circuit and a channel for each call."""
    assert plain.read("R:STILL", repeater=False).data[0] == 0
    plain.write("S:DOUBLE", 1.5, notify=True, repeater=False)
    assert plain.read("S:DOUBLE", data_type="time", repeater=False).data[0] == 1.5
    before, written, after = plain.read_write_read("S:LONG", 6, notify=True, repeater=False)
    assert written.status.severity == CASeverity.SUCCESS and after.data[0] == 6, (before, written, after)


run()
