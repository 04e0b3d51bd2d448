"""The proxies, each told as well as its manual allows to hide the trouble of one server: it checks servers, or counts their
failures; requests that fail before an answer, or with 502, 503 or 504, or for a second, are sent to another server."""

import os

from peers import Peer, find_program

CHECK_INTERVAL = 1.0  # seconds, of those that check; the others' measure of the same kind

NGINX = """
    upstream app {{
{servers}
        keepalive 512;
        keepalive_requests 1000000000;
        keepalive_timeout 600s;
    }}
    server {{
        listen 127.0.0.1:{http} backlog=4096;
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_connect_timeout 1s;
            proxy_read_timeout 1s;
            proxy_next_upstream error timeout invalid_header http_502 http_503 http_504;
            proxy_next_upstream_tries 4;
        }}
    }}
"""

HAPROXY = """
global
    nbthread 1
    maxconn {maxconn}
defaults
    mode http
    timeout connect 1s
    timeout client 600s
    timeout server 1s
    timeout check 1s
    timeout http-keep-alive 600s
    timeout http-request 600s
frontend web
    bind 127.0.0.1:{http}
    default_backend app
backend app
    balance roundrobin
    http-reuse always
    option httpchk GET /healthz
    option redispatch 1
    retries 3
    retry-on all-retryable-errors
    default-server check inter 1s fall 2 rise 2 observe layer7 error-limit 5 on-error mark-down on-marked-down shutdown-sessions
{servers}
"""

GREENWAY = """
[greenway]
workers = 1
access_log = off

[listener web]
bind = 127.0.0.1:{http}
max_connections = 10000
upstream = app

[upstream app]
server = {servers}
health_check = GET /healthz every=1s timeout=1s fall=2 rise=2
retry_on = connect_failure reset timeout 502 503 504
timeout_connect = 1s
timeout_try = 1s
keepalive = 512
keepalive_requests = 1000000000

[timeouts]
timeout_keepalive = 600s
timeout_idle = 600s
"""


class Proxy(Peer):
    services = ("http",)

    def __init__(self, bench, servers):
        super().__init__(bench, None)
        self.servers = servers

    def lines(self, template):
        return "\n".join(template.format(number=number, port=port) for number, port in enumerate(self.servers.ports))

    def text(self, template, servers):
        return template.format(http=self.ports["http"], servers=servers, maxconn=(self.bench.open_files - 1000) // 2)


class Nginx(Proxy):
    name = "nginx"

    def launch(self):
        servers = self.lines("        server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;")
        return self.bench.nginx(self.name, self.bench.proxy_core, http=self.text(NGINX, servers))


class Haproxy(Proxy):
    name = "haproxy"

    def launch(self):
        folder = self.bench.subfolder(self.name)
        text = self.text(HAPROXY, self.lines("    server s{number} 127.0.0.1:{port}"))
        path = self.bench.write(folder, "haproxy.cfg", text)
        return self.bench.start([find_program("haproxy"), "-db", "-f", path], self.bench.proxy_core, folder)


class Greenway(Proxy):
    name = "greenway"

    def __init__(self, bench, servers, program):
        super().__init__(bench, servers)
        self.program = program

    def missing(self):
        return None if os.access(self.program or "", os.X_OK) else "not given (--greenway PATH)"

    def launch(self):
        folder = self.bench.subfolder(self.name)
        servers = ", ".join(f"127.0.0.1:{port}" for port in self.servers.ports)
        path = self.bench.write(folder, "greenway.ini", self.text(GREENWAY, servers))
        user = ["--user", "root"] if os.geteuid() == 0 else []
        return self.bench.start([self.program, "run", *user, "-c", path], self.bench.proxy_core, folder)
