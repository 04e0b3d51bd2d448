"""A real nginx to stand behind the proxy: started by hand in a folder of its own, on a free port."""

import os
import signal
import socket
import subprocess
import time

from patience import PATIENCE
from wire import dial

CONFIGURATION = """{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    default_type application/octet-stream;
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/temp/body;
    proxy_temp_path {folder}/temp/proxy;
    fastcgi_temp_path {folder}/temp/fastcgi;
    uwsgi_temp_path {folder}/temp/uwsgi;
    scgi_temp_path {folder}/temp/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {folder}/www;
        {server}
    }}
}}
"""


class Nginx:
    """`server` is what stands inside the server block; files to serve go to the folder www."""

    def __init__(self, folder, server=""):
        self.folder = folder
        self.www = os.path.join(folder, "www")
        self.body = server
        os.makedirs(os.path.join(folder, "temp"), exist_ok=True)
        os.makedirs(self.www, exist_ok=True)
        # Another process can take the port between our asking and nginx's bind: then it is another port's turn.
        for _ in range(20):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            if self.launch():
                self.server = "127.0.0.1:%d" % self.port
                return
        raise AssertionError("nginx does not start: " + self.stderr())

    def launch(self):
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(CONFIGURATION.format(user="user root;" if os.geteuid() == 0 else "", folder=self.folder,
                                            port=self.port, server=self.body))
        with open(os.path.join(self.folder, "stderr"), "w") as stderr:
            self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", path], stdin=subprocess.DEVNULL,
                                            stderr=stderr)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                dial(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.01)
        self.stop()
        return False

    def stderr(self):
        with open(os.path.join(self.folder, "stderr")) as file:
            return file.read()

    def kill(self):
        """Master and worker die at once and say nothing, as when a machine is lost."""
        pid = self.process.pid
        os.kill(pid, signal.SIGSTOP)
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            workers = [int(word) for word in file.read().split()]
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
