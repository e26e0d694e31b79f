"""A registry on 127.0.0.1:5999 that refuses every image with a long text: HTTP by hand, until it is ended."""

import json
import socket

TEXT = "sorry \x1b]0;owned\x07\x1b[2J\x9b31m\nforged: done\n\u202e" + "more words " * 200
REFUSAL = json.dumps({"errors": [{"code": "NAME_INVALID", "message": TEXT}]}).encode()

server = socket.create_server(("127.0.0.1", 5999), backlog=64)
print("ready", flush=True)
while True:
    client, _ = server.accept()
    request = client.recv(65536)
    is_asked = request.startswith(b"GET /v2/ ")
    status, body = ("200 OK", b"{}") if is_asked else ("400 Bad Request", REFUSAL)
    head = (
        f"HTTP/1.1 {status}\r\nDocker-Distribution-Api-Version: registry/2.0\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    try:
        client.sendall(head.encode() + (b"" if request.startswith(b"HEAD") else body))
    except OSError:
        pass
    client.close()
