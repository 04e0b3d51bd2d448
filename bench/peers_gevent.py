#!/usr/bin/python3
"""The figures of gevent that have a counterpart in libgreen's, under the same names.

    bench/peers_gevent.py [rounds]
    bench/peers_gevent.py parked GREENLETS
"""

import re
import sys
import time

sys.dont_write_bytecode = True

import gevent
import greenlet
from gevent.event import Event
from gevent.lock import Semaphore
from gevent.queue import Channel, Queue

TURNS = 20000


def cpu_ns():
    return time.clock_gettime_ns(time.CLOCK_THREAD_CPUTIME_ID)


def nothing():
    pass


def switch_round():
    def bounce():
        while True:
            here.switch()

    here, there = greenlet.getcurrent(), greenlet.greenlet(bounce)
    began = cpu_ns()
    for _ in range(TURNS):
        there.switch()
    return (cpu_ns() - began) / (2 * TURNS)


def spawn_round():
    began = cpu_ns()
    for _ in range(TURNS):
        gevent.spawn(nothing).join()
    return (cpu_ns() - began) / TURNS


def yield_round():
    def yields():
        for _ in range(TURNS):
            gevent.sleep(0)

    began = cpu_ns()
    gevent.joinall([gevent.spawn(yields), gevent.spawn(yields)])
    return (cpu_ns() - began) / (2 * TURNS)


def to_and_fro(there, here):
    other = gevent.spawn(there)
    began = cpu_ns()
    here()
    took = cpu_ns() - began
    other.join()
    return took / (2 * TURNS)


def transfer(box):
    def sends():
        for i in range(TURNS):
            box.put(i)

    sender = gevent.spawn(sends)
    began = cpu_ns()
    for i in range(TURNS):
        assert box.get() == i
    took = cpu_ns() - began
    sender.join()
    return took / TURNS


def channel_round():
    return transfer(Channel())


def room_round():
    return transfer(Queue(64))


def semaphore_round():
    semaphore = Semaphore(1)
    began = cpu_ns()
    for _ in range(TURNS):
        semaphore.acquire()
        semaphore.release()
    return (cpu_ns() - began) / TURNS


def semaphore_trip_round():
    ping, pong = Semaphore(0), Semaphore(0)

    def there():
        for _ in range(TURNS):
            ping.acquire()
            pong.release()

    def here():
        for _ in range(TURNS):
            ping.release()
            pong.acquire()

    return to_and_fro(there, here)


def event_round():
    tick, tock = Event(), Event()

    def there():
        for _ in range(TURNS):
            tick.wait()
            tick.clear()
            tock.set()

    def here():
        for _ in range(TURNS):
            tick.set()
            tock.wait()
            tock.clear()

    return to_and_fro(there, here)


def queue_round():
    queue = Queue()
    began = cpu_ns()
    for i in range(TURNS):
        queue.put(i)
        assert queue.get() == i
    return (cpu_ns() - began) / TURNS


def queue_trip_round():
    to, fro = Queue(), Queue()

    def there():
        for _ in range(TURNS):
            fro.put(to.get())

    def here():
        for i in range(TURNS):
            to.put(i)
            assert fro.get() == i

    return to_and_fro(there, here)


def timer_round():
    began = cpu_ns()
    for _ in range(TURNS):
        gevent.Timeout.start_new(60).close()
    return (cpu_ns() - began) / TURNS


def offload_round():
    pool = gevent.get_hub().threadpool
    began = time.monotonic_ns()
    for _ in range(1000):
        pool.apply(nothing)
    return (time.monotonic_ns() - began) / 1000 / 1000


FIGURES = (("switch", "ns", switch_round), ("spawn and join", "ns", spawn_round), ("yield", "ns", yield_round),
           ("channel", "ns", channel_round), ("channel with room", "ns", room_round),
           ("semaphore", "ns", semaphore_round), ("semaphore handed over", "ns", semaphore_trip_round),
           ("event", "ns", event_round), ("queue put and get", "ns", queue_round),
           ("queue handed over", "ns", queue_trip_round), ("timer", "ns", timer_round),
           ("offload", "us", offload_round))


def kib(path, name):
    with open(path) as file:
        return int(re.search(rf"^{name}:\s+(\d+) kB", file.read(), re.M).group(1))


def parked(count):
    gate = Event()
    gevent.sleep(0)
    resident, tables = kib("/proc/self/smaps_rollup", "Rss"), kib("/proc/self/status", "VmPTE")
    began = cpu_ns()
    greenlets = [gevent.spawn(gate.wait) for _ in range(count)]
    gevent.sleep(0)
    made = cpu_ns()
    resident = kib("/proc/self/smaps_rollup", "Rss") - resident
    tables = kib("/proc/self/status", "VmPTE") - tables
    measured = cpu_ns()
    gate.set()
    gevent.joinall(greenlets)
    ended = cpu_ns()
    print(f"parked {count}: {resident / count:.3f} KiB each, page tables {tables / count:.3f} KiB each, "
          f"{(made - began) / count:.0f} ns to make, {(ended - measured) / count:.0f} ns to end")


def main():
    if sys.argv[1:2] == ["parked"]:
        return parked(int(sys.argv[2]))
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    samples = {name: [] for name, _, _ in FIGURES}
    for number in range(rounds + 1):
        for name, _, take in FIGURES:
            sample = take()
            if number:  # the first one warms up
                samples[name].append(sample)
    for name, unit, _ in FIGURES:
        taken = sorted(samples[name])
        print(f"{name:28} {taken[rounds // 2]:9.2f} {unit} (best {taken[0]:.2f})")


if __name__ == "__main__":
    main()
