#!/usr/bin/env python3
"""green/debug/gdb.py in gdb: what it says of a program that it runs. Usage: test_gdb.py SCRIPT PROGRAM"""
import re
import shutil
import subprocess
import sys

SKIPPED = 77


def gdb(script, program, *commands):
    words = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "set startup-with-shell off",
             "-ex", "break look_here", "-ex", "run", "-ex", "source " + script]
    for command in commands:
        words += ["-ex", command]
    done = subprocess.run(words + ["-ex", "continue", program], capture_output=True, text=True, timeout=50)
    return done.stdout + done.stderr


def expect(pattern, text):
    if not re.search(pattern, text, re.MULTILINE):
        sys.exit("no '%s' in:\n%s" % (pattern, text))


def main():
    script, program = sys.argv[1:]
    if not shutil.which("gdb"):
        sys.exit(SKIPPED)
    text = gdb(script, program, "green ps")
    if "Breakpoint 1, " not in text:
        print(text)
        sys.exit(SKIPPED)  # not allowed to trace here
    expect(r'^  \d+ "main" running', text)
    expect(r'^  \d+ "greenlet" ready, has not begun, made by \d+', text)
    found = re.findall(r'^  (\d+) "deep" waits for time to pass, made by \d+', text, re.MULTILINE)
    if len(found) != 2 or len(re.findall(r"^thread \d+:", text, re.MULTILINE)) != 2:
        sys.exit("not two threads with one each:\n" + text)
    fresh = re.search(r'^  (\d+) "greenlet" ready', text, re.MULTILINE).group(1)
    text = gdb(script, program, "green bt " + found[0], "green bt 99999", "green bt x", "green bt " + fresh, "bt")
    expect(r"look_here[\s\S]*green_park[\s\S]*green_sleep[\s\S]*middle_of_it[\s\S]*wait_deep", text)
    expect(r"no greenlet has the number 99999", text)
    expect(r"usage: green bt ID", text)
    expect(r"it has no stack yet", text)
    expect(r"^#0 +look_here[^\n]*\n#1 [^\n]*main", text)  # and bt is what it was
    expect(r"exited normally", text)


main()
