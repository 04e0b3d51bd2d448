"""Three servers behind the proxies, nginx each, and what can happen to them."""

import os
import signal

from peers import BODY, find_program
from process import Failure

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
{user}
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    reset_timedout_connection on;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /healthz {{ return 200 "fine"; }}
        location / {{ {answer} }}
    }}
}}
"""

ANSWERS = {
    "well": 'return 200 "%s";' % BODY.replace("\n", "\\n"),
    "503": "return 503;",
    "reset": "return 444;",  # with reset_timedout_connection: RST
}


class Server:
    def __init__(self, bench, number):
        self.bench = bench
        self.port = bench.ports.take()
        self.folder = bench.subfolder(f"server{number}")
        self.process = None

    def start(self, answer="well"):
        text = NGINX.format(folder=self.folder, port=self.port, answer=ANSWERS[answer],
                            user="user root;" if os.geteuid() == 0 else "")
        path = self.bench.write(self.folder, "nginx.conf", text)
        argv = [find_program("nginx"), "-p", self.folder, "-e", "error.log", "-c", path]
        self.process = self.bench.start(argv, self.bench.load_core, self.folder)

    def signal_all(self, number):
        for pid in self.process.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """At once, as when a machine is lost; but its kernel still resets connections."""
        self.signal_all(signal.SIGSTOP)
        self.signal_all(signal.SIGKILL)
        self.bench.stop(self.process)

    def freeze(self):
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def quit(self):
        """As in a rolling restart: requests under way are answered."""
        self.process.popen.send_signal(signal.SIGQUIT)
        self.process.popen.wait(30)
        self.bench.stop(self.process)

    def stop(self):
        if self.process and self.process in self.bench.processes:
            self.thaw()
            self.bench.stop(self.process)


class Servers:
    def __init__(self, bench, count=3):
        self.bench = bench
        self.all = [Server(bench, number) for number in range(count)]
        self.ports = [server.port for server in self.all]

    def __getitem__(self, number):
        return self.all[number % len(self.all)]

    def start(self, answers=()):
        for number, server in enumerate(self.all):
            answer = answers[number] if number < len(answers) else "well"
            server.start(answer)
        for server in self.all:
            self.wait(server)

    def wait(self, server):
        """Until it accepts connections."""
        import socket
        import time
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", server.port), 1).close()
                return
            except OSError as error:
                if time.monotonic() > end or not server.process.alive():
                    raise Failure(f"a server does not start: {error}; {server.process.last_words()}") from None
            time.sleep(0.01)

    def stop(self):
        for server in self.all:
            server.stop()
