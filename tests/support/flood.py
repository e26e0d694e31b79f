"""Calls wharfd as fast as the bus takes it, as whoever runs this. Prints how many calls and answers.

    flood.py FILE PATH INTERFACE MEMBER                   while that file is there, for five minutes at most; says "begun" in between
    flood.py --large COUNT BYTES PATH INTERFACE MEMBER    that many calls, each with a string of that length; waits for all answers

The D-Bus protocol by hand (D-Bus Specification, "Message Protocol"), so that calls need not wait for answers.
"""

import os
import select
import socket
import struct
import sys
import time

BUS = "/run/dbus/system_bus_socket"


def call(serial, destination, path, interface, member, argument=None):
    fields = b""
    for code, kind, value in (1, b"o", path), (2, b"s", interface), (3, b"s", member), (6, b"s", destination):
        fields += b"\0" * (-len(fields) % 8)
        value = value.encode()
        fields += struct.pack("<B", code) + b"\1" + kind + b"\0" + struct.pack("<I", len(value)) + value + b"\0"
    body = b""
    if argument is not None:
        fields += b"\0" * (-len(fields) % 8) + b"\x08\x01g\0\x01s\0"
        body = struct.pack("<I", len(argument)) + argument + b"\0"
    header = struct.pack("<cBBBIII", b"l", 1, 0, 1, len(body), serial, len(fields)) + fields
    return header + b"\0" * (-len(header) % 8) + body


def connect():
    bus = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bus.connect(BUS)
    uid = str(os.getuid()).encode().hex().encode()
    bus.sendall(b"\0AUTH EXTERNAL " + uid + b"\r\n")
    assert bus.recv(1024).startswith(b"OK")
    bus.sendall(b"BEGIN\r\n" + call(1, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"))
    bus.recv(65536)
    return bus


def messages(received):
    """Takes the whole messages from the start of what was received; how many calls they answer."""
    answers = 0
    while len(received) >= 16:
        kind, body, fields = received[1], *struct.unpack("<I4xI", received[4:16])
        whole = 16 + fields + -fields % 8 + body
        if len(received) < whole:
            break
        answers += kind in (2, 3)
        del received[:whole]
    return answers


def large(count, size, path, interface, member):
    bus, answers, received = connect(), 0, bytearray()
    bus.setblocking(False)
    waiting = memoryview(b"")
    sent = 0
    while answers < count:
        readable, writable, _ = select.select([bus], [bus] if sent < count or waiting else [], [])
        if readable:
            received += bus.recv(1 << 20)
            answers += messages(received)
        if writable:
            if not waiting:
                sent += 1
                waiting = memoryview(call(sent + 1, "io.wharf.Supervisor1", path, interface, member, b"x" * size))
            waiting = waiting[bus.send(waiting):]
    print(count, "calls,", answers, "answers")


def main():
    if sys.argv[1] == "--large":
        return large(int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:7])
    file, path, interface, member = sys.argv[1:5]
    bus = connect()
    bus.setblocking(False)
    calls, received, waiting, end = 0, 0, b"", time.monotonic() + 300
    while os.path.exists(file) and time.monotonic() < end:
        readable, writable, _ = select.select([bus], [bus], [], 0.1)
        if readable:
            if not received:
                print("begun", flush=True)
            received += len(bus.recv(1 << 20))
        if writable:
            if not waiting:
                waiting = b"".join(call(calls + n + 2, "io.wharf.Supervisor1", path, interface, member) for n in range(50))
                calls += 50
            waiting = waiting[bus.send(waiting):]
    print(calls, "calls,", received, "bytes of answers")


main()
