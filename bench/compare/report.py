"""The table, the bars that greenway is held to, and the JSON file."""

import json
import statistics

COLUMNS = ("relay", "nginx", "haproxy", "greenway")

# (row of results, number within, label, format, decimals); a row of None is a heading
TABLE = (
    (None, None, "HTTP keepalive"),
    ("http_1", "requests_per_s", "requests/s, 1 connection", "{:.0f}"),
    ("http_1", "cpu_us", "CPU us/request, 1 connection", "{:.2f}"),
    ("http_64", "requests_per_s", "requests/s, 64 connections", "{:.0f}"),
    ("http_64", "cpu_us", "CPU us/request, 64 connections", "{:.2f}"),
    ("http_64", "user_us", "  of it user", "{:.2f}"),
    ("http_64", "system_us", "  of it system", "{:.2f}"),
    ("http_64", "sleeps", "  sleeps/request", "{:.3f}"),
    ("syscalls", "per_request", "system calls/request, 1 connection", "{:.2f}"),
    (None, None, "HTTPS: TLS 1.3, ECDSA P-256"),
    ("https_1", "cpu_us", "CPU us/request, 1 connection", "{:.2f}"),
    ("https_64", "requests_per_s", "requests/s, 64 connections", "{:.0f}"),
    ("https_64", "cpu_us", "CPU us/request, 64 connections", "{:.2f}"),
    ("https_64", "user_us", "  of it user", "{:.2f}"),
    ("https_64", "system_us", "  of it system", "{:.2f}"),
    ("syscalls_tls", "per_request", "system calls/request, 1 connection", "{:.2f}"),
    ("handshakes_full", "per_cpu_second", "full handshakes/CPU second", "{:.0f}"),
    ("handshakes_resumed", "per_cpu_second", "resumed handshakes/CPU second", "{:.0f}"),
    ("bulk_https", "cpu_s_per_gib", "CPU s/GiB, bodies of 100 MiB", "{:.3f}"),
    ("idle_https", "kib_each", "KiB/idle keepalive connection", "{:.2f}"),
    ("idle_https_burst", "kib_each", "  all opened at once", "{:.2f}"),
    (None, None, "TCP"),
    ("tcp_1", "requests_per_s", "requests/s, 1 connection", "{:.0f}"),
    ("tcp_1", "cpu_us", "CPU us/request, 1 connection", "{:.2f}"),
    ("tcp_64", "requests_per_s", "requests/s, 64 connections", "{:.0f}"),
    ("tcp_64", "cpu_us", "CPU us/request, 64 connections", "{:.2f}"),
    ("tcp_64", "user_us", "  of it user", "{:.2f}"),
    ("tcp_64", "system_us", "  of it system", "{:.2f}"),
    ("tcp_64", "sleeps", "  sleeps/request", "{:.3f}"),
    (None, None, "Bulk, bodies of 100 MiB"),
    ("bulk_http", "cpu_s_per_gib", "CPU s/GiB, HTTP (HAProxy: splice-auto)", "{:.3f}"),
    ("bulk_splice", "cpu_s_per_gib", "  HAProxy made to splice", "{:.3f}"),
    ("bulk_plain", "cpu_s_per_gib", "  HAProxy without splice", "{:.3f}"),
    ("bulk_tcp", "cpu_s_per_gib", "CPU s/GiB, TCP (HAProxy: splice-auto)", "{:.3f}"),
    (None, None, "Resident memory"),
    ("idle_http", "kib_each", "KiB/idle keepalive connection", "{:.2f}"),
    ("idle_http_burst", "kib_each", "  all opened at once", "{:.2f}"),
    ("idle_tcp", "kib_each", "KiB/idle TCP tunnel", "{:.2f}"),
    ("idle_tcp_burst", "kib_each", "  all opened at once", "{:.2f}"),
)


class Results:
    """samples[row][peer] is a list of dicts of numbers, one for each round."""

    def __init__(self):
        self.samples, self.notes = {}, []

    def add(self, row, peer, sample):
        self.samples.setdefault(row, {}).setdefault(peer, []).append(sample)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def values(self, row, peer, number):
        return [sample[number] for sample in self.samples.get(row, {}).get(peer, [])]

    def median(self, row, peer, number):
        values = self.values(row, peer, number)
        return statistics.median(values) if values else None

    def best_peer(self, row, number, best=min):
        """The better of nginx and HAProxy, where less is better (or more: `best` is max)."""
        values = [self.median(row, peer, number) for peer in ("nginx", "haproxy")]
        return best((value for value in values if value is not None), default=None)


def beyond_floor(results):
    value, floor = (results.median("idle_https", of, "kib_each") for of in ("greenway", "floor"))
    return None if value is None or floor is None else value - floor


def judge(results):
    """[(bar, what was measured or None, passed or None)]. None: not measured."""
    median = results.median

    def at_most(text, value, limit, factor=1.0, strictly=False):
        if value is None or limit is None:
            return text, None, None
        bound = limit * factor
        return text, f"{value:.3g}, bar {bound:.3g}", value < bound if strictly else value <= bound

    def at_least(text, row, number, factor):
        value, reference = median(row, "greenway", number), results.best_peer(row, number, max)
        if value is None or reference is None:
            return text, None, None
        return text, f"{value:.4g}, bar {reference * factor:.4g}", value >= reference * factor

    http, tcp = median("http_64", "greenway", "cpu_us"), median("tcp_64", "greenway", "cpu_us")
    epoll_ctl = median("syscalls", "greenway", "epoll_ctl")
    return [
        at_most("HTTP keepalive, 64 connections: CPU/request <= 0.80 x the better of nginx and HAProxy",
                http, results.best_peer("http_64", "cpu_us"), 0.80),
        at_most("HTTPS keepalive, 64 connections: CPU/request <= 0.80 x the better of nginx and HAProxy",
                median("https_64", "greenway", "cpu_us"), results.best_peer("https_64", "cpu_us"), 0.80),
        at_least("full handshakes per CPU second >= 1.0 x the better of both", "handshakes_full", "per_cpu_second", 1.0),
        at_least("resumed handshakes per CPU second >= 1.1 x the better of both", "handshakes_resumed",
                 "per_cpu_second", 1.1),
        at_most("bulk over HTTPS: CPU/GiB <= the better of nginx and HAProxy",
                median("bulk_https", "greenway", "cpu_s_per_gib"), results.best_peer("bulk_https", "cpu_s_per_gib")),
        at_most("system calls per HTTPS keepalive request <= 6.1", median("syscalls_tls", "greenway", "per_request"), 6.1),
        at_most("TCP, 64 connections: CPU/request <= 1.10 x the bare relay",
                tcp, median("tcp_64", "relay", "cpu_us"), 1.10),
        at_most("TCP, 64 connections: CPU/request below nginx stream",
                tcp, median("tcp_64", "nginx", "cpu_us"), strictly=True),
        at_most("TCP, 64 connections: CPU/request below HAProxy tcp",
                tcp, median("tcp_64", "haproxy", "cpu_us"), strictly=True),
        at_most("bulk over HTTP: CPU/GiB <= HAProxy with splice-auto",
                median("bulk_http", "greenway", "cpu_s_per_gib"),
                median("bulk_http", "haproxy", "cpu_s_per_gib")),
        at_most("system calls per keepalive request <= 6.1", median("syscalls", "greenway", "per_request"), 6.1),
        ("no epoll_ctl in steady state", None if epoll_ctl is None else f"{epoll_ctl:.0f} seen",
         None if epoll_ctl is None else epoll_ctl == 0),
        at_most("resident KiB per idle keepalive connection <= 0.6",
                median("idle_http", "greenway", "kib_each"), 0.6),
        at_most("resident KiB per idle HTTPS connection beyond OpenSSL's own <= 12",
                beyond_floor(results), 12),
        at_most("resident KiB per idle TCP tunnel <= 1.5", median("idle_tcp", "greenway", "kib_each"), 1.5),
    ]


def show(results, about):
    for line in about:
        print(line)
    print()
    print(f"{'':40}" + "".join(f"{name:>10}" for name in COLUMNS) + "   green/relay  green/best  spread")
    heading = None
    for row, number, label, *form in TABLE:
        if row is None:
            heading = label
        elif row in results.samples:
            if heading:
                print(heading)
                heading = None
            print(table_line(results, row, number, label, form[0]))
    floor = results.median("idle_https", "floor", "kib_each")
    if floor is not None:
        print(f"OpenSSL's own objects of an idle TLS connection: {floor:.2f} KiB")
    show_syscalls(results)
    show_disturbance(results)
    for note in results.notes:
        print("note: " + note)


def table_line(results, row, number, label, form):
    medians = {peer: results.median(row, peer, number) for peer in COLUMNS}
    line = f"  {label:38}"
    for peer in COLUMNS:
        line += f"{'-' if medians[peer] is None else form.format(medians[peer]):>10}"
    peers = [medians[peer] for peer in ("nginx", "haproxy") if medians[peer] is not None]
    best = (max if number in ("requests_per_s", "per_cpu_second") else min)(peers, default=None)
    line += f"{ratio(medians['greenway'], medians['relay']):>14}{ratio(medians['greenway'], best):>12}"
    return line + f"{spread(results, row, number):>8}"


def ratio(value, reference):
    return "-" if value is None or not reference else f"{value / reference:.2f}"


def spread(results, row, number):
    """The widest of the peers' ranges over the rounds, in percent of the median: how far to trust the line."""
    widest = None
    for peer in COLUMNS:
        values = results.values(row, peer, number)
        middle = results.median(row, peer, number)
        if len(values) > 1 and middle:
            widest = max(widest or 0, (max(values) - min(values)) / middle * 100)
    return "-" if widest is None else f"{widest:.0f}%"


def show_syscalls(results):
    for row, what in (("syscalls", "keepalive"), ("syscalls_tls", "HTTPS keepalive")):
        show_calls(results.samples.get(row, {}), what)


def show_calls(rows, what):
    if rows:
        print(f"System calls per {what} request, by name")
    for peer in COLUMNS:
        for sample in rows.get(peer, []):
            calls = sorted(sample["calls"].items(), key=lambda call: -call[1])
            each = ", ".join(f"{name} {count / sample['requests']:.2f}" for name, count in calls
                             if count * 100 >= sample["requests"])
            rare = ", ".join(f"{name} {count}" for name, count in calls if count * 100 < sample["requests"])
            print(f"  {peer:9} {each}" + (f" (and in all: {rare})" if rare else ""))


def show_disturbance(results):
    """Says which rows others disturbed: whoever ran on the proxy's core spoiled its caches as well."""
    worst = {}
    for row, peers in results.samples.items():
        shares = [sample.get("others", 0) for samples in peers.values() for sample in samples]
        if shares and max(shares) > 0.10:
            worst[row] = max(shares)
    if worst:
        print("note: others used part of the proxy's core, at worst: "
              + ", ".join(f"{row} {share:.0%}" for row, share in worst.items()))


def show_bars(bars):
    print("Bars")
    for text, measured, passed in bars:
        word = {True: "pass", False: "FAIL", None: "-"}[passed]
        print(f"  {word:4}  {text}" + (f" ({measured})" if measured else " (not measured)"))


def write_json(path, results, about, bars):
    with open(path, "w") as file:
        json.dump({"about": about, "samples": results.samples, "notes": results.notes,
                   "bars": [{"bar": text, "measured": measured, "passed": passed}
                            for text, measured, passed in bars]}, file, indent=1)
        file.write("\n")
