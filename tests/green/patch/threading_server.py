"""A thread for each connection, as Python's own library has it: prints its port, then echoes."""
import socketserver
import sys
import threading


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        assert threading.current_thread() is not threading.main_thread()
        while True:
            data = self.request.recv(512)
            if not data:
                return
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 4096


with Server(("127.0.0.1", 0), Echo) as server:
    print(server.server_address[1])
    sys.stdout.flush()
    server.serve_forever()
