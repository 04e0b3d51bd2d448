"""Every case of tests/hostile through the running greenway: whole, and cut in two.

Both sides are looked at: what the client is told, and what a recording upstream saw, which must be exactly the requests
that the table calls good. GREENWAY_TEST_CUTS says how many of the places to cut a message at are tried.
"""

import collections
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "end_to_end"))
sys.dont_write_bytecode = True

import answer_cases
import request_cases
from cases import CLOSE, KEEP, PART
from harness import Case, SMALL, main
from upstream import idle
from volley import Shot, Volley
from wire import Malformed, Truncated, Wire, get, ok

CUTS = int(os.environ.get("GREENWAY_TEST_CUTS") or 0)
AT_ONCE = 100
TIMEOUTS = "[timeouts]\ntimeout_linger = 2s\n"


class Recording(Wire):
    """Answers that were read already."""

    def __init__(self, data):
        self.buffer = bytearray(data)

    def more(self):
        return False


def places(case, chance, few):
    """Where to cut a message."""
    size = len(case.data)
    if case.kind == "answer" and case.verdict == "pass" and not case.reuse and case.end == "keep":
        size = case.data.index(b"\r\n\r\n") + 4  # what comes behind an answer has to come before it is complete
    if size < 2:
        return []
    return chance.sample(range(1, size), min(CUTS or few, size - 1))


class Requests(Case):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(self.record)
        self.gateway = self.proxy(self.app, extra=TIMEOUTS)
        self.wanted = collections.Counter()

    @staticmethod
    def record(wire, upstream):
        while idle(wire):
            request = wire.request()
            upstream.record(request, wire)
            wire.send(ok(request.body if request.method != "HEAD" else b""))

    def probe(self):
        self.assertEqual(self.gateway.exchange(get("/probe")).status, 200)

    def seen(self):
        with self.app.lock:
            seen, self.app.requests = self.app.requests, []
        return collections.Counter((request.method, request.target, request.body) for request in seen
                                   if request.target != "/probe")

    def judge(self, shot):
        """What is wrong with what the client got, or None."""
        case = shot.case
        wire = Recording(shot.data)
        answers = []
        try:
            while wire.buffer:
                good = case.good[len(answers)] if len(answers) < len(case.good) else None
                answers.append(wire.final(good.method if good else "GET"))
        except (Truncated, Malformed) as error:
            return "an answer that is not whole: %r" % error
        statuses = [answer.status for answer in answers]
        count = len(case.good)
        if statuses[:count] != [200] * count:
            return "answers %s, not %d times 200" % (statuses, count)
        if any(answer.body != good.body for answer, good in zip(answers, case.good) if good.method != "HEAD"):
            return "somebody else's answer"
        if case.end in (KEEP, CLOSE, PART):
            return "answers %s, not %d" % (statuses, count) if len(answers) != count else None
        if len(answers) != count + 1 or statuses[-1] not in case.end:
            return "answers %s, not %d times 200 and one of %s" % (statuses, count, case.end)
        if "close" not in answers[-1].tokens("Connection") or not answers[-1].has("Proxy-Status"):
            return "not a page of the proxy that ends the connection"
        return None

    def fire(self, shots):
        Volley(self.gateway.port, self.probe).fire(shots)
        wrong = ["%r: %s" % (shot, self.judge(shot)) for shot in shots if self.judge(shot)]
        wanted = collections.Counter(good.key() for shot in shots for good in shot.case.good)
        seen = self.seen()
        if seen != wanted:
            wrong.append("upstream saw %r too often and %r too seldom in %r"
                         % (list(seen - wanted)[:3], list(wanted - seen)[:3], shots[:3]))
        self.assertEqual(wrong, [])

    def fire_all(self, shots):
        for start in range(0, len(shots), AT_ONCE):
            self.fire(shots[start:start + AT_ONCE])
        self.probe()
        self.assertEqual(self.seen(), collections.Counter(), "something came late")

    @staticmethod
    def shot(case, cut=None):
        # Who has said all or stops in the middle says so. For an end that the proxy has to make it is waited.
        return Shot(case, cut, case.end in (KEEP, PART))

    def test_whole(self):
        self.fire_all([self.shot(case) for case in request_cases.ALL])

    def test_cut(self):
        chance = random.Random(1)
        cases = request_cases.ALL[::7] if SMALL and not CUTS else request_cases.ALL
        self.fire_all([self.shot(case, cut) for case in cases for cut in places(case, chance, 1)])


class Answers(Case):
    def setUp(self):
        super().setUp()
        self.shots = []
        self.app = self.upstream(self.play)
        self.gateway = self.proxy(self.app, upstream="keepalive = 100")

    def probe(self):
        self.assertEqual(self.gateway.exchange(get("/probe")).status, 200)

    def play(self, wire, upstream):
        """Answers /N with the bytes of shot N, in its pieces, and then does as the case says."""
        while idle(wire):
            target = wire.request().target[1:]
            if not target.isdigit():
                wire.send(ok(b"good"))
                continue
            case, cut = self.shots[int(target)]
            if cut is not None:
                wire.send(case.data[:cut])
                self.probe()
            wire.send(case.data[cut or 0:])
            if case.end == "fin":
                return
            if case.verdict != "pass" or not case.reuse:
                if idle(wire):
                    raise AssertionError("%s: the connection was used again" % case.name)
                return

    def judge(self, number):
        case, cut = self.shots[number]
        with self.gateway.dial() as wire:
            wire.send("%s /%d HTTP/1.1\r\nHost: h.example\r\n\r\n" % (case.method, number))
            try:
                answer = wire.final(case.method)
                visible = answer.status == 502 and answer.has("Proxy-Status")
                after = wire.exchange(get("/after"))
                if after.status != 200 or after.body != b"good":
                    return "what came after it: %r" % after
            except Truncated:
                return None if case.verdict == "cut" else "an answer that breaks off"
            except (Malformed, ConnectionError) as error:
                return repr(error)
        if case.verdict != "pass":
            return None if visible else "the answer %r" % answer
        if answer.status != case.status or (case.method != "HEAD" and answer.body != case.body):
            return "the answer %r %r" % (answer, answer.body[:50])
        return None

    def run_all(self, shots):
        self.shots = shots
        with ThreadPoolExecutor(32) as pool:
            verdicts = list(pool.map(self.judge, range(len(shots))))
        self.assertEqual(["%s cut at %s: %s" % (shots[i][0].name, shots[i][1], verdict)
                          for i, verdict in enumerate(verdicts) if verdict], [])
        self.assertEqual(self.app.errors, [])

    def test_whole(self):
        self.run_all([(case, None) for case in answer_cases.ALL])

    def test_cut(self):
        chance = random.Random(2)
        cases = answer_cases.ALL if CUTS else answer_cases.ALL[::15 if SMALL else 5]
        self.run_all([(case, cut) for case in cases for cut in places(case, chance, 2)])


if __name__ == "__main__":
    main()
