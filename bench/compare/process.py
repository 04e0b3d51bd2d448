"""Processes: starting them pinned to a core, ending them for certain, and reading what they cost from /proc."""

import ctypes
import os
import re
import resource
import select
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something that a row needs did not work; the text says what."""


def raise_fd_limit():
    """Raises the soft limit of open files to the hard one, for this process and its children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Process:
    """A child on one core, in a session of its own: Ctrl-C reaches only us, and we end all of it."""

    def __init__(self, argv, core, log_path):
        self.name = os.path.basename(argv[0])
        self.log_path = log_path
        parent = os.getpid()

        def in_child():
            os.sched_setaffinity(0, {core})
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, preexec_fn=in_child)
        self.pid = self.popen.pid

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(3)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)  # what is left of its children, too
        except ProcessLookupError:
            pass
        self.popen.wait()

    def alive(self):
        return self.popen.poll() is None

    def last_words(self):
        with open(self.log_path, errors="replace") as log:
            lines = log.read().strip().splitlines()
        return lines[-1] if lines else "no output"

    def pids(self):
        """The process and its children: nginx works in a child of its master."""
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in _tasks(pid):
                children = _read(f"/proc/{pid}/task/{task}/children") or ""
                todo.extend(int(child) for child in children.split())
        return found

    def cpu(self):
        """CPU used so far, in seconds: (user + system to the nanosecond, user, system)."""
        total = user = system = 0.0
        for pid in self.pids():
            for task in _tasks(pid):
                total += int((_read(f"/proc/{pid}/task/{task}/schedstat") or "0").split()[0]) / 1e9
            stat = (_read(f"/proc/{pid}/stat") or "").rpartition(")")[2].split()
            if stat:
                user += int(stat[11]) / TICKS
                system += int(stat[12]) / TICKS
        return total, user, system

    def sleeps(self):
        """How often its threads went to sleep so far, waiting for something."""
        total = 0
        for pid in self.pids():
            for task in _tasks(pid):
                status = _read(f"/proc/{pid}/task/{task}/status") or ""
                match = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M)
                total += int(match.group(1)) if match else 0
        return total

    def resident(self):
        """Resident bytes. smaps_rollup walks the pages; the counters in statm lag behind by some."""
        total = 0
        for pid in self.pids():
            match = re.search(r"^Rss:\s+(\d+) kB", _read(f"/proc/{pid}/smaps_rollup") or "", re.M)
            if not match:
                raise Failure(f"cannot read /proc/{pid}/smaps_rollup")
            total += int(match.group(1)) * 1024
        return total

    def settled_resident(self, still=2.0, at_most=12.0):
        """Resident bytes once they have not moved by more than a few pages for `still` seconds."""
        start = since = time.monotonic()
        value = self.resident()
        while time.monotonic() - since < still and time.monotonic() - start < at_most:
            time.sleep(0.25)
            now = self.resident()
            if abs(now - value) > 16 * 1024:
                since, value = time.monotonic(), now
        return self.resident()


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []


def core_busy(core):
    """Seconds that a core was busy or stolen since boot, whoever used it."""
    fields = re.search(rf"^cpu{core} (.*)$", _read("/proc/stat"), re.M).group(1).split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS


class Strace:
    """Counts the system calls of a process and all its threads between start() and stop()."""

    def __init__(self, program, process, core, summary_path):
        self.summary_path = summary_path
        argv = [program, "-f", "-c", "-U", "calls,name", "-o", summary_path]
        for pid in process.pids():
            argv += ["-p", str(pid)]
        self.waiting_for = len(process.pids())
        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, start_new_session=True,
                                      preexec_fn=lambda: os.sched_setaffinity(0, {core}))

    def wait_attached(self, at_most=5.0):
        said, end = b"", time.monotonic() + at_most
        while said.count(b" attached") < self.waiting_for:
            ready, _, _ = select.select([self.popen.stderr], [], [], max(0, end - time.monotonic()))
            chunk = os.read(self.popen.stderr.fileno(), 4096) if ready else b""
            said += chunk
            if not chunk:
                self.stop()
                raise Failure("strace cannot attach: " + said.decode(errors="replace").strip())

    def stop(self):
        """Detaches; returns {name: calls}."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGINT)
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen.stderr.close()
        counts = {}
        for line in (_read(self.summary_path) or "").splitlines():
            match = re.match(r"\s*(\d+)\s+(\w+)\s*$", line)
            if match and match.group(2) != "total":
                counts[match.group(2)] = int(match.group(1))
        return counts
