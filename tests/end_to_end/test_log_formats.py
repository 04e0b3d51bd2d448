"""Formats of one's own, logs of listeners and routes, conditions, samples, syslog."""

import json
import os
import re
import socket

from harness import Case, answering, echo, http_config, main, run_command, wait_for
from wire import get, ok, post

ASK = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def lines_of(path):
    try:
        with open(path, "rb") as file:
            return file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


class Formats(Case):
    def gateway(self, form, upstream, **sections):
        return self.greenway(http_config(self.folder, upstream, **sections).replace("log_format = json",
                                                                                   "log_format = " + form))

    def test_columns(self):
        upstream = self.upstream(answering(echo))
        proxy = self.gateway("${client} ${listener} ${method} ${uri} ${query:a} ${host} \"${header:User-Agent}\" "
                             "${header:X-None} ${status} ${bytes_in}/${bytes_out} ${server} ${t_total} [${reason}]",
                             upstream)
        answer = proxy.exchange(post("/x%20y?a=b%20c", b"12345", host="Api.Example", extra='User-Agent: a "b"\r\n'))
        wait_for(lambda: proxy.access_lines(), "a line")
        self.assertRegex(proxy.access_lines()[0],
                         r'^127\.0\.0\.1 web POST /x%%20y\?a=b%%20c b\\x20c api\.example "a \\x22b\\x22" - 200 5/%d '
                         r'127\.0\.0\.1:%d \d+\.\d{3} \[-\]$' % (len(answer.body), upstream.port))

    def test_json_of_every_byte(self):
        proxy = self.gateway('{"agent": "${header:User-Agent}", "cookie": "${cookie:c}", "status": ${status}, '
                             '"connect": ${t_connect}, "reason": "${reason}"}', self.upstream())
        agents = [bytes((65, byte, 66)) for byte in range(256) if byte not in (0, 10, 13) and (byte >= 32 or byte == 9)
                  and byte != 127]
        with proxy.dial() as wire:
            for agent in agents:
                self.assertEqual(wire.exchange(b"GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: " + agent +
                                               b"\r\nCookie: c=" + agent + b"\r\n\r\n").status, 200)
        entries = proxy.access_log(len(agents))
        for agent, entry in zip(agents, entries):
            self.assertEqual(entry["agent"], agent.decode("latin-1"))
            self.assertEqual((entry["status"], entry["reason"]), (200, ""))
            if agent != b"A;B":
                self.assertEqual(entry["cookie"], agent.decode("latin-1"))

    def test_a_refusal_has_no_values(self):
        proxy = self.gateway('{"agent": "${header:User-Agent}", "id": "${request_id}", "status": ${status}, '
                             '"connect": ${t_connect}, "directive": "${directive}", "origin": "${origin}"}',
                             self.upstream(), extra="[limits]\nmax_head = 1k\n")
        self.assertEqual(proxy.exchange(get("/", extra="X-A: %s\r\n" % ("a" * 2000))).status, 431)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["agent"], entry["status"], entry["connect"], entry["directive"]),
                         ("", 431, None, "max_head"))
        self.assertRegex(entry["origin"], r"greenway\.ini:\d+$")

    def test_a_tunnel_keeps_its_values(self):
        def switching(wire, upstream):
            wire.head()
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            wire.send(wire.exactly(5))
        proxy = self.gateway('"${header:X-Name}" ${uri} ${query:q} ${status} ${bytes_in}', self.upstream(switching))
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/ws?q=1", extra="X-Name: my name\r\n" + ASK)).status, 101)
            wire.send(b"hello")
            self.assertEqual(wire.exactly(5), b"hello")
        wait_for(lambda: proxy.access_lines(), "a line")
        self.assertEqual(proxy.access_lines(), ['"my name" /ws?q=1 1 101 5'])

    def test_tcp(self):
        proxy = self.greenway(
            "[greenway]\nworkers = 1\naccess_log = %s\nlog_format = ${protocol} ${method} ${header:X} ${bytes_in}\n"
            "[listener l]\nbind = 127.0.0.1:0\nprotocol = tcp\nupstream = app\n[upstream app]\nserver = %s\n"
            % (self.path("access.log"), self.upstream(lambda wire, upstream: wire.until_end()).server))
        with proxy.dial() as wire:
            wire.send(b"12345")
            wire.finish()
            wire.ending()
        wait_for(lambda: proxy.access_lines(), "a line")
        self.assertEqual(proxy.access_lines(), ["TCP - - 5"])


class Sections(Case):
    def test_listeners_and_routes(self):
        upstream = self.upstream(answering(lambda request: ok(b"x")))
        proxy = self.greenway(
            "[greenway]\nworkers = 2\naccess_log = %s\nlog_format = ${uri}\n"
            "[listener a]\nbind = 127.0.0.1:0\nupstream = app\n"
            "[listener b]\nbind = 127.0.0.1:0\nupstream = app\naccess_log = %s\nlog_format = b ${uri}\n"
            "[route own]\npath = /own/*\naccess_log = %s\nupstream = app\n"
            "[route silent]\npath = /silent/*\naccess_log = off\nupstream = app\n"
            "[route form]\npath = /form/*\nlog_format = form ${uri}\nupstream = app\n"
            "[upstream app]\nserver = %s\n"
            % (self.path("a.log"), self.path("b.log"), self.path("own.log"), upstream.server), listeners=2)
        for listener in "ab":
            for path in ("/own/1", "/silent/1", "/form/1", "/1"):
                with proxy.dial(listener) as wire:
                    self.assertEqual(wire.exchange(get(path)).status, 200)
        proxy.stop()
        self.assertEqual(sorted(lines_of(self.path("a.log"))), [b"/1", b"form /form/1"])
        self.assertEqual(sorted(lines_of(self.path("b.log"))), [b"b /1", b"form /form/1"])
        self.assertEqual(sorted(lines_of(self.path("own.log"))), [b"/own/1", b"b /own/1"])

    def test_conditions_and_samples(self):
        def script(request):
            status = int(request.target.rpartition("/")[2])
            return b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status
        proxy = self.proxy(self.upstream(answering(script)), listener="log_when = 404, 5xx\n", extra=(
            "[route sampled]\npath = /sampled/*\nlog_when = error\nlog_sample = 1/1000000\nupstream = app\n"
            "[route all]\npath = /all/*\nlog_when = all\nupstream = app\n"))
        with proxy.dial() as wire:
            for path in ("/200", "/404", "/403", "/503", "/sampled/200", "/sampled/404", "/sampled/500", "/all/200"):
                wire.exchange(get(path))
        proxy.stop()
        targets = [entry["target"] for entry in proxy.access_log(4)]
        self.assertEqual(targets, ["/404", "/503", "/sampled/500", "/all/200"])


class Starting(Case):
    def complaint(self, target):
        text = http_config(self.folder, "127.0.0.1:1").replace("access_log = %s/access.log" % self.folder,
                                                               "access_log = " + target)
        status, _, stderr = run_command("run", "-c", self.write("greenway.ini", text))
        self.assertEqual(status, 1, stderr)
        return stderr

    def test_what_cannot_be_opened_is_told(self):
        self.assertIn("none/access.log: no such file or directory; its folder has to be there",
                      self.complaint(self.path("none/access.log")).lower())
        os.mkfifo(self.path("fifo"))
        self.assertIn("nobody reads that FIFO", self.complaint(self.path("fifo")))
        self.assertIn("is a directory", self.complaint(os.path.dirname(self.folder) + "/./" +
                                                       os.path.basename(self.folder)).lower())

    def test_mode_of_a_new_file(self):
        proxy = self.proxy(self.upstream())
        proxy.exchange(get("/"))
        proxy.access_log(1)
        self.assertEqual(os.stat(self.path("access.log")).st_mode & 0o777 & ~0o640, 0)


class Syslog(Case):
    def gateway(self, target):
        return self.greenway(http_config(self.folder, self.upstream()).replace(
            "access_log = %s/access.log" % self.folder, "access_log = " + target))

    def messages(self, receiver, count):
        receiver.settimeout(15)
        return [receiver.recv(65536).decode() for _ in range(count)]

    def test_datagrams(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            proxy = self.gateway("syslog:127.0.0.1:%d" % receiver.getsockname()[1])
            for number in range(3):
                proxy.exchange(get("/%d" % number))
            for number, message in enumerate(self.messages(receiver, 3)):
                head, brace, entry = message.partition("{")
                self.assertRegex(head, r"^<190>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+ greenway %d - - $" % proxy.pid)
                self.assertEqual(json.loads(brace + entry)["target"], "/%d" % number)

    def test_a_socket_that_is_made_anew(self):
        path = self.path("log")

        def receiver():
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(made.close)
            made.bind(path)
            return made
        first = receiver()
        proxy = self.gateway("syslog:unix:" + path)
        proxy.exchange(get("/first"))
        message = self.messages(first, 1)[0]
        self.assertRegex(message, r"^<190>\w{3} [ \d]\d \d\d:\d\d:\d\d greenway\[%d\]: \{" % proxy.pid)
        first.close()
        os.unlink(path)
        proxy.exchange(get("/lost"))
        wait_for(lambda: re.search(r"cannot write the access log syslog", proxy.stderr()), "a complaint")
        second = receiver()
        proxy.exchange(get("/second"))
        self.assertIn('"/second"', self.messages(second, 1)[0])
        wait_for(lambda: "has lost 1 lines" in proxy.stderr(), "the count")


if __name__ == "__main__":
    main()
