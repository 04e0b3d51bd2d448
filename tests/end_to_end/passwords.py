"""Passwords as clients send them, and their hashes by crypt(3)."""

import base64
import ctypes

CRYPT = ctypes.CDLL("libcrypt.so.1")
CRYPT.crypt.restype = ctypes.c_char_p


def hashed(password, setting="$5$rounds=1000$saltsaltsalt$"):
    """A hash by crypt(3), a fast one unless the setting says otherwise."""
    made = CRYPT.crypt(password.encode() if isinstance(password, str) else password, setting.encode())
    assert made and not made.startswith(b"*"), setting
    return made.decode()


def basic(user, password):
    pair = ("%s:%s" % (user, password)).encode()
    return "Authorization: Basic %s\r\n" % base64.b64encode(pair).decode()
