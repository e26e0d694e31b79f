"""Calls wharfd as fast as the bus takes it, as whoever runs this: flood.py SECONDS PATH INTERFACE MEMBER. Prints how many calls and answers.

The D-Bus protocol by hand (D-Bus Specification, "Message Protocol"), so that calls need not wait for answers.
"""

import os
import select
import socket
import struct
import sys
import time

BUS = "/run/dbus/system_bus_socket"


def call(serial, destination, path, interface, member):
    fields = b""
    for code, kind, value in (1, b"o", path), (2, b"s", interface), (3, b"s", member), (6, b"s", destination):
        fields += b"\0" * (-len(fields) % 8)
        value = value.encode()
        fields += struct.pack("<B", code) + b"\1" + kind + b"\0" + struct.pack("<I", len(value)) + value + b"\0"
    header = struct.pack("<cBBBIII", b"l", 1, 0, 1, 0, serial, len(fields)) + fields
    return header + b"\0" * (-len(header) % 8)


def main():
    seconds, path, interface, member = float(sys.argv[1]), *sys.argv[2:5]
    bus = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bus.connect(BUS)
    uid = str(os.getuid()).encode().hex().encode()
    bus.sendall(b"\0AUTH EXTERNAL " + uid + b"\r\n")
    assert bus.recv(1024).startswith(b"OK")
    bus.sendall(b"BEGIN\r\n" + call(1, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"))
    bus.recv(65536)
    bus.setblocking(False)
    calls, received, waiting, end = 0, 0, b"", time.monotonic() + seconds
    while time.monotonic() < end:
        readable, writable, _ = select.select([bus], [bus], [], 0.1)
        if readable:
            received += len(bus.recv(1 << 20))
        if writable:
            if not waiting:
                waiting = b"".join(call(calls + n + 2, "io.wharf.Supervisor1", path, interface, member) for n in range(50))
                calls += 50
            waiting = waiting[bus.send(waiting):]
    print(calls, "calls,", received, "bytes of answers")


main()
