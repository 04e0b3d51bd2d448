"""Makes a C source and a header of a page: its bytes, and the policy (CSP) that allows its own style and script by
their hashes and nothing else.

    embed.py PAGE.html NAME OUT.c OUT.h [SOURCE-LIST...]

Further directives of the policy follow as they are.
"""

import base64
import hashlib
import re
import sys

page, name, source, header, *directives = sys.argv[1:]
with open(page, "rb") as file:
    text = file.read()


def hashes(tag):
    found = re.findall(b"<%s>(.*?)</%s>" % (tag, tag), text, re.S)
    return " ".join("'sha256-%s'" % base64.b64encode(hashlib.sha256(part).digest()).decode() for part in found)


policy = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"]
if hashes(b"style"):
    policy.append("style-src " + hashes(b"style"))
if hashes(b"script"):
    policy.append("script-src " + hashes(b"script"))
policy += directives

with open(header, "w") as out:
    out.write("#include <stddef.h>\n\n#define %s_POLICY \"%s\"\nextern const char %s[];\nextern const size_t %s_size;\n"
              % (name.upper(), "; ".join(policy), name, name))
with open(source, "w") as out:
    out.write('#include "%s"\n\nconst char %s[] = {\n' % (header.rpartition("/")[2], name))
    for start in range(0, len(text), 20):
        out.write(" ".join("%d," % (byte if byte < 128 else byte - 256) for byte in text[start:start + 20]) + "\n")
    out.write("0};\nconst size_t %s_size = %d;\n" % (name, len(text)))
