#!/usr/bin/env python3
"""Turns one of our Markdown pages into a manual page (man(7)).

    docs/manual.py NAME(SECTION) 'what it is' VERSION PAGE.md [GREENWAY] >NAME.SECTION

It knows the Markdown that these pages are written in: headings, paragraphs, lists, tables, code, links and comments. A
line `{commands}` becomes what GREENWAY, the executable, says of each of its commands.
"""

import pathlib
import re
import subprocess
import sys

MARKUP = re.compile(r"`` ?(.*?) ?``|`([^`]+)`|\*\*(.+?)\*\*|\[((?:`[^`]*`|[^\]])+)\]\((\S+?)\)|\\([\\`*_|<>{}\[\]])")


def escaped(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti") \
        .replace("`", "\\(ga").replace('"', "\\(dq")


def inline(text):
    """A run of text: code and strong words in bold, of links the words."""
    out, at = [], 0
    for found in MARKUP.finditer(text):
        out.append(escaped(text[at:found.start()]))
        double, code, strong, words, target, literal = found.groups()
        if words is not None:
            out.append(inline(words))
            if target.startswith("http"):
                out.append(" (%s)" % escaped(target))
        elif literal is not None:
            out.append(escaped(literal))
        else:
            out.append("\\fB%s\\fR" % escaped(double or code or strong))
        at = found.end()
    return "".join(out) + escaped(text[at:])


def line(text):
    """A line of output, which must not look like a request."""
    return "\\&" + text if text.startswith((".", "'")) else text


def verbatim(lines):
    yield ".PP"
    yield ".RS 4"
    yield ".nf"
    for text in lines:
        yield line(escaped(text))
    yield ".fi"
    yield ".RE"


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def table(rows):
    """What stands in the first column is defined by the others, each with its heading if there are several."""
    head, body = cells(rows[0]), [cells(row) for row in rows[2:]]
    for row in body:
        yield ".TP"
        yield line(inline(row[0]))
        if len(row) > 2 and row[1]:
            yield line("%s (%s: %s)" % (inline(row[2]), inline(head[1]), inline(row[1])))
        else:
            yield line(inline(row[-1]) or "\\ ")


def commands(greenway):
    """Each command as it describes itself."""
    def says(*arguments):
        return subprocess.run([greenway, *arguments], check=True, stdout=subprocess.PIPE,
                              universal_newlines=True).stdout
    names = re.findall(r"^  ([a-z][a-z-]+)\b", says("--help"), re.M)
    assert names, "greenway --help names no command"
    for name in names:
        synopsis, _, rest = says(name, "--help").partition("\n")
        yield ".SS %s" % escaped(synopsis.replace("usage: ", "").strip())
        yield from verbatim(rest.strip("\n").split("\n"))


def plain(text, lines, at):
    """What follows a line of text up to something else: the rest of its paragraph."""
    words = [text]
    while at < len(lines) and lines[at].strip() and not re.match(r"#|```|\* |\||<!--|\d+\. ", lines[at]):
        words.append(lines[at].strip())
        at += 1
    return line(inline(" ".join(words))), at


def convert(text, greenway):
    lines = re.sub(r"<!--.*?-->\n?", "", text, flags=re.S).split("\n")
    at = 0
    while at < len(lines):
        text = lines[at]
        at += 1
        if text.startswith("```"):
            end = next(i for i in range(at, len(lines)) if lines[i].startswith("```"))
            yield from verbatim(lines[at:end])
            at = end + 1
        elif text.startswith("    "):
            end = next((i for i in range(at, len(lines)) if lines[i] and not lines[i].startswith("    ")), len(lines))
            block = [one[4:] for one in lines[at - 1:end]]
            while not block[-1]:
                block.pop()
            yield from verbatim(block)
            at = end
        elif text.startswith("### "):
            yield ".SS %s" % inline(text[4:])
        elif text.startswith("## "):
            yield ".SH %s" % (inline(text[3:]) if "`" in text else escaped(text[3:].upper()))
        elif text.startswith("# "):
            yield ".SH DESCRIPTION"
        elif text.startswith("|"):
            end = next((i for i in range(at, len(lines)) if not lines[i].startswith("|")), len(lines))
            yield from table(lines[at - 1:end])
            at = end
        elif re.match(r"\* |\d+\. ", text):
            words, at = plain(text.split(" ", 1)[1], lines, at)
            yield ".IP \\(bu 2"
            yield words
        elif text == "{commands}":
            yield from commands(greenway)
        elif text.strip():
            words, at = plain(text.strip(), lines, at)
            yield ".PP"
            yield words


def main():
    title, summary, version, page = sys.argv[1:5]
    name, section = re.fullmatch(r"(\S+)\((\d)\)", title).groups()
    print('.\\" Made by docs/manual.py from %s.' % pathlib.Path(page).name)
    print('.TH "%s" "%s" "" "Greenway %s" "Greenway"' % (escaped(name).upper(), section, version))
    print(".nh\n.ad l\n.SH NAME\n%s \\- %s" % (escaped(name), escaped(summary)))
    for text in convert(pathlib.Path(page).read_text(), *(sys.argv[5:6] or [None])):
        print(text)


if __name__ == "__main__":
    main()
