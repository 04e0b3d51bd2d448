"""What is measured. Each function takes one sample of one peer and returns a dict of numbers."""

import select
import time

import load
from peers import BULK_PATH, BULK_SIZE, OWN_PATH
from process import Failure, Strace, core_busy

AT_ONCE = 50          # clients that open connections at the same time, where they come gently
WARM_UP = 400         # requests, and connections, before a resident size is read
TRACED_REQUESTS = 1000


class Cost:
    """The CPU that a process uses within a `with` block, and what others used of its core meanwhile."""

    def __init__(self, process, core):
        self.process, self.core = process, core

    def __enter__(self):
        self.began, self.busy = time.monotonic(), core_busy(self.core)
        self.slept, self.cpu = self.process.sleeps(), self.process.cpu()
        return self

    def __exit__(self, *_):
        total, user, system = (after - before for after, before in zip(self.process.cpu(), self.cpu))
        elapsed = time.monotonic() - self.began
        self.sleeps = self.process.sleeps() - self.slept
        ticks = user + system
        self.total = total
        self.user = total * user / ticks if ticks else 0.0  # the ticks only split what was counted in ns
        self.system = total - self.user
        self.others = max(0.0, core_busy(self.core) - self.busy - total) / elapsed


def rate(bench, wrk, peer, service, connections, seconds):
    with Cost(peer.process, bench.proxy_core) as cost:
        requests, per_second = load.wrk(wrk, peer.ports[service], connections, seconds, service == "https")
    return {"requests": requests, "requests_per_s": per_second, "cpu_us": cost.total / requests * 1e6,
            "user_us": cost.user / requests * 1e6, "system_us": cost.system / requests * 1e6,
            "sleeps": cost.sleeps / requests, "others": cost.others}


def handshakes(bench, peer, resumed, seconds):
    """What a new TLS connection costs with a request that the proxy answers itself."""
    with Cost(peer.process, bench.proxy_core) as cost:
        count = load.handshakes(peer.ports["https"], OWN_PATH, resumed, seconds)
    return {"connections": count, "cpu_us": cost.total / count * 1e6, "user_us": cost.user / count * 1e6,
            "per_cpu_second": count / cost.total, "others": cost.others}


def bulk(bench, drain, peer, service, times):
    began = time.monotonic()
    with Cost(peer.process, bench.proxy_core) as cost:
        received = (load.drain_tls if service == "https" else load.drain)(drain, peer.ports[service], BULK_PATH, times)
    elapsed = time.monotonic() - began
    if received != times * BULK_SIZE:
        raise Failure(f"{received} body bytes arrived, {times * BULK_SIZE} were expected")
    gib = received / (1 << 30)
    return {"bytes": received, "gib_per_s": gib / elapsed, "cpu_s_per_gib": cost.total / gib,
            "user_s_per_gib": cost.user / gib, "system_s_per_gib": cost.system / gib, "others": cost.others}


def idle(peer, service, count, at_once):
    """Resident memory per connection that is open and idle, beyond what a warmed-up process has anyway."""
    port = peer.ports[service]
    for _ in range(2):
        load.close_all(load.hold_open(port, WARM_UP // 2, AT_ONCE, service == "https"))
    before = peer.process.settled_resident(still=1.0)
    held = load.hold_open(port, count, at_once, service == "https")
    try:
        after = peer.process.settled_resident()
        check_open(held)
    finally:
        load.close_all(held)
    return {"connections": count, "before_kib": before / 1024, "after_kib": after / 1024,
            "kib_each": (after - before) / 1024 / count}


def tls_floor(bench, program, count):
    """What OpenSSL alone keeps for a connection, in KiB."""
    path = bench.certificate()
    return float(load.run([program, path, path + ".key", str(count)], 60))


def check_open(held):
    """An idle connection that the proxy has closed would cost nothing: all must be open and some must answer."""
    poll = select.poll()
    for connection in held:
        poll.register(connection.socket, select.POLLIN)
    closed = len(poll.poll(0))  # EOF, an error, or bytes that nobody asked for
    if closed:
        raise Failure(f"{closed} of {len(held)} idle connections did not stay open")
    for connection in held[:: max(1, len(held) // 20)]:
        connection.ask()


def syscalls(bench, strace, peer, service):
    """System calls per keepalive request on one connection, in steady state."""
    connection = load.Connection(peer.ports[service], service == "https")
    try:
        connection.ask(TRACED_REQUESTS // 2)
        trace = Strace(strace, peer.process, bench.load_core, f"{bench.folder}/strace-{peer.name}")
        try:
            trace.wait_attached()
            connection.ask(TRACED_REQUESTS)
        finally:
            counts = trace.stop()
    finally:
        connection.close()
    if not counts:
        raise Failure("strace counted nothing")
    return {"requests": TRACED_REQUESTS, "calls": counts, "per_request": sum(counts.values()) / TRACED_REQUESTS,
            "epoll_ctl": counts.get("epoll_ctl", 0)}
