"""What happens to the servers while requests come at a steady rate, and what was seen of it from outside."""

import array
import collections
import os
import subprocess
import tempfile
import time

from process import Failure

OUTCOMES = {1: "connection broken", 2: "connection refused", 3: "no answer"}
SLICE = 0.25  # seconds over which latencies are put together
CALM = 3.0    # seconds before anything happens


class Load:
    """bench/steady, in the background."""

    def __init__(self, program, core, port, rate, seconds):
        self.seconds = seconds
        self.output = tempfile.TemporaryFile()
        self.popen = subprocess.Popen([program, str(port), str(rate), str(seconds)], stdin=subprocess.DEVNULL,
                                      stdout=self.output, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.began = time.monotonic()

    def until(self, seconds):
        """Sleeps until so long after the start: the scene's own clock."""
        if self.popen.poll() is not None:
            raise Failure("the load ended early")
        time.sleep(max(0.0, self.began + seconds - time.monotonic()))

    def finish(self):
        if self.popen.wait(self.seconds + 60) != 0:
            raise Failure("the load failed")
        self.output.seek(0)
        words = array.array("I", self.output.read())
        self.output.close()
        return Seen(words)

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


class Seen:
    """The requests of one run: when each was due, how long it took (seconds), what became of it."""

    def __init__(self, words):
        self.requests = len(words) // 3
        self.failures = collections.Counter()
        slices = collections.defaultdict(list)
        for at in range(0, len(words), 3):
            if words[at + 2] != 200:
                self.failures[words[at + 2]] += 1
            slices[int(words[at] / 1e6 / SLICE)].append(words[at + 1] / 1e6)
        self.slices = {number * SLICE: sorted(times) for number, times in sorted(slices.items())}
        self.times = sorted(time for times in self.slices.values() for time in times)

    @property
    def failed(self):
        return sum(self.failures.values())

    def why(self):
        return ", ".join(f"{count} {OUTCOMES.get(what, what)}" for what, count in self.failures.most_common())

    def p99(self):
        return percentile(self.times)

    def p99_slices(self):
        return {at: percentile(times) for at, times in self.slices.items()}

    def disturbed_until(self, event):
        """How long after the event the last slice began whose p99 was not that of before: five times the median of
        those, or 20 ms, may pass for the same. None: the trouble had not ended when the load did."""
        calm = sorted(p99 for at, p99 in self.p99_slices().items() if 0.5 <= at < event - SLICE)
        bound = max(5 * calm[len(calm) // 2], 0.020)
        bad = [at for at, p99 in self.p99_slices().items() if p99 > bound and at + SLICE > event]
        if not bad:
            return 0.0
        return None if bad[-1] + 2 * SLICE >= max(self.slices) else bad[-1] + SLICE - event


def percentile(times, share=0.99):
    return times[min(int(len(times) * share), len(times) - 1)] if times else 0.0


class Scene:
    rate = 2000
    answers = ()
    event = CALM  # when the trouble begins

    def __init__(self, quick):
        self.quick = quick

    def act(self, load, servers):
        raise NotImplementedError

    def bar(self, seen):
        """(what is asked of greenway, whether it was so)"""
        return "0 failed", seen.failed == 0


class Killed(Scene):
    name = "killed"
    title = "one of three killed every second, back half a second later"

    def __init__(self, quick):
        super().__init__(quick)
        self.times = 8 if quick else 30
        self.seconds = CALM + self.times + 1

    def act(self, load, servers):
        for number in range(self.times):
            load.until(CALM + number)
            servers[number].kill()
            load.until(CALM + number + 0.5)
            servers[number].start()


class Frozen(Scene):
    name = "frozen"
    title = "one of three frozen (SIGSTOP) for 8 s"
    seconds = CALM + 12

    def act(self, load, servers):
        load.until(CALM)
        servers[0].freeze()
        load.until(CALM + 8)
        servers[0].thaw()
        load.until(CALM + 11)

    def bar(self, seen):
        after = seen.disturbed_until(self.event)
        return "0 failed, p99 normal within 2 s", seen.failed == 0 and after is not None and after <= 2.0


class Rolling(Scene):
    name = "rolling"
    title = "all three restarted, one after the other"

    def __init__(self, quick):
        super().__init__(quick)
        self.rounds = 1 if quick else 3
        self.seconds = CALM + 3 * self.rounds + 1

    def act(self, load, servers):
        for number in range(3 * self.rounds):
            load.until(CALM + number)
            servers[number].quit()
            servers[number].start()
            servers.wait(servers[number])


class Faulty(Scene):
    """One of three that was never well."""

    rate = 5000

    def __init__(self, quick):
        super().__init__(quick)
        self.seconds = 5 if quick else 15

    def act(self, load, servers):
        load.until(self.seconds)


class Unavailable(Faulty):
    name = "503"
    title = "one of three answers everything with 503"
    answers = ("503",)


class Resetting(Faulty):
    name = "reset"
    title = "one of three resets every connection at its request"
    answers = ("reset",)


ALL = (Killed, Frozen, Rolling, Unavailable, Resetting)
