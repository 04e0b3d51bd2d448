#!/usr/bin/python3
"""The echo server of gevent: a greenlet for each connection. Prints its port."""

import socket
import sys

sys.dont_write_bytecode = True

from gevent.server import StreamServer


def serve(connection, _address):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := connection.recv(4096):
        connection.sendall(data)


server = StreamServer(("127.0.0.1", 0), serve, backlog=4096)
server.start()
print(server.address[1], flush=True)
server.serve_forever()
