"""Headless Chromium, driven by its DevTools protocol."""

import asyncio
import base64
import json
import os
import shutil
import subprocess

from patience import PATIENCE

try:
    import websockets
except ImportError:
    websockets = None


def chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser")


def missing():
    """Why there is no browser to test with, or None."""
    if not chromium():
        return "chromium is not installed (./dev test installs it)"
    return None if websockets else "python3-websockets is not installed"


def read_lines(path):
    """The lines of a file that is being written; none before there are two."""
    if not os.path.exists(path):
        return None
    with open(path) as file:
        text = file.read()
    return text.split("\n") if text.count("\n") else None


class Browser:
    """One page. What it logs, throws, asks for and gets is collected in `errors`, `requests` and `responses`."""

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options
        self.errors, self.requests, self.responses = [], [], []
        self.answers, self.number = {}, 0

    async def __aenter__(self):
        self.process = subprocess.Popen(
            [chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--no-proxy-server",
             "--disable-sync", "--metrics-recording-only", "--hide-scrollbars", "--remote-debugging-port=0",
             "--user-data-dir=" + os.path.join(self.folder, "profile"), *self.options, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        port_file = os.path.join(self.folder, "profile", "DevToolsActivePort")
        port, path = (await self.until(lambda: read_lines(port_file), "Chromium to start"))[:2]
        self.socket = await websockets.connect("ws://127.0.0.1:%s%s" % (port, path), max_size=None, ping_interval=None)
        self.reader = asyncio.ensure_future(self.read())
        self.session = None
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        self.session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(domain + ".enable")
        return self

    async def __aexit__(self, *unused):
        self.reader.cancel()
        await self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    async def until(self, condition, what):
        end = asyncio.get_running_loop().time() + 3 * PATIENCE
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            if asyncio.get_running_loop().time() > end:
                raise AssertionError("waited in vain for " + what)
            await asyncio.sleep(0.05)

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.answers.pop(message["id"]).set_result(message)
            else:
                self.note(message["method"], message["params"])

    def note(self, method, params):
        if method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"].get("exception", {}).get("description", str(params)))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.responseReceived":
            self.responses.append(params["response"])

    async def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        answer = self.answers[self.number] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps(message))
        got = await asyncio.wait_for(answer, 3 * PATIENCE)
        if "error" in got:
            raise AssertionError("%s: %s" % (method, got["error"]))
        return got["result"]

    async def go(self, url):
        await self.call("Page.navigate", url=url)

    async def value(self, expression):
        """What an expression of JavaScript gives."""
        got = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise AssertionError("%s: %s" % (expression, got["exceptionDetails"]))
        return got["result"].get("value")

    async def wait(self, expression):
        return await self.until(lambda: self.value(expression), expression)

    async def look(self, width, height=900, dark=False, phone=False):
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        await self.call("Emulation.setEmulatedMedia",
                        features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    async def press(self, key, code=0):
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                            **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}))

    async def shoot(self, name):
        """A picture of the whole page, for people to look at; in the test's folder."""
        size = (await self.call("Page.getLayoutMetrics"))["cssContentSize"]
        picture = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                                  clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        with open(os.path.join(self.folder, name + ".png"), "wb") as file:
            file.write(base64.b64decode(picture["data"]))


CONTRAST = """
(() => {
    const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1] };
    const lum = c => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]) };
    const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
        if (c[3] > .9) return c } return [255, 255, 255, 1] };
    const poor = [];
    for (const e of document.querySelectorAll("body *")) {
        if (!e.checkVisibility() || e.closest("svg") ||
            ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
        const a = lum(parse(getComputedStyle(e).color)), b = lum(ground(e));
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) poor.push(ratio.toFixed(2) + " " + e.tagName + "." + e.className + " " + e.textContent.slice(0, 30));
    }
    return poor;
})()
"""
