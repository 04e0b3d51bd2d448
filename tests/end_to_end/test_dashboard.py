"""The dashboard in a real browser: what it shows is what happened, at every size, in both colours, with the keyboard,
without a foreign request and without an error."""

import asyncio
import unittest

from admin import Admin
from browser import CONTRAST, Browser, missing
from harness import answering, main
from upstream import refused_port
from wire import get, ok, post

TOKEN = "correct-horse-battery-staple"
EXTRA = """
[route api]
path = /api/*
upstream = app
[route closed]
path = /closed/*
deny = 0.0.0.0/0
upstream = app
[route broken]
path = /broken/*
upstream = gone
[route small]
path = /small/*
max_body = 10
upstream = app
[upstream gone]
server = %s
"""


@unittest.skipIf(missing(), missing())
class Dashboard(Admin):
    def setUp(self):
        super().setUp()
        self.app = self.upstream(answering(lambda request: ok(b"x" * 2000)))
        nobody, server = refused_port()
        self.addCleanup(nobody.close)
        self.extra = EXTRA % server

    def browse(self, story):
        async def run():
            async with Browser(self.folder) as page:
                await story(page)
                return page
        return asyncio.run(run())

    def test_shows_what_happened(self):
        proxy = self.with_admin(self.app, workers=2, extra=self.extra)
        base = "http://127.0.0.1:%d/" % self.admin_port()
        with proxy.dial() as wire:
            for _ in range(7):
                self.assertEqual(wire.exchange(get("/api/x")).status, 200)
        for target, status in (("/closed/secret", 403), ("/broken/x", 502)):
            with proxy.dial() as wire:
                self.assertEqual(wire.exchange(get(target)).status, status)
        with proxy.dial() as wire:
            self.assertEqual(wire.exchange(post("/small/", b"y" * 50)).status, 413)

        async def story(page):
            await page.look(1280)
            await page.go(base)
            await page.wait("document.body && Number(document.body.dataset.live) >= 2")
            self.assertEqual(await page.value("document.getElementById('state').textContent"), "running")
            await page.wait("document.getElementById('routes').textContent.includes('api7')")
            text = await page.value("document.body.innerText")
            for word in ("connect_failed", "source_denied", "body_too_large", "max_body", "deny", "/closed/secret",
                         "greenway.ini:", "refuses connections or cannot be reached"):
                self.assertIn(word, text)
            before = int(await page.value("document.body.dataset.live"))
            with proxy.dial() as wire:
                self.assertEqual(wire.exchange(get("/api/x")).status, 200)
            await page.wait("document.getElementById('routes').textContent.includes('api8')")
            await page.wait("Number(document.body.dataset.live) > %d" % before)
            for dark in (False, True):
                for width, height in ((1280, 900), (768, 1024), (320, 640)):
                    await page.look(width, height, dark, width < 500)
                    name = "%s at %d px" % ("dark" if dark else "light", width)
                    await page.wait("document.documentElement.dataset.theme === '%s'" % ("dark" if dark else "light"))
                    self.assertLessEqual(await page.value("document.documentElement.scrollWidth"), width, name)
                    self.assertEqual(await page.value(CONTRAST), [], name)
                    await page.shoot("dashboard-%d-%s" % (width, "dark" if dark else "light"))
        page = self.browse(story)
        self.assertEqual(page.errors, [])
        self.assertEqual([url for url in page.requests if not url.startswith((base, "data:", "about:"))], [])

    def test_keyboard_and_theme(self):
        self.with_admin(self.app, extra=self.extra)

        async def story(page):
            await page.look(1280)
            await page.go("http://127.0.0.1:%d/" % self.admin_port())
            await page.wait("document.body && document.body.dataset.live")
            order = []
            for _ in range(6):
                await page.press("Tab", 9)
                order.append(await page.value("document.activeElement.textContent"))
                self.assertNotEqual(await page.value("getComputedStyle(document.activeElement).outlineStyle"), "none", order)
            self.assertEqual(order, ["Skip to the traffic", "Dark", "Metrics for Prometheus", "All of this as JSON", "Health",
                                     "Readiness"])
            await page.value("document.getElementById('theme').focus()")
            await page.press("Enter", 13)
            self.assertEqual(await page.value("document.documentElement.dataset.theme"), "dark")
            self.assertEqual(await page.value("document.activeElement.textContent"), "Light")
            await page.call("Page.reload")
            await page.wait("document.body && document.body.dataset.live")
            self.assertEqual(await page.value("document.documentElement.dataset.theme"), "dark")
        self.assertEqual(self.browse(story).errors, [])

    def test_without_a_stream_it_asks(self):
        self.with_admin(self.app)

        async def story(page):
            await page.call("Page.addScriptToEvaluateOnNewDocument", source="delete window.EventSource")
            await page.go("http://127.0.0.1:%d/" % self.admin_port())
            await page.wait("document.body && Number(document.body.dataset.live) >= 2")
            first = int(await page.value("document.body.dataset.live"))
            await page.wait("Number(document.body.dataset.live) > %d" % first)
        page = self.browse(story)
        self.assertEqual(page.errors, [])
        self.assertFalse([url for url in page.requests if url.endswith("/events")])

    def test_says_when_the_proxy_is_gone(self):
        proxy = self.with_admin(self.app)

        async def story(page):
            await page.go("http://127.0.0.1:%d/" % self.admin_port())
            await page.wait("document.body && document.body.dataset.live")
            proxy.signal()
            await asyncio.get_running_loop().run_in_executor(None, proxy.wait)
            await page.wait("!document.getElementById('lost').hidden")
            self.assertEqual(await page.value("document.getElementById('state').textContent"), "no connection")
        self.browse(story)

    def test_signs_in_and_out(self):
        self.with_admin(self.app, greenway="admin_token = " + TOKEN)

        async def story(page):
            await page.look(320, 640, True, True)
            await page.go("http://127.0.0.1:%d/" % self.admin_port())
            await page.wait("!!document.getElementById('token')")
            self.assertEqual(await page.value(CONTRAST), [])
            self.assertLessEqual(await page.value("document.documentElement.scrollWidth"), 320)
            await page.shoot("login")
            await page.wait("document.activeElement.id == 'token'")
            await page.call("Input.insertText", text="wrong")
            await page.press("Enter", 13)
            await page.wait("document.querySelector('[role=alert]') && document.activeElement.id == 'token'")
            await page.call("Input.insertText", text=TOKEN)
            await page.press("Enter", 13)
            await page.wait("document.body && document.body.dataset.live")
            self.assertEqual(await page.value("document.cookie"), "")  # not for scripts
            await page.wait("!document.getElementById('out').hidden")
            await page.value("document.getElementById('out').click()")
            await page.wait("!!document.getElementById('token')")
        page = self.browse(story)
        self.assertEqual([error for error in page.errors if "401" not in error], [])


if __name__ == "__main__":
    main()
