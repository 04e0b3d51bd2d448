"""allow and deny: which networks requests may come from, in listeners and in routes, on TCP and unix sockets."""

import socket

from harness import Case, answering, main
from wire import Wire, dial, get, ok, post


class Access(Case):
    def app(self):
        return self.upstream(answering(lambda request: ok(b"in")))

    def routes(self, listener="", **routes):
        """A proxy with a listener of these lines and a route /NAME/* for each name, with lines of its own."""
        text = "".join("[route %s]\npath = /%s/*\nupstream = app\n%s\n" % (name, name, lines)
                       for name, lines in routes.items())
        return self.proxy(self.app(), listener=listener, extra=text)

    def asked_from(self, proxy, source, target="/"):
        """The answer to a client whose address is `source`, all of 127.0.0.0/8 being ours."""
        sock = socket.create_connection(("127.0.0.1", proxy.port), source_address=(source, 0))
        with Wire(sock) as wire:
            return wire.exchange(get(target))

    def assert_denied(self, proxy, answer, directive):
        self.assertEqual(answer.status, 403)
        self.assert_own_page(answer)
        self.assertIn("error=http_request_denied", answer.get("Proxy-Status"))
        entry = proxy.access_log(1)[-1]
        self.assertEqual((entry["reason"], entry["directive"]), ("source_denied", directive))
        return entry

    def test_without_rules_everybody_is_in(self):
        proxy = self.routes(open="")
        self.assertEqual(self.asked_from(proxy, "127.0.0.9").status, 200)

    def test_allow_of_a_listener(self):
        proxy = self.routes(listener="allow = 127.0.0.1, 127.1.0.0/16, 2001:db8::/32")
        self.assertEqual(self.asked_from(proxy, "127.0.0.1").status, 200)
        self.assertEqual(self.asked_from(proxy, "127.1.2.3").status, 200)
        self.assertEqual(self.asked_from(proxy, "127.2.0.1").status, 403)

    def test_deny_of_a_listener(self):
        proxy = self.routes(listener="deny = 127.0.0.8/29")
        self.assertEqual(self.asked_from(proxy, "127.0.0.7").status, 200)
        self.assertEqual(self.asked_from(proxy, "127.0.0.8").status, 403)
        self.assertEqual(self.asked_from(proxy, "127.0.0.15").status, 403)
        self.assertEqual(self.asked_from(proxy, "127.0.0.16").status, 200)

    def test_deny_beats_allow(self):
        proxy = self.routes(listener="allow = 127.0.0.0/8\ndeny = 127.0.0.2")
        self.assertEqual(self.asked_from(proxy, "127.0.0.1").status, 200)
        self.assertEqual(self.asked_from(proxy, "127.0.0.2").status, 403)

    def test_the_rules_of_listener_and_route_have_to_be_met_both(self):
        proxy = self.routes(listener="deny = 127.0.0.2", admin="allow = 127.0.0.1, 127.0.0.2")
        for source, target, status in (("127.0.0.1", "/", 200), ("127.0.0.1", "/admin/x", 200),
                                       ("127.0.0.3", "/", 200), ("127.0.0.3", "/admin/x", 403),
                                       ("127.0.0.2", "/", 403), ("127.0.0.2", "/admin/x", 403)):
            with self.subTest(source=source, target=target):
                self.assertEqual(self.asked_from(proxy, source, target).status, status)

    def test_dot_segments_do_not_lead_around_a_route(self):
        proxy = self.routes(listener="", admin="allow = 10.0.0.0/8")
        for target in ("/admin/x", "/x/../admin/x", "/x/%2e%2e/admin/x", "/./admin", "/%61dmin/x"):
            with self.subTest(target=target):
                self.assertIn(self.asked_from(proxy, "127.0.0.1", target).status, (400, 403))

    def test_the_peers_of_unix_sockets(self):
        path, closed = self.path("open.sock"), self.path("closed.sock")
        app = self.app()
        proxy = self.greenway("[listener open]\nbind = 127.0.0.1:0, unix:%s\nupstream = app\nallow = unix\n"
                              "[listener closed]\nbind = unix:%s\nupstream = app\nallow = 0.0.0.0/0, ::/0\n"
                              "[upstream app]\nserver = %s\n" % (path, closed, app.server), listeners=3)
        with dial(path) as wire:
            self.assertEqual(wire.exchange(get()).status, 200)
        with dial(closed) as wire:
            self.assertEqual(wire.exchange(get()).status, 403)
        self.assertEqual(proxy.exchange(get()).status, 403)

    def test_the_log_names_the_key_and_its_line(self):
        proxy = self.routes(listener="deny = 127.0.0.2", admin="allow = 127.0.0.9")
        with open(self.path("greenway.ini")) as file:
            lines = file.read().split("\n")
        entry = self.assert_denied(proxy, self.asked_from(proxy, "127.0.0.2"), "deny")
        self.assertEqual(entry["client"], "127.0.0.2")
        self.assertTrue(entry["origin"].endswith("greenway.ini:%d" % (lines.index("deny = 127.0.0.2") + 1)), entry)
        answer = self.asked_from(proxy, "127.0.0.1", "/admin/")
        proxy.access_log(2)
        entry = self.assert_denied(proxy, answer, "allow")
        self.assertTrue(entry["origin"].endswith("greenway.ini:%d" % (lines.index("allow = 127.0.0.9") + 1)), entry)

    def test_the_connection_goes_on_after_a_refusal(self):
        proxy = self.routes(admin="deny = 127.0.0.0/8")
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(get("/admin/")).status, 403)
            self.assertEqual(wire.exchange(post("/admin/", b"body that is here")).status, 403)
            self.assertEqual(wire.exchange(get("/")).body, b"in")

    def test_a_refused_body_is_not_read_for_ever(self):
        proxy = self.routes(admin="deny = 127.0.0.0/8")
        with proxy.dial() as wire:
            wire.send("POST /admin/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
            self.assert_refused(wire, (403,))


if __name__ == "__main__":
    main()
