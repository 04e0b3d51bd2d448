"""The proxies, and how each is told of another configuration or goes over to another process.

Every configuration has a part that the load and the tunnels use, which stays, and one that changes with every step: three
routes of which one is new, one gone and one different.
"""

import os
import re
import signal
import time

from peers import find_program, stream_module
from process import Failure

STEP_PATIENCE = 60.0

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log notice;
{head}
events {{ worker_connections 10000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    upstream app {{ server 127.0.0.1:{backend}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{http} backlog=4096;
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
        location = /tunnel {{
            proxy_pass http://127.0.0.1:{echo};
            proxy_http_version 1.1;
            proxy_set_header Connection upgrade;
            proxy_set_header Upgrade $http_upgrade;
            proxy_read_timeout 600s;
        }}
{changing}
    }}
}}
stream {{
    server {{
        listen 127.0.0.1:{tcp} backlog=4096;
        proxy_pass 127.0.0.1:{echo};
        proxy_timeout 600s;
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 5000
    pidfile {folder}/pid
defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    timeout tunnel 600s
    timeout http-request 600s
frontend web
    bind 127.0.0.1:{http}
    use_backend echo if {{ path /tunnel }}
{changing}
    default_backend app
backend app
    http-reuse always
    server app 127.0.0.1:{backend}
backend echo
    server echo 127.0.0.1:{echo}
listen raw
    mode tcp
    bind 127.0.0.1:{tcp}
    server echo 127.0.0.1:{echo}
"""

GREENWAY = """
[greenway]
workers = 1
access_log = off
pid_file = {folder}/pid
shutdown_grace = 10m

[listener web]
bind = 127.0.0.1:{http}
upstream = app

[listener raw]
bind = 127.0.0.1:{tcp}
protocol = tcp
upstream = echo

[route tunnel]
path = =/tunnel
upstream = echo

{changing}
[upstream app]
server = 127.0.0.1:{backend}

[upstream echo]
server = 127.0.0.1:{echo}

[timeouts]
timeout_tunnel = 600s
timeout_idle = 600s
"""


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Proxy:
    services = ("http", "tcp")

    def __init__(self, bench, backend, echo, what):
        self.bench, self.backend, self.echo, self.what = bench, backend, echo, what
        self.process = None

    def missing(self):
        return None if find_program(self.name) else f"{self.name} is not installed"

    def start(self):
        self.folder = self.bench.subfolder(self.name)
        self.ports = {service: self.bench.ports.take() for service in self.services}
        self.configure(0)
        self.process = self.bench.start(self.command(), self.bench.proxy_core, self.folder)
        self.bench.wait_serving(self.process, self.ports["http"])
        self.wait(self.pid, "its pid file")

    def stop(self):
        if self.process:
            self.bench.stop(self.process)
            self.process = None

    def configure(self, step):
        """Another configuration; nothing is told of it yet."""
        changing = "".join(self.route(number, step) for number in range(step, step + 3))
        text = self.template.format(backend=self.backend, echo=self.echo, folder=self.folder, changing=changing,
                                    head=self.head(), **self.ports)
        self.bench.write(self.folder, "config", text)

    def head(self):
        return ""

    def pid(self):
        """Who serves, or rules over those who do."""
        return int(_read(os.path.join(self.folder, "pid")) or 0)

    def output(self):
        return _read(self.process.log_path)

    def wait(self, condition, what):
        end = time.monotonic() + STEP_PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise Failure(f"{self.name}: waited in vain for {what}; {self.process.last_words()}")
            time.sleep(0.005)

    # --- what it costs: all processes of its session, generations that linger among them ---------------------------

    def processes(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            stat = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if stat and stat[0] not in "ZX" and int(stat[3]) == self.process.pid:
                found.append(int(pid))
        return found

    def resident(self):
        """Private memory: what generations share counts once, in none of them."""
        total = 0
        for pid in self.processes():
            rollup = _read(f"/proc/{pid}/smaps_rollup")
            total += sum(int(kib) for kib in re.findall(r"^Private_\w+:\s+(\d+) kB", rollup, re.M))
        return total * 1024


class Nginx(Proxy):
    name = "nginx"
    template = NGINX

    def missing(self):
        return super().missing() or (None if stream_module() else "nginx has no stream module (libnginx-mod-stream)")

    def head(self):
        """A process cannot be upgraded as long as the one that it replaced still drains: tunnels are given a second."""
        return f"load_module {stream_module()};" + ("\nuser root;" if os.geteuid() == 0 else "") + \
            ("\nworker_shutdown_timeout 1s;" if self.what == "upgrade" else "")

    def route(self, number, step):
        return f"        location = /r{number} {{ return 404 step{step}; }}\n"

    def command(self):
        """It refuses to be upgraded as long as the process that started it is its parent: so that one ends."""
        nginx = [find_program("nginx"), "-p", self.folder, "-e", "error.log", "-c", os.path.join(self.folder, "config")]
        return ["/bin/sh", "-c", '("$@" & sleep 1); exec sleep 86400', "sh", *nginx]

    def processes(self):
        return [pid for pid in super().processes() if "nginx" in _read(f"/proc/{pid}/comm")]

    def reload(self, step):
        """Done when a new worker has started: the master says so."""
        log = os.path.join(self.folder, "error.log")
        started = lambda: _read(log).count("start worker process ")
        before = started()
        self.configure(step)
        os.kill(self.pid(), signal.SIGHUP)
        self.wait(lambda: started() > before, "a new worker")

    def upgrade(self, step):
        """A new master beside the old one, which is then told to go."""
        old = self.pid()
        self.wait(lambda: not os.path.exists(os.path.join(self.folder, "pid.oldbin")), "the one before to end")
        os.kill(old, signal.SIGUSR2)
        self.wait(lambda: self.pid() not in (0, old) and len(_read(f"/proc/{self.pid()}/task/{self.pid()}/children").split()),
                  "a new master with a worker")
        os.kill(old, signal.SIGQUIT)


class Haproxy(Proxy):
    name = "haproxy"
    template = HAPROXY

    def route(self, number, step):
        return f"    http-request return status 404 hdr step {step} if {{ path /r{number} }}\n"

    def command(self):
        return [find_program("haproxy"), "-W", "-f", os.path.join(self.folder, "config")]

    def pid(self):
        return self.process.pid

    def reload(self, step):
        """The master executes itself again, whatever there is to change, and starts a new worker."""
        started = lambda: self.output().count("New worker")
        before = started()
        self.configure(step)
        os.kill(self.pid(), signal.SIGUSR2)
        self.wait(lambda: started() > before, "a new worker")

    upgrade = reload


class Greenway(Proxy):
    name = "greenway"
    template = GREENWAY

    def __init__(self, bench, backend, echo, what, program):
        super().__init__(bench, backend, echo, what)
        self.program = program

    def missing(self):
        return None if os.access(self.program or "", os.X_OK) else "not given (--greenway PATH)"

    def route(self, number, step):
        return f"[route r{number}]\npath = =/r{number}\nrespond = 404 text/plain step{step}\n\n"

    def command(self):
        user = ["--user", "root"] if os.geteuid() == 0 else []
        return [self.program, "run", *user, "-c", os.path.join(self.folder, "config")]

    def reload(self, step):
        done = lambda: self.output().count("greenway: reloaded ")
        before = done()
        self.configure(step)
        os.kill(self.pid(), signal.SIGHUP)
        self.wait(lambda: done() > before, "the reload's end")

    def upgrade(self, step):
        old = self.pid()
        os.kill(old, signal.SIGUSR2)
        self.wait(lambda: self.pid() not in (0, old), "the new process")
