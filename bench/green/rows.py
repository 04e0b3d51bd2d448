"""What bench/green measures: which program fills which column, the rows of the table, and the bars."""

import re

COLUMNS = ("libgreen", "fcontext", "State Threads", "gevent", "pthreads", "epoll")

# Column, program, rounds within the program. Python is slow and steady enough with fewer.
PROGRAMS = (
    ("libgreen", "switch", 3),
    ("libgreen", "spawn", 3),
    ("libgreen", "channel", 3),
    ("libgreen", "sync", 3),
    ("libgreen", "timer", 3),
    ("libgreen", "offload", 3),
    ("State Threads", "peers_st", 3),
    ("pthreads", "peers_pthread", 3),
    ("gevent", "peers_gevent.py", 1),
)

# Lines in which a program measures another column beside its own.
ELSEWHERE = {
    "switch by fcontext": ("switch", "fcontext"),
    "timer by timerfd": ("timer", "epoll"),
    "offload by bare threads": ("offload", "pthreads"),
}

ECHO = (
    ("libgreen", "echo_green"),
    ("epoll", "echo_epoll"),
    ("State Threads", "echo_st"),
    ("pthreads", "echo_threads"),
    ("gevent", "echo_gevent.py"),
)
CONNECTIONS = (1, 50, 500)

# Column, program, how many of them it is asked to hold. A thread of the system takes more than its memory.
PARKED = (
    ("libgreen", "parked", (100_000, 1_000_000)),
    ("State Threads", "peers_st", (100_000,)),
    ("gevent", "peers_gevent.py", (100_000,)),
    ("pthreads", "peers_pthread", (10_000,)),
)
MEMORY_EACH_KIB = 10  # at most, to see beforehand whether so many fit

ROWS = (
    ("switch", "ns"), ("yield", "ns"), ("spawn and join", "ns"),
    ("channel", "ns"), ("channel with room", "ns"), ("channel by select", "ns"),
    ("queue put and get", "ns"), ("queue handed over", "ns"),
    ("semaphore", "ns"), ("semaphore handed over", "ns"), ("event", "ns"),
    ("timer", "ns"), ("timer, reading the clock", "ns"), ("timer behind 10,000", "ns"),
    ("offload", "us"), ("offload, 64 at a time", "us"),
    *((f"echo, {n}", "1/s") for n in CONNECTIONS),
    *((f"echo, {n}: CPU", "us") for n in CONNECTIONS),
    *((f"parked {n:,}", "KiB") for n in (10_000, 100_000, 1_000_000)),
    *((f"parked {n:,}: page tables", "KiB") for n in (10_000, 100_000, 1_000_000)),
    *((f"parked {n:,}: to make", "us") for n in (10_000, 100_000, 1_000_000)),
    *((f"parked {n:,}: to end", "us") for n in (10_000, 100_000, 1_000_000)),
)

# Row, the most it may be (or the least), the column that it is a multiple of.
BARS = (
    ("switch", "<=", 1.0, "fcontext"),
    ("yield", "<=", 15, None),
    ("spawn and join", "<=", 75, None),
    ("channel", "<=", 70, None),
    ("timer", "<=", 20, None),
    ("offload", "<=", 10, None),
    ("echo, 500", ">=", 0.95, "epoll"),
    ("parked 100,000", "<=", 4.5, None),
    ("parked 1,000,000", "<=", 4.5, None),
)

_LINE = re.compile(r"^(\S.*?)\s+([\d.]+) (?:ns|us) \(best ([\d.]+)\)")
_PARKED = re.compile(r"^parked (\d+): ([\d.]+) KiB each, page tables ([\d.]+) KiB each, "
                     r"([\d.]+) ns to make, ([\d.]+) ns to end$")


def figures(column, output):
    """What a program printed: [(row, column, median, best)]."""
    found = []
    for line in output.splitlines():
        match = _LINE.match(line)
        if match:
            row, where = ELSEWHERE.get(match.group(1), (match.group(1), column))
            found.append((row, where, float(match.group(2)), float(match.group(3))))
    return found


def parked(output):
    """{row: figure} of a program that parked some."""
    match = _PARKED.match(output.strip())
    if not match:
        return {}
    row = f"parked {int(match.group(1)):,}"
    return {row: float(match.group(2)), row + ": page tables": float(match.group(3)),
            row + ": to make": float(match.group(4)) / 1e3, row + ": to end": float(match.group(5)) / 1e3}
