"""Servers that are no nodes, for the tests: python3 strange_server.py PORT

What each says to whoever comes stands in ANSWERS: it is on PORT and those behind it.
"""

import socket
import sys
import threading

HTML = b"<html>" + b"x" * 100_000
ANSWERS = [
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x00\xff" * 1000,
    b"",
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"
    + b"Content-Length: %d\r\n\r\n" % len(HTML) + HTML,
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    + b"Content-Length: %d\r\n\r\n" % len(HTML) + HTML,
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\": 1}",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\":",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"1000000\r\n" + b"x" * 0x1000000 + b"\r\n1000000\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
]


def serve(listener, answer):
    while True:
        connection = listener.accept()[0]
        try:
            if answer.startswith(b"HTTP"):
                connection.recv(65536)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
        connection.close()


for number, answer in enumerate(ANSWERS):
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) + number))
    threading.Thread(target=serve, args=(listener, answer)).start()
print(len(ANSWERS), flush=True)
