"""Names of requests: ids and W3C Trace Context, towards servers, in logs and on error pages."""

import re

from harness import Case, main
from wire import get, ok

ID = re.compile(r"^[0-9a-f]{32}$")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = "traceparent: 00-%s-%s-%s\r\n"


class Ids(Case):
    def gateway(self, lines, **sections):
        self.app = self.upstream()
        self.proxied = self.proxy(self.app, listener=lines, **sections)
        return self.proxied

    def seen(self, extra="", name="X-Request-Id"):
        """What the server is told about a request with these fields."""
        self.assertEqual(self.proxied.exchange(get("/", extra=extra)).status, 200)
        return self.app.requests[-1].all(name)

    def test_off(self):
        self.gateway("")
        self.assertEqual(self.seen(), [])
        self.assertEqual(self.seen("X-Request-Id: mine\r\n"), ["mine"])
        self.assertNotIn("request_id", self.proxied.access_log(2)[0])

    def test_on(self):
        self.gateway("request_id = on\n", greenway="trusted = 127.0.0.0/8")
        ids = [self.seen(extra)[0] for extra in ("", "X-Request-Id: mine\r\n", "x-request-id: a\r\nX-Request-ID: b\r\n")]
        for given in ids:
            self.assertRegex(given, ID)
        self.assertEqual(len(set(ids)), 3)
        self.assertEqual([entry["request_id"] for entry in self.proxied.access_log(3)], ids)

    def test_unique(self):
        self.gateway("request_id = on\n")
        with self.proxied.dial() as wire:
            for _ in range(500):
                wire.exchange(get("/"))
        ids = [entry["request_id"] for entry in self.proxied.access_log(500)]
        self.assertEqual(len(set(ids)), 500)

    def test_trust(self):
        self.gateway("request_id = trust\nrequest_id_header = X-Correlation\ntrusted = 127.0.0.0/8\n")
        self.assertEqual(self.seen("X-Correlation: abc-DEF_1.2~3:/+=@\r\n", "X-Correlation"), ["abc-DEF_1.2~3:/+=@"])
        self.assertEqual(self.proxied.access_log(1)[0]["request_id"], "abc-DEF_1.2~3:/+=@")
        for bad in ("", "a b", "a,b", "<script>", 'a"b', "a\\b", "x" * 129, "\xe9", "a;b", "a%b"):
            with self.subTest(bad=bad):
                self.assertRegex(self.seen("X-Correlation: %s\r\n" % bad, "X-Correlation")[0], ID)
        self.assertEqual(self.seen("X-Correlation: %s\r\n" % ("x" * 128), "X-Correlation"), ["x" * 128])

    def test_nobody_is_trusted(self):
        self.gateway("request_id = trust\n")
        self.assertRegex(self.seen("X-Request-Id: mine\r\n")[0], ID)

    def test_error_pages(self):
        self.gateway("request_id = on\nrequest_id_header = X-Rid\n", extra="[route no]\npath = /no/*\ndeny = 0.0.0.0/0, ::/0\n"
                     "upstream = app\n[route own]\npath = /own/*\ndeny = 0.0.0.0/0, ::/0\nupstream = app\n"
                     "error_page = 403 <<${request_id}>>\n")
        answer = self.proxied.exchange(get("/no/x"))
        self.assertEqual(answer.status, 403)
        given = answer.get("X-Rid")
        self.assertRegex(given, ID)
        self.assertIn(("request %s\n" % given).encode(), answer.body)
        answer = self.proxied.exchange(get("/own/x"))
        self.assertEqual(answer.body.decode(), "<<%s>>" % answer.get("X-Rid"))
        with self.proxied.dial() as wire:
            wire.send(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
            answer = wire.final()
        self.assertEqual(answer.status, 400)
        self.assertEqual([entry["request_id"] for entry in self.proxied.access_log(3)][::2], [given, answer.get("X-Rid")])

    def test_header_rules_go_last(self):
        self.gateway("request_id = on\nrequest_header = set X-Request-Id mine\nrequest_header = set X-Again ${request_id}\n")
        self.assertEqual(self.seen(), ["mine"])
        self.assertEqual(self.app.requests[-1].get("X-Again"), self.proxied.access_log(1)[0]["request_id"])


class Traces(Case):
    def gateway(self, lines, **sections):
        self.app = self.upstream()
        self.proxied = self.proxy(self.app, listener=lines, **sections)
        self.steps = []
        self.addCleanup(self.check_log)

    def check_log(self):
        entries = self.proxied.access_log(len(self.steps))
        self.assertEqual([(entry.get("trace_id"), entry.get("span_id")) for entry in entries], self.steps)

    def seen(self, extra=""):
        """(trace id, parent id, flags), tracestate."""
        self.assertEqual(self.proxied.exchange(get("/", extra=extra)).status, 200)
        request = self.app.requests[-1]
        parents = request.all("traceparent")
        self.assertLessEqual(len(parents), 1)
        found = re.match(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$", parents[0]) if parents else None
        self.assertTrue(found or not parents, parents)
        self.steps.append(found.groups()[:2] if found else (None, None))
        return found and found.groups(), request.get("tracestate")

    def test_off_passes_everything(self):
        self.gateway("")
        self.proxied.exchange(get("/", extra="traceparent: nonsense\r\ntracestate: A\r\n"))
        self.steps.append((None, None))
        self.assertEqual(self.app.requests[0].get("traceparent"), "nonsense")
        self.assertEqual(self.app.requests[0].get("tracestate"), "A")

    def test_a_trace_goes_on(self):
        self.gateway("trace_context = propagate\n")
        for flags, kept in (("01", "01"), ("00", "00"), ("03", "01"), ("fe", "00")):
            (trace, parent, sent), state = self.seen(TRACEPARENT % (TRACE, PARENT, flags) +
                                                     "tracestate: a=1, b=2\r\ntracestate: c=3\r\n")
            self.assertEqual((trace, sent, state), (TRACE, kept, "a=1, b=2, c=3"))
            self.assertNotEqual(parent, PARENT)

    def test_steps_differ(self):
        self.gateway("trace_context = propagate\n")
        parents = {self.seen(TRACEPARENT % (TRACE, PARENT, "01"))[0][1] for _ in range(20)}
        self.assertEqual(len(parents), 20)

    def test_none_is_begun(self):
        self.gateway("trace_context = propagate\n")
        self.assertEqual(self.seen(), (None, None))
        self.assertEqual(self.seen("tracestate: a=1\r\n"), (None, None))

    def test_malformed_begins_anew(self):
        self.gateway("trace_context = propagate\n")
        good = "00-%s-%s-01" % (TRACE, PARENT)
        for bad in ("traceparent: x\r\n", "traceparent: %s-\r\n" % good, "traceparent: %s\r\n" % good.upper(),
                    "traceparent: %s\r\ntraceparent: %s\r\n" % (good, good), "traceparent:\r\n",
                    "traceparent: ff%s\r\n" % good[2:], "traceparent: 00-%s-%s-01\r\n" % ("0" * 32, PARENT)):
            with self.subTest(bad=bad):
                (trace, _, flags), state = self.seen(bad + "tracestate: a=1\r\n")
                self.assertNotEqual(trace, TRACE)
                self.assertEqual((flags, state), ("01", None))

    def test_malformed_state_is_dropped(self):
        self.gateway("trace_context = propagate\n")
        for bad in ("A=1", "a", "a=1,b", ",".join("a%d=1" % number for number in range(33))):
            (trace, _, _), state = self.seen(TRACEPARENT % (TRACE, PARENT, "01") + "tracestate: %s\r\n" % bad)
            self.assertEqual((trace, state), (TRACE, None))

    def test_generate(self):
        self.gateway("trace_context = generate\n")
        traces = {self.seen()[0][0] for _ in range(20)}
        self.assertEqual(len(traces), 20)
        self.assertEqual(self.seen(TRACEPARENT % (TRACE, PARENT, "00"))[0][::2], (TRACE, "00"))

    def test_samples(self):
        self.gateway("trace_context = generate\ntrace_sample = 1/1000000\n")
        self.assertIn("00", {self.seen()[0][2] for _ in range(5)})
        self.assertEqual(self.seen(TRACEPARENT % (TRACE, PARENT, "01"))[0][2], "01")

    def test_trusted(self):
        self.gateway("trace_context = trusted\n")
        self.assertNotEqual(self.seen(TRACEPARENT % (TRACE, PARENT, "01") + "tracestate: a=1\r\n")[0][0], TRACE)
        self.assertIsNone(self.app.requests[0].get("tracestate"))

    def test_trusted_peer(self):
        self.gateway("trace_context = trusted\ntrusted = 127.0.0.0/8\n")
        self.assertEqual(self.seen(TRACEPARENT % (TRACE, PARENT, "01"))[0][0], TRACE)


if __name__ == "__main__":
    main()
