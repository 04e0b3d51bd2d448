"""The contestants and the backend behind them: how each is configured and started.

Everything that is not the work itself is off (logs, statistics, limits that a benchmark would hit), and each
proxy may do what it does best: keep upstream connections, reuse them, splice.
"""

import os
import random
import shutil
import socket
import time

from load import get, run
from process import Failure, Process

BODY = "greenway " * 16 + "bench\n"  # 150 bytes
BULK_PATH = "/bulk"
OWN_PATH = "/own"  # answered by the proxies themselves, over TLS
BULK_SIZE = 100 << 20
NGINX_MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules")


def find_program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")


class Ports:
    """Free ports below the range from which the kernel picks the clients' own."""

    def __init__(self):
        with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
            first = int(file.read().split()[0])
        self.candidates = list(range(max(1024, first - 12000), first)) or list(range(1024, 65536))
        random.shuffle(self.candidates)

    def take(self):
        while self.candidates:
            port = self.candidates.pop()
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        raise Failure("no free port")


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
{head}
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
{http}
}}
{tail}
"""

NGINX_BACKEND = """
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "{body}"; }}
        location = {bulk_path} {{ root {folder}; }}
    }}
"""

NGINX_HTTP = """
    upstream app {{
        server 127.0.0.1:{backend};
        keepalive 128;
        keepalive_requests 1000000000;
        keepalive_timeout 600s;
    }}
    server {{
        listen 127.0.0.1:{http} backlog=4096;
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
        }}
    }}
"""

NGINX_HTTPS = """
    server {{
        listen 127.0.0.1:{https} backlog=4096 ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate}.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
        }}
        location = {own} {{ return 200 "{body}"; }}
    }}
"""

NGINX_STREAM = """
stream {{
    access_log off;
    server {{
        listen 127.0.0.1:{tcp} backlog=4096;
        proxy_pass 127.0.0.1:{backend};
        proxy_timeout 600s;
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    maxconn {maxconn}
    maxpipes 100
defaults
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s
    timeout http-request 600s
listen http
    mode http
    bind 127.0.0.1:{http}
    http-reuse always
    server app 127.0.0.1:{backend}
listen https
    mode http
    bind 127.0.0.1:{https} ssl crt {certificate} ssl-min-ver TLSv1.2
    http-reuse always
    http-request return status 200 content-type text/plain string "{body}" if {{ path {own} }}
    server app 127.0.0.1:{backend}
listen auto
    mode http
    option splice-auto
    bind 127.0.0.1:{auto}
    http-reuse always
    server app 127.0.0.1:{backend}
listen splice
    mode http
    option splice-response
    bind 127.0.0.1:{splice}
    http-reuse always
    server app 127.0.0.1:{backend}
listen tcp
    mode tcp
    option splice-auto
    bind 127.0.0.1:{tcp}
    server app 127.0.0.1:{backend}
"""

GREENWAY = """
[greenway]
workers = 1
access_log = off

[listener web]
bind = 127.0.0.1:{http}
protocol = http
upstream = app

[listener secure]
bind = 127.0.0.1:{https}
protocol = http
certificate = {certificate}
upstream = app

[route own]
listener = secure
path = ={own}
respond = 200 text/plain {body}

[listener raw]
bind = 127.0.0.1:{tcp}
protocol = tcp
upstream = app

[upstream app]
server = 127.0.0.1:{backend}
keepalive = 128
keepalive_requests = 1000000000

[timeouts]
timeout_keepalive = 600s
timeout_idle = 600s
"""


def stream_module():
    for folder in NGINX_MODULES:
        path = os.path.join(folder, "ngx_stream_module.so")
        if os.path.exists(path):
            return path
    return None


class Bench:
    """What all rows share: folder, cores, ports, and the processes still to be ended."""

    def __init__(self, folder, proxy_core, load_core, open_files):
        self.folder, self.proxy_core, self.load_core = folder, proxy_core, load_core
        self.open_files = open_files
        self.ports = Ports()
        self.processes = []
        self.started = 0

    def subfolder(self, name):
        self.started += 1
        path = os.path.join(self.folder, f"{self.started}-{name}")
        os.mkdir(path)
        return path

    def start(self, argv, core, folder):
        process = Process(argv, core, os.path.join(folder, "output"))
        self.processes.append(process)
        return process

    def stop(self, process):
        process.stop()
        self.processes.remove(process)

    def stop_all(self):
        while self.processes:
            self.stop(self.processes[-1])

    def certificate(self):
        """One for all peers: ECDSA P-256, the key behind it in the file and alone in FILE.key. Returns the file."""
        path = os.path.join(self.folder, "bench.pem")
        if not os.path.exists(path):
            run([find_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                 "-nodes", "-subj", "/CN=bench.example", "-addext", "subjectAltName=DNS:bench.example", "-days", "90",
                 "-keyout", path + ".key", "-out", path], 30)
            with open(path, "a") as file, open(path + ".key") as key:
                file.write(key.read())
            os.chmod(path, 0o600)
        return path

    def wait_serving(self, process, port, service="http"):
        """Until a request through the port is answered with the body that the backend sends."""
        end, last = time.monotonic() + 5, "no answer"
        while time.monotonic() < end:
            if not process.alive():
                raise Failure(f"{process.name} ended: {process.last_words()}")
            try:
                status, body = get(port, service == "https")
                if status == 200 and body == BODY.encode():
                    return
                last = f"status {status} with {len(body)} bytes"
            except OSError as error:
                last = str(error)
            time.sleep(0.05)
        raise Failure(f"{process.name} does not serve on port {port}: {last}; {process.last_words()}")

    def write(self, folder, name, text):
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def nginx(self, name, core, head="", http="", tail=""):
        folder = self.subfolder(name)
        if os.geteuid() == 0:
            head += "\nuser root;"  # the worker must reach the temporary folder
        config = NGINX.format(folder=folder, head=head, http=http, tail=tail,
                              connections=self.open_files - 200)
        path = self.write(folder, "nginx.conf", config)
        return self.start([find_program("nginx"), "-p", folder, "-e", "error.log", "-c", path], core, folder)


def start_backend(bench):
    """nginx on the load's core. Returns its port."""
    block = os.urandom(1 << 20)
    with open(os.path.join(bench.folder, BULK_PATH[1:]), "wb") as file:
        for _ in range(BULK_SIZE // len(block)):
            file.write(block)
    port = bench.ports.take()
    server = NGINX_BACKEND.format(port=port, body=BODY.replace("\n", "\\n"), folder=bench.folder,
                                  bulk_path=BULK_PATH)
    bench.wait_serving(bench.nginx("backend", bench.load_core, http=server), port)
    return port


class Peer:
    """A proxy that can be started. ports: from "http", "tcp", HAProxy's "auto" and "splice" to numbers, once it runs."""

    services = ("http", "https", "tcp")

    def __init__(self, bench, backend):
        self.bench, self.backend = bench, backend
        self.process, self.ports = None, {}

    def missing(self):
        """Why this peer cannot take part, or None."""
        return None if find_program(self.name) else f"{self.name} is not installed"

    def start(self):
        self.ports = {service: self.bench.ports.take() for service in self.services}
        self.process = self.launch()
        for service, port in self.ports.items():
            self.bench.wait_serving(self.process, port, service)
        return self

    def stop(self):
        if self.process:
            self.bench.stop(self.process)
            self.process = None

    def config(self, template):
        maxconn = (self.bench.open_files - 1000) // 2
        return template.format(backend=self.backend, maxconn=maxconn, certificate=self.bench.certificate(),
                               own=OWN_PATH, body=BODY.strip(), **self.ports)


class Relay(Peer):
    """The bare epoll relay. It relays HTTP without knowing it: one port is both services."""

    name = "relay"
    services = ("tcp",)

    def __init__(self, bench, backend, program):
        super().__init__(bench, backend)
        self.program = program

    def missing(self):
        return None

    def launch(self):
        argv = [self.program, str(self.ports["tcp"]), str(self.backend)]
        return self.bench.start(argv, self.bench.proxy_core, self.bench.subfolder(self.name))

    def start(self):
        super().start()
        self.ports["http"] = self.ports["tcp"]
        return self


class Nginx(Peer):
    name = "nginx"

    def __init__(self, bench, backend):
        super().__init__(bench, backend)
        if not stream_module():
            self.services = ("http", "https")

    def launch(self):
        stream = "tcp" in self.services
        return self.bench.nginx(self.name, self.bench.proxy_core,
                                head=f"load_module {stream_module()};" if stream else "",
                                http=self.config(NGINX_HTTP + NGINX_HTTPS),
                                tail=self.config(NGINX_STREAM) if stream else "")


class Haproxy(Peer):
    name = "haproxy"
    services = ("http", "https", "auto", "splice", "tcp")

    def launch(self):
        folder = self.bench.subfolder(self.name)
        path = self.bench.write(folder, "haproxy.cfg", self.config(HAPROXY))
        return self.bench.start([find_program("haproxy"), "-db", "-f", path], self.bench.proxy_core,
                                folder)


class Greenway(Peer):
    name = "greenway"

    def __init__(self, bench, backend, program):
        super().__init__(bench, backend)
        self.program = program

    def missing(self):
        if not self.program:
            return "not given (--greenway PATH)"
        return None if os.access(self.program, os.X_OK) else f"{self.program} is not there"

    def launch(self):
        folder = self.bench.subfolder(self.name)
        path = self.bench.write(folder, "greenway.ini", self.config(GREENWAY))
        return self.bench.start([self.program, "run", *(["--user", "root"] if os.geteuid() == 0 else []), "-c", path], self.bench.proxy_core, folder)
