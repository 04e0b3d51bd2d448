"""A real browser and a real curl over HTTPS: a page with all that belongs to it, from TLS to the last byte."""

import asyncio
import base64
import hashlib
import unittest

from browser import Browser, missing
from certificates import Authority
from cryptography.hazmat.primitives import serialization
from harness import Case, answering, main
from wire import ok

PAGE = b"""<!doctype html><meta charset=utf-8><title>waiting</title><link rel=icon href=data:,>
<link rel=stylesheet href=/style.css><body><img src=/picture.svg><script>
addEventListener("load", async () => {
    const sent = "x".repeat(300000);
    const got = await (await fetch("/echo", {method: "POST", body: sent})).text();
    const many = await Promise.all([...Array(30).keys()].map(i => fetch("/small?" + i).then(r => r.text())));
    document.title = got === sent && many.every(text => text === "small") ? "done" : "wrong";
});
</script>"""
FILES = {"/": (PAGE, "text/html"), "/style.css": (b"body { color: rgb(1, 2, 3) }", "text/css"), "/small": (b"small", "text/plain"),
         "/picture.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>', "image/svg+xml")}


def serve(request):
    body, kind = FILES.get(request.target.partition("?")[0], (request.body, "text/plain"))
    return ok(body, "Content-Type: %s\r\nSet-Cookie: seen=1; Secure; HttpOnly\r\n" % kind)


class Https(Case):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder)
        self.certificate = self.ca.issue("one.example")
        self.leaf = self.ca.latest
        self.server = self.upstream(answering(serve))
        self.proxy_ = self.proxy(self.server, listener="certificate = %s\nhsts = 5m\n" % self.certificate)
        self.url = "https://one.example:%d/" % self.proxy_.port

    @unittest.skipIf(missing(), missing())
    def test_chromium(self):
        pin = base64.b64encode(hashlib.sha256(self.leaf.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()).decode()

        async def story():
            async with Browser(self.folder, "--host-resolver-rules=MAP one.example 127.0.0.1",
                               "--ignore-certificate-errors-spki-list=" + pin) as page:
                await page.go(self.url)
                await page.wait("document.title === 'done'")
                self.assertTrue(await page.value("isSecureContext"))
                self.assertEqual(await page.value("getComputedStyle(document.body).color"), "rgb(1, 2, 3)")
                self.assertEqual(await page.value("document.images[0].naturalWidth"), 7)
                self.assertEqual(await page.value("performance.getEntriesByType('navigation')[0].nextHopProtocol"), "http/1.1")
                return page
        page = asyncio.run(story())
        self.assertEqual(page.errors, [])
        ours = [response for response in page.responses if response["url"].startswith(self.url)]
        self.assertGreaterEqual(len(ours), 34)
        for response in ours:
            self.assertEqual((response["status"], response["securityDetails"]["protocol"]), (200, "TLS 1.3"), response["url"])
            self.assertEqual(response["headers"].get("Strict-Transport-Security"), "max-age=300")
        self.assertEqual({request.get("X-Forwarded-Proto") for request in self.server.requests}, {"https"})
        self.assertTrue(any("seen=1" in (request.get("Cookie") or "") for request in self.server.requests))

    @unittest.skipIf(missing(), missing())
    def test_chromium_does_not_take_any_certificate(self):
        async def story():
            async with Browser(self.folder, "--host-resolver-rules=MAP one.example 127.0.0.1") as page:
                await page.go(self.url)
                await page.wait("location.href.startsWith('chrome-error')")
        asyncio.run(story())
        self.assertEqual(self.server.requests, [])
        self.assertIn("tls_certificate_refused", [entry["reason"] for entry in self.proxy_.access_log(1)])

    def test_curl(self):
        """Ten at a time, with what it sends and gets, in both versions."""
        sent = self.write("sent", "y" * 700000)
        for version in ("1.2", "1.3"):
            done = self.curl("--cacert", self.ca.file, "--resolve", "one.example:%d:127.0.0.1" % self.proxy_.port, "--tls-max",
                             version, "--data-binary", "@" + sent, "-o", self.path("got"), "-w", "%{http_code} %{ssl_verify_result}",
                             self.url + "echo")
            self.assertEqual(done.stdout, b"200 0")
            with open(sent) as first, open(self.path("got")) as second:
                self.assertEqual(first.read(), second.read())
            done = self.curl("--cacert", self.ca.file, "--resolve", "one.example:%d:127.0.0.1" % self.proxy_.port, "--tls-max",
                             version, "--parallel", "--parallel-max", "10", self.url + "small?[1-50]")
            self.assertEqual(done.stdout, b"small" * 50)
        done = self.curl("--resolve", "one.example:%d:127.0.0.1" % self.proxy_.port, self.url, check=False)
        self.assertEqual(done.returncode, 60)  # nobody vouches for it


if __name__ == "__main__":
    main()
