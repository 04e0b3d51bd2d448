"""Makes keys and signed tokens (JWT), good ones and bad ones, with Debian's python3-cryptography."""

import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"P-256": (ec.SECP256R1, 32, "ES256"), "P-384": (ec.SECP384R1, 48, "ES384"),
          "P-521": (ec.SECP521R1, 66, "ES512")}


class Key:
    """A key that signs, and its public half as a JWK."""

    def __init__(self, kind, kid=None, **more):
        self.kind = kind
        self.kid = kid
        if kind == "RSA":
            self.private = rsa.generate_private_key(65537, more.pop("bits", 2048))
            numbers = self.private.public_key().public_numbers()
            self.jwk = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        elif kind in CURVES:
            curve, size, _ = CURVES[kind]
            self.private = ec.generate_private_key(curve())
            numbers = self.private.public_key().public_numbers()
            self.jwk = {"kty": "EC", "crv": kind, "x": number(numbers.x, size), "y": number(numbers.y, size)}
        elif kind == "Ed25519":
            self.private = ed25519.Ed25519PrivateKey.generate()
            raw = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
        else:
            self.private = more.pop("secret")
            self.jwk = {"kty": "oct", "k": b64(self.private)}
        if kid is not None:
            self.jwk["kid"] = kid
        self.jwk.update(more)

    def pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, algorithm, data):
        digest = HASHES.get(algorithm[2:])
        if algorithm.startswith("HS"):
            return hmac.new(self.private, data, getattr(hashlib, "sha" + algorithm[2:])).digest()
        if algorithm.startswith("RS"):
            return self.private.sign(data, padding.PKCS1v15(), digest())
        if algorithm.startswith("PS"):
            return self.private.sign(data, padding.PSS(padding.MGF1(digest()), digest().digest_size), digest())
        if algorithm.startswith("ES"):
            r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(digest())))
            size = CURVES[self.kind][1]
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return self.private.sign(data)

    def token(self, algorithm, claims, header=None):
        head = {"alg": algorithm, "typ": "JWT"}
        if self.kid is not None:
            head["kid"] = self.kid
        head.update(header or {})
        return self.raw(algorithm, json.dumps(head), json.dumps(claims))

    def raw(self, algorithm, head, payload):
        """A token of texts that need not be JSON."""
        data = "%s.%s" % (b64(head), b64(payload))
        return "%s.%s" % (data, b64(self.sign(algorithm, data.encode())))


def claims(**more):
    now = int(time.time())
    return {"sub": "alice", "iss": "https://login.example", "aud": "api", "iat": now, "exp": now + 3600, **more}


def bearer(token):
    return "Authorization: Bearer %s\r\n" % token
