"""Tokens: every algorithm with its own kind of key, every way in which one can be wrong, and what becomes of claims."""

import json
import time

from harness import Case, answering, main, run_command, wait_for
from passwords import basic, hashed
from tokens import CURVES, Key, b64, bearer, claims
from wire import get, ok

SECRET = b"0123456789abcdef" * 4


class Jwt(Case):
    def setUp(self):
        super().setUp()
        self.key = Key("oct", "k1", secret=SECRET)
        self.refusals = []

    def jwks(self, *keys, name="keys.json"):
        return self.write(name, json.dumps({"keys": [key.jwk if isinstance(key, Key) else key for key in keys]}))

    def guarded(self, *keys, listener="", extra="", jwt=None):
        self.app = self.upstream(answering(lambda request: ok(b"in")))
        jwt = jwt or "jwks:" + self.jwks(*(keys or (self.key,)))
        return self.proxy(self.app, listener="jwt = %s\n%s" % (jwt, listener), extra=extra)

    def good(self, **more):
        return self.key.token("HS256", claims(**more))

    def status(self, proxy, token, target="/"):
        return proxy.exchange(get(target, extra=bearer(token))).status

    def assert_refused_token(self, proxy, token, reason, status=401):
        if not self.refusals:
            self.addCleanup(self.assert_refusals_logged)
        target = "/refused/%d" % len(self.refusals)
        self.refusals.append((proxy, target, reason))
        answer = proxy.exchange(get(target, extra=bearer(token)))
        self.assertEqual(answer.status, status, token)
        challenge = answer.get("WWW-Authenticate")
        self.assertIn('error="%s"' % ("invalid_token" if status == 401 else "insufficient_scope"), challenge)
        self.assertTrue(challenge.startswith('Bearer realm="greenway", '), challenge)
        self.assert_own_page(answer)

    def assert_refusals_logged(self):
        """At the end of a test: lines wait for others before they are written."""
        for proxy, target, reason in self.refusals:
            def found():
                return [entry for entry in proxy.access_log(1) if entry["target"] == target]
            wait_for(found, lambda: "a line for %s" % target)
            entry = found()[0]
            self.assertEqual((entry["reason"], entry["directive"]), (reason, "jwt"))
            self.assertNotIn("user", entry)

    def test_all_algorithms(self):
        rsa, ed = Key("RSA", "rsa"), Key("Ed25519", "ed")
        pairs = [(self.key, "HS256"), (self.key, "HS384"), (self.key, "HS512"), (ed, "EdDSA")]
        pairs += [(rsa, name + bits) for name in ("RS", "PS") for bits in ("256", "384", "512")]
        curves = [Key(name, name) for name in CURVES]
        pairs += [(key, CURVES[key.kind][2]) for key in curves]
        proxy = self.guarded(self.key, rsa, ed, *curves)
        for key, algorithm in pairs:
            with self.subTest(algorithm=algorithm):
                token = key.token(algorithm, claims())
                self.assertEqual(self.status(proxy, token), 200)
                self.assertEqual(self.status(proxy, token), 200)  # remembered
                head, payload, signature = token.split(".")
                other = "A" if signature[5] != "A" else "B"
                damaged = "%s.%s.%s" % (head, payload, signature[:5] + other + signature[6:])
                self.assert_refused_token(proxy, damaged, "token_signature")
                self.assertEqual(self.status(proxy, "%s.%s.%s" % (head, b64(json.dumps(claims(sub="eve"))),
                                                                  signature)), 401)
        self.assertTrue(all(entry["user"] == "alice" for entry in proxy.access_log(1) if entry["status"] == 200))
        self.assertFalse(self.app.requests[0].has("Authorization"))

    def test_no_token(self):
        proxy = self.guarded()
        for extra in ("", "Authorization: Basic YTpi\r\n", "Authorization: Bearer\r\n",
                      bearer(self.good()) * 2, "Cookie: token=%s\r\n" % self.good()):
            answer = proxy.exchange(get(extra=extra))
            self.assertEqual((answer.status, answer.get("WWW-Authenticate")), (401, 'Bearer realm="greenway"'), extra)
        self.assertEqual({entry["reason"] for entry in proxy.access_log(5)}, {"token_missing"})
        self.assertEqual(self.app.requests, [])

    def test_the_algorithm_has_to_be_the_keys_own(self):
        """No confusion: not none, not a public key as a secret, not one curve for another."""
        rsa, p256 = Key("RSA", "rsa"), Key("P-256", "p256")
        only = Key("RSA", "only", alg="RS256")
        proxy = self.guarded(rsa, p256, only)
        head, payload = b64('{"alg":"none"}'), b64(json.dumps(claims()))
        for token in ("%s.%s." % (head, payload), "%s.%s.AAAA" % (head, payload)):
            self.assertEqual(self.status(proxy, token), 401)
        for text in (rsa.pem(), rsa.pem().strip(), json.dumps(rsa.jwk), rsa.jwk["n"]):
            forged = Key("oct", "rsa", secret=text.encode())
            self.assert_refused_token(proxy, forged.token("HS256", claims()), "token_algorithm")
        for name in ("NONE", "None", "hs256", "HS256 ", "RS1", "ES256K", "", "RSA"):
            token = rsa.token("RS256", claims(), {"alg": name})
            self.assert_refused_token(proxy, token, "token_algorithm")
        p384 = Key("P-384", "p256")
        self.assertEqual(self.status(proxy, p384.token("ES384", claims())), 401)
        self.assertEqual(self.status(proxy, p256.token("ES256", claims(), {"alg": "ES384"})), 401)
        self.assertEqual(self.status(proxy, rsa.token("PS256", claims(), {"alg": "RS256"})), 401)
        self.assertEqual(self.status(proxy, only.token("RS256", claims())), 200)
        self.assert_refused_token(proxy, only.token("RS512", claims()), "token_key_unknown")

    def test_short_secrets_are_for_short_digests(self):
        proxy = self.guarded(Key("oct", "k1", secret=SECRET[:32]))
        key = Key("oct", "k1", secret=SECRET[:32])
        self.assertEqual(self.status(proxy, key.token("HS256", claims())), 200)
        self.assert_refused_token(proxy, key.token("HS512", claims()), "token_algorithm")

    def test_kid(self):
        first, second, nameless = (Key("P-256", "one"), Key("P-256", "two"), Key("P-256"))
        proxy = self.guarded(first, second)
        self.assertEqual(self.status(proxy, second.token("ES256", claims())), 200)
        self.assertEqual(self.status(proxy, second.token("ES256", claims(), {"kid": "one"})), 401)
        self.assert_refused_token(proxy, second.token("ES256", claims(), {"kid": "three"}), "token_key_unknown")
        self.assert_refused_token(proxy, second.token("ES256", claims(), {"kid": 2}), "token_malformed")
        second.kid = None
        self.assertEqual(self.status(proxy, second.token("ES256", claims())), 200)
        proxy = self.guarded(nameless)
        self.assertEqual(self.status(proxy, nameless.token("ES256", claims(), {"kid": "any"})), 200)

    def test_keys_that_a_token_brings_along_are_not_looked_at(self):
        eve = Key("RSA", "k1")
        proxy = self.guarded()
        for header in ({"jwk": eve.jwk}, {"jku": "http://127.0.0.1:1/"}, {"x5c": ["AAAA"]}, {"kid": "/dev/null"}):
            self.assertEqual(self.status(proxy, eve.token("RS256", claims(), header)), 401)

    def test_times(self):
        now = int(time.time())
        proxy = self.guarded(listener="jwt_leeway = 60s")
        for more, reason in (({"exp": now - 3600}, "token_expired"), ({"exp": 0}, "token_expired"),
                             ({"exp": -1}, "token_expired"), ({"nbf": now + 3600}, "token_early"),
                             ({"iat": now + 3600}, "token_early"), ({"exp": "tomorrow"}, "token_malformed"),
                             ({"exp": str(now + 3600)}, "token_malformed"), ({"nbf": None}, "token_malformed"),
                             ({"exp": True}, "token_malformed")):
            with self.subTest(more=more):
                self.assert_refused_token(proxy, self.good(**more), reason)
        for more in ({"exp": now - 30}, {"nbf": now + 30}, {"exp": now + 3600.5}, {"exp": 1e300}, {"nbf": now - 5}):
            with self.subTest(more=more):
                self.assertEqual(self.status(proxy, self.good(**more)), 200)
        forever = claims()
        del forever["exp"]
        self.assertEqual(self.status(proxy, self.key.token("HS256", forever)), 200)
        strict = self.guarded(listener="jwt_claim = exp\njwt_leeway = 1ms")
        self.assertEqual(self.status(strict, self.key.token("HS256", forever)), 403)
        self.assertEqual(self.status(strict, self.good()), 200)

    def test_what_is_remembered_expires_all_the_same(self):
        proxy = self.guarded(listener="jwt_leeway = 1ms")
        token = self.good(exp=time.time() + 3)
        self.assertEqual(self.status(proxy, token), 200)
        deadline = time.time() + 60
        while self.status(proxy, token) == 200 and time.time() < deadline:
            pass
        self.assert_refused_token(proxy, token, "token_expired")

    def test_issuer_and_audience(self):
        proxy = self.guarded(listener="jwt_issuer = https://login.example, https://other.example\n"
                                      "jwt_audience = api, web")
        for more in ({}, {"iss": "https://other.example"}, {"aud": ["x", "web"]}, {"aud": "web"}):
            self.assertEqual(self.status(proxy, self.good(**more)), 200, more)
        for more, reason in (({"iss": "https://login.example/"}, "token_issuer"), ({"iss": None}, "token_issuer"),
                             ({"iss": ["https://login.example"]}, "token_issuer"), ({"aud": "ap"}, "token_audience"),
                             ({"aud": []}, "token_audience"), ({"aud": [["api"]]}, "token_audience"),
                             ({"aud": {"api": 1}}, "token_audience")):
            with self.subTest(more=more):
                self.assert_refused_token(proxy, self.good(**more), reason)

    def test_claims_that_are_demanded(self):
        proxy = self.guarded(listener="jwt_claim = scope read\njwt_claim = role\njwt_claim = realm.groups staff")
        fine = {"scope": "write read", "role": 1, "realm": {"groups": ["staff", "x"]}}
        self.assertEqual(self.status(proxy, self.good(**fine)), 200)
        self.assertEqual(self.status(proxy, self.good(**{**fine, "scope": ["read"]})), 200)
        for more in ({"scope": "reader"}, {"scope": ""}, {"scope": None}, {"role": None}, {"realm": {}},
                     {"realm": {"groups": "staffers"}}, {"realm": "staff"}, {"scope": {"read": 1}}):
            with self.subTest(more=more):
                self.assert_refused_token(proxy, self.good(**{**fine, **more}), "token_claim", 403)

    def test_malformed(self):
        proxy = self.guarded()
        head, payload, signature = self.good().split(".")
        deep = "[" * 100 + "]" * 100
        for token in ("x", ".", "..", "...", "a.b", "a.b.c", head, head + "." + payload, self.good() + ".",
                      self.good() + "." + signature, "%s=.%s.%s" % (head, payload, signature),
                      " .%s.%s" % (payload, signature),
                      self.key.raw("HS256", "[]", "{}"), self.key.raw("HS256", '"alg"', "{}"),
                      self.key.raw("HS256", '{"alg":"HS256"', "{}"), self.key.raw("HS256", '{"alg":"HS256"}', "[]"),
                      self.key.raw("HS256", '{"alg":"HS256"}', "nothing"),
                      self.key.raw("HS256", '{"alg":"HS256","alg":"HS256"}', "{}"),
                      self.key.raw("HS256", '{"alg":"HS256"}', '{"sub":"a","sub":"b"}'),
                      self.key.raw("HS256", '{"alg":"HS256","crit":["b64"],"b64":false}', "{}"),
                      self.key.raw("HS256", '{"alg":["HS256"]}', "{}"),
                      self.key.raw("HS256", '{"alg":"HS256"}', '{"a":%s}' % deep),
                      self.key.raw("HS256", '{"alg":"HS256","x":%s}' % deep, "{}"),
                      self.key.raw("HS256", '{"alg":"HS256"}', '{"a":"\\u0000"}'),
                      self.key.raw("HS256", '{"alg":"HS256"}', b'{"a":"\xff"}'),
                      self.key.raw("HS256", '{"alg":"HS256"}', '{"a":"%s"}' % ("x" * 9000))):
            with self.subTest(token=token[:200]):
                self.assert_refused_token(proxy, token, "token_malformed")

    def test_claims_become_fields_and_forged_ones_never_pass(self):
        proxy = self.guarded(listener="jwt_header = X-User sub\njwt_header = X-Roles realm.roles\n"
                                      "jwt_header = X-Number number\njwt_header = X-Bad bad",
                             extra="[route open]\npath = /open/*\nupstream = app\njwt = off\n")
        forged = "X-User: root\r\nx-roles: admin\r\nX-NUMBER: 1\r\nX-Bad: b\r\nX_User: root\r\nX-Other: kept\r\n"
        token = self.good(realm={"roles": ["a", "b c"]}, number=42, bad="a\r\nX-Evil: 1")
        proxy.exchange(get(extra=forged + bearer(token)))
        request = self.app.requests[-1]
        self.assertEqual(request.all("X-User"), ["alice"])
        self.assertEqual(request.all("X-Roles"), ["a, b c"])
        self.assertEqual(request.all("X-Number"), ["42"])
        self.assertEqual(request.all("X-Bad") + request.all("X-Evil") + request.all("X_User"), [])
        self.assertEqual(request.all("X-Other"), ["kept"])
        proxy.exchange(get("/open/", extra=forged))
        request = self.app.requests[-1]
        for name in ("X-User", "X-Roles", "X-Number", "X-Bad"):
            self.assertFalse(request.has(name), name)
        for bad in ({"a": 1}, ["a,b"], ["a", ["b"]], "", [], None, " padded", "x" * 5000):
            with self.subTest(bad=bad):
                self.assertEqual(self.status(proxy, self.good(bad=bad)), 200)
                self.assertFalse(self.app.requests[-1].has("X-Bad"))
        self.status(proxy, self.good(sub="\u00e9mile"))
        self.assertEqual(self.app.requests[-1].get("X-User").encode("latin-1").decode(), "\u00e9mile")

    def test_cookies(self):
        proxy = self.guarded(listener="jwt_cookie = session")
        for extra, status in (("Cookie: a=b; session=%s\r\n" % self.good(), 200),
                              ("Cookie: sessions=%s\r\n" % self.good(), 401), (bearer(self.good()), 200),
                              ("Cookie: session=%s\r\n" % self.good(exp=1), 401),
                              # a Bearer counts before the cookie
                              (bearer("x") + "Cookie: session=%s\r\n" % self.good(), 401)):
            self.assertEqual(proxy.exchange(get(extra=extra)).status, status, extra)

    def test_routes_and_their_listener(self):
        other = Key("oct", "k2", secret=SECRET[::-1])
        path = self.jwks(other, name="other.json")
        proxy = self.guarded(listener="jwt_audience = api", extra=(
            "[route open]\npath = /open/*\nupstream = app\njwt = off\n"
            "[route other]\npath = /other/*\nupstream = app\njwt = jwks:%s\njwt_audience = web\n"
            "[route admin]\npath = /admin/*\nupstream = app\njwt_claim = role admin\nforward_authorization = on\n") % path)
        self.assertEqual(proxy.exchange(get("/open/")).status, 200)
        self.assertEqual(proxy.exchange(get("/")).status, 401)
        self.assertEqual(self.status(proxy, self.good()), 200)
        self.assertEqual(self.status(proxy, self.good(), "/other/"), 401)
        self.assertEqual(self.status(proxy, other.token("HS256", claims(aud="web")), "/other/"), 200)
        self.assertEqual(self.status(proxy, other.token("HS256", claims(aud="api")), "/other/"), 401)
        self.assertEqual(self.status(proxy, self.good(), "/admin/"), 403)
        self.assertEqual(self.status(proxy, self.good(role="admin"), "/admin/"), 200)
        self.assertTrue(self.app.requests[-1].has("Authorization"))

    def test_secret_and_pem_files(self):
        secret = self.path("secret")
        with open(secret, "wb") as file:
            file.write(SECRET + b"\n")
        proxy = self.guarded(jwt="secret:" + secret)
        self.assertEqual(self.status(proxy, self.good()), 200)
        for kind, algorithm in (("RSA", "RS256"), ("P-256", "ES256"), ("Ed25519", "EdDSA"), ("P-521", "ES512")):
            key = Key(kind)
            proxy = self.guarded(jwt="pem:" + self.write("key.pem", key.pem()))
            self.assertEqual(self.status(proxy, key.token(algorithm, claims())), 200, kind)
            forged = Key("oct", secret=key.pem().encode().ljust(64))
            self.assertEqual(self.status(proxy, forged.token("HS256", claims())), 401, kind)

    def test_password_and_token_together(self):
        users = self.write("users", "bob:%s\n" % hashed("b"))
        proxy = self.guarded(listener="basic_auth = %s\njwt_cookie = session" % users)
        cookie = "Cookie: session=%s\r\n" % self.good()
        self.assertEqual(proxy.exchange(get(extra=cookie)).status, 401)
        self.assertEqual(proxy.exchange(get(extra=basic("bob", "b"))).status, 401)
        self.assertEqual(proxy.exchange(get(extra=basic("bob", "x") + cookie)).status, 401)
        self.assertEqual(proxy.exchange(get(extra=basic("bob", "b") + cookie)).status, 200)
        self.assertEqual(proxy.access_log(4)[-1]["user"], "bob")

    def checked(self, *lines):
        ini = self.write("bad.ini", "[listener l]\nbind = :0\nupstream = u\n%s\n[upstream u]\nserver = 127.0.0.1:1\n"
                         % "\n".join(lines))
        status, _, err = run_command("check", ini)
        return status, err

    def test_bad_key_files(self):
        rsa, ec = Key("RSA").jwk, Key("P-256").jwk
        for keys, wrong in (("", "no set of keys"), ("[]", "no set of keys"), ('{"keys":{}}', "no set of keys"),
                            ('{"keys":[]}', "no key that is for signatures"), ('{"keys":[1]}', "key 1 of it is no object"),
                            ([{}], "has no kty"), ([{"kty": "RSA"}], "lacks n or e"), ([{**rsa, "n": "AQ"}], "RSA"),
                            ([{**rsa, "e": "AQ"}], "no key"), ([{**rsa, "n": rsa["n"] + "="}], "lacks n or e"),
                            ([Key("RSA", bits=1024).jwk], "less than 2048 bits"), ([{**ec, "y": ec["x"]}], "no key"),
                            ([{**ec, "x": "AQ"}], "wrong length"), ([{**ec, "crv": "P-384"}], "wrong length"),
                            ([{**rsa, "alg": "HS256"}], "alg"), ([{**rsa, "alg": "none"}], "alg"),
                            ([{**rsa, "alg": ""}], "alg"), ([{**rsa, "kid": 7}], "kid"),
                            ([{"kty": "oct", "k": b64("short")}], "shorter than 32 bytes"),
                            ([rsa, {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}], "key 2 of it"),
                            ([{**rsa, "use": "enc"}], "no key that is for signatures"),
                            ([{"kty": "AKP", "x": "y"}], "no key that is for signatures"),
                            ([rsa] * 65, "more than 64 keys"), ("[" * 5000, "no set of keys")):
            text = keys if isinstance(keys, str) else json.dumps({"keys": keys})
            path = self.write("bad.json", text)
            with self.subTest(text=text[:100]):
                status, err = self.checked("jwt = jwks:" + path)
                self.assertEqual(status, 2)
                self.assertIn("bad.ini:4: [listener l] jwt: 'jwks:%s' " % path, err)
                self.assertIn(wrong, err)
        unknown = [{"kty": "AKP"}, {**ec, "crv": "secp256k1"}, {**rsa, "use": "enc"}, rsa]
        self.assertEqual(self.checked("jwt = jwks:" + self.write("fine.json", json.dumps({"keys": unknown})))[0], 0)

    def test_bad_values(self):
        path = self.jwks(self.key)
        users = self.write("users", "bob:$2b$10$INrms6BbtUIsENtex5w/0ueJ5p0xuQhHzBG5.V2fRtFJPOrSIoB/W\n")
        short = self.write("short", "too short")
        for lines, wrong in ((["jwt = " + path], "what kind of file"), (["jwt = jwks:/nowhere"], "cannot be read"),
                             (["jwt = secret:" + short], "shorter than 32 bytes"),
                             (["jwt = pem:" + short], "no public key"),
                             (["jwt_header = X-User"], "field and a claim"), (["jwt_header = Host sub"], "cannot be set"),
                             (["jwt_header = Content-Length sub"], "cannot be set"),
                             (["jwt_header = X:User sub"], "name of a field"), (["jwt_cookie = a b"], "cookie"),
                             (["realm = a\"b"], "realm"), (["jwt = jwks:" + path, "basic_auth = " + users], "jwt_cookie")):
            with self.subTest(lines=lines):
                status, err = self.checked(*lines)
                self.assertEqual((status, wrong in err), (2, True), err)
        self.assertEqual(self.checked("jwt = jwks:" + path, "basic_auth = " + users, "jwt_cookie = c")[0], 0)

    def test_many_tokens(self):
        """More than are remembered, from several connections."""
        proxy = self.guarded()
        before = None
        with proxy.dial() as wire:
            for number in range(3000):
                wire.send(get(extra=bearer(self.good(n=number))))
                self.assertEqual(wire.final().status, 200)
                if number == 1500:
                    before = proxy.rss()
        self.assertLess(proxy.rss() - before, 16 << 20)


if __name__ == "__main__":
    main()
