"""Every reason that the sources give for a failure has a row in the table, with the key that fires; and every key of the
table exists."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
table = (root / "proxy/observe/reason.c").read_text()
rows = set(re.findall(r'^    \{"(\w+)", "(\w*)", \w+, "', table, re.M))
rows |= {(name, "") for name in re.findall(r'^    X\(\w+,\s+"(\w+)",', (root / "proxy/http/error.h").read_text(), re.M)}
known = {name for name, _ in rows}
keys = set(re.findall(r'\.name = "(\w+)"', "".join(path.read_text() for path in (root / "conf/keys").glob("*.inc"))))

# Calls that take a reason: which of their arguments it is, which the key.
CALLS = {"exchange_fail": (2, 5), "exchange_note": (1, 3), "refuse_target": (2, None), "refuse": (2, None),
         "end": (1, None), "drop_unannounced": (1, 2), "turn_down": (1, 2), "authenticate_challenge": (3, 5)}
WORD = re.compile(r'"([a-z][a-z0-9_]*)"')


def arguments(text, start):
    depth, piece, pieces = 0, "", []
    for c in text[start:]:
        if c in "([{":
            depth += 1
        elif c in ")]}":
            if not depth:
                return pieces + [piece]
            depth -= 1
        if c == "," and not depth:
            pieces.append(piece)
            piece = ""
        else:
            piece += c
    return pieces


missing = []
seen = 0
for path in sorted((root / "proxy").rglob("*.c")):
    text = path.read_text()
    for match in re.finditer(r"\b(%s)\(" % "|".join(CALLS), text):
        reason, key = CALLS[match.group(1)]
        given = arguments(text, match.end())
        if len(given) <= reason:
            continue
        names = WORD.findall(re.sub(r'== *"\w*"', "", given[reason]))
        fired = WORD.findall(given[key]) if key and key < len(given) else []
        for name in names:
            seen += 1
            if name not in known:
                missing.append("%s: %s" % (path.name, name))
            elif len(names) == 1 and any((name, word) not in rows for word in fired):
                missing.append("%s: %s with the key %s" % (path.name, name, fired))
    for name in re.findall(r'(?:\.reason = |->reason = )"(\w+)"', text):
        seen += 1
        if name not in known:
            missing.append("%s: %s" % (path.name, name))
for name, key in sorted(rows):
    if key and key not in keys:
        missing.append("the table: %s names the key %s, which does not exist" % (name, key))
if seen < 50:
    missing.append("only %d reasons were found in the sources" % seen)
print("\n".join(missing) or "%d places, %d rows" % (seen, len(rows)))
sys.exit(1 if missing else 0)
