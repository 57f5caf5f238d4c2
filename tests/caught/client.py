"""A Channel Access client that needs nothing but Python, well made or with one fault: what a comparison must catch.

    client.py [--fault slow|halves|twice|drops] monitor|poll PV ...

slow: works 2 ms before it has a value. halves: writes each request in two halves and leaves Nagle's algorithm on, so that the second waits
for an acknowledgement that the server delays. twice: asks for everything twice in each round. drops: overlooks one update in a hundred.
"""

import os
import selectors
import socket
import struct
import sys
import time

HEADER = struct.Struct(">HHHHII")
CREATE, EVENT_ADD, READ_NOTIFY, DOUBLE = 18, 1, 15, 6
PERIOD = 0.01

arguments = sys.argv[1:]
fault = None
if arguments[0] == "--fault":
    fault, arguments = arguments[1], arguments[2:]
how, names = arguments[0], arguments[1:]

circuit = socket.create_connection(("127.0.0.1", int(os.environ["EPICS_CA_SERVER_PORT"])))
if fault != "halves":
    circuit.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
received = b""
notes = []
now = time.monotonic_ns


def message(command, payload=b"", kind=0, count=0, first=0, second=0):
    payload += b"\0" * (-len(payload) % 8)
    return HEADER.pack(command, len(payload), kind, count, first, second) + payload


def messages():
    """The messages that have come; waits for at least one byte."""
    global received
    received += circuit.recv(1 << 16)
    while len(received) >= HEADER.size:
        command, size, kind, count, first, second = HEADER.unpack_from(received)
        if len(received) < HEADER.size + size:
            return
        payload, received = received[HEADER.size : HEADER.size + size], received[HEADER.size + size :]
        yield command, first, second, payload


def note(index, payload, asked=None):
    if fault == "slow":
        time.sleep(0.002)
    notes.append((index, int(struct.unpack_from(">d", payload)[0]), asked, now()))


circuit.sendall(message(0, count=13) + b"".join(
    message(CREATE, name.encode() + b"\0", first=index, second=13) for index, name in enumerate(names)))
channels = {}
while len(channels) < len(names):
    channels.update({first: second for command, first, second, _ in messages() if command == CREATE})

ended = selectors.DefaultSelector()
ended.register(sys.stdin, selectors.EVENT_READ)
if how == "monitor":
    mask = struct.pack(">fffHH", 0, 0, 0, 1, 0)
    for index in range(len(names)):
        circuit.sendall(message(EVENT_ADD, mask, DOUBLE, 1, channels[index], index))
    ended.register(circuit, selectors.EVENT_READ)
    updates, ready, open_ = 0, set(), True
    while open_:
        for key, _ in ended.select():
            if key.fileobj is sys.stdin:
                open_ = False
                continue
            for command, _, index, payload in messages():
                if command != EVENT_ADD:
                    continue
                updates += 1
                if fault == "drops" and updates > len(names) and updates % 100 == 0:
                    continue
                note(index, payload)
                if len(ready) < len(names):
                    ready.add(index)
                    if len(ready) == len(names):
                        print("ready", flush=True)
else:
    first = True
    while not ended.select(0 if first else PERIOD):
        for _ in range(2 if fault == "twice" else 1):
            asked = now()
            gets = b"".join(message(READ_NOTIFY, b"", DOUBLE, 1, channels[i], i) for i in range(len(names)))
            half = 8 if fault == "halves" else len(gets)
            circuit.sendall(gets[:half])
            if half < len(gets):
                circuit.sendall(gets[half:])
            missing = len(names)
            while missing:
                for command, _, index, payload in messages():
                    if command == READ_NOTIFY:
                        missing -= 1
                        note(index, payload, asked)
        if first:
            print("ready", flush=True)
            first = False

out = [f"{names[index]} {seq} {'-' if asked is None else asked} {at}\n" for index, seq, asked, at in notes]
sys.stdout.write("".join(out))
