"""The admin pages as programs see them, and a strict reader of Prometheus' text format."""

import http.client
import re
import socket

from harness import PATIENCE, Case, http_config, wait_for

WHERE = re.compile(r"metrics and dashboard on (?:http://127\.0\.0\.1:(\d+)/|unix:(\S+))")
HEAD = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|\+Inf|NaN)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


class Metrics:
    """The samples of one reading: {name: {labels: value}}; anything that Prometheus would not take is an error."""

    def __init__(self, text):
        self.samples = {}
        types, helps, family = {}, set(), None
        assert text.endswith("\n"), "no newline at the end"
        for line in text.split("\n")[:-1]:
            head = HEAD.fullmatch(line)
            if head:
                kind, name, rest = head.groups()
                if kind == "HELP":
                    assert name not in helps, "two HELP of " + name
                    helps.add(name)
                else:
                    assert name in helps and name not in types, "TYPE of " + name
                    assert rest in ("counter", "gauge", "histogram"), line
                    types[name] = rest
                    family = name
                continue
            sample = SAMPLE.fullmatch(line)
            assert sample, "no sample: %r" % line
            name, labels, value = sample.groups()
            base = re.sub(r"_(bucket|sum|count)$", "", name) if types.get(family) == "histogram" else name
            assert base == family, "%s stands among the samples of %s" % (name, family)
            assert types[family] != "counter" or name.endswith("_total"), name
            found = LABEL.findall(labels or "")
            assert LABEL.sub("", labels or "") == "", "labels of %r" % line
            key = frozenset(found)
            assert len(key) == len(found), "a label twice: %r" % line
            assert key not in self.samples.setdefault(name, {}), "twice: %r" % line
            self.samples[name][key] = float(value)
        self.types = types
        for name in [name for name, kind in types.items() if kind == "histogram"]:
            self.check_histogram(name)

    def check_histogram(self, name):
        ladders = {}
        for key, value in self.samples.get(name + "_bucket", {}).items():
            bound = dict(key)["le"]
            ladders.setdefault(frozenset(pair for pair in key if pair[0] != "le"), []).append((float(bound), value))
        for key, ladder in ladders.items():
            ladder.sort()
            counts = [count for _, count in ladder]
            assert counts == sorted(counts), "%s%r falls" % (name, dict(key))
            assert ladder[-1] == (float("inf"), self.samples[name + "_count"][key]), name
            assert key in self.samples[name + "_sum"], name

    def sum(self, name, **labels):
        """Over all samples that have these labels."""
        wanted = set(labels.items())
        return sum(value for key, value in self.samples.get(name, {}).items() if wanted <= key)

    def labels(self, name, label):
        return {dict(key)[label] for key in self.samples.get(name, {})}


class Admin(Case):
    """A proxy with an admin listener."""

    def with_admin(self, *servers, greenway="", workers=1, **sections):
        if "admin =" not in greenway:
            greenway += "\nadmin = 127.0.0.1:0"
        text = http_config(self.folder, *servers, greenway=greenway, **sections)
        self.watched = self.greenway(text.replace("workers = 1", "workers = %d" % workers))
        return self.watched

    def admin_port(self):
        return wait_for(lambda: next((int(found.group(1)) for found in map(WHERE.search, self.watched.lines)
                                      if found and found.group(1)), None), "the line about the admin address")

    def ask(self, path, method="GET", body=None, port=None, unix=None, **fields):
        """One request: (status, fields, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", port or (0 if unix else self.admin_port()), timeout=PATIENCE)
        if unix:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(PATIENCE)
            connection.sock.connect(unix)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def metrics(self, **options):
        status, fields, body = self.ask("/metrics", **options)
        self.assertEqual(status, 200, body)
        self.assertEqual(fields["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return Metrics(body.decode())

    def wait_metric(self, value, name, **labels):
        """What is counted when an answer has left may come a moment after it."""
        wait_for(lambda: self.metrics().sum(name, **labels) >= value,
                 lambda: "%s%r = %r, it is %r" % (name, labels, value, self.metrics().sum(name, **labels)))
        self.assertEqual(self.metrics().sum(name, **labels), value, (name, labels))
