# SPDX-License-Identifier: MIT
"""browser.py - a headless Chromium without any network, driven over a pipe: no library, no port.

    with Browser() as browser:
        page = browser.open(path, width=390, dark=True)
        page.run("document.title"), page.requests, page.said

`requests` are all addresses the page asked for, itself first; `said` what it wrote to the console, and errors.
"""
import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

ANSWER_LIMIT = 60


def missing():
    """Why there is no browser here; None when there is one."""
    return None if shutil.which("chromium") else "chromium is not installed"


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mptcp-audit-browser")
        self.numbers = itertools.count(1)
        self.buffer, self.events = b"", []
        self.to, self.answers, self.process = None, None, None

    def __enter__(self):
        theirs_in, self.to = os.pipe()
        self.answers, theirs_out = os.pipe()
        cut_off = ["unshare", "-n"] if subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0 else []
        command = [*cut_off, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--remote-debugging-pipe", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
                   "--disable-background-networking", "--disable-component-update", f"--user-data-dir={self.folder}",
                   "about:blank"]

        # The browser reads commands from descriptor 3 and answers on 4.
        def connect():
            a, b = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(command, preexec_fn=connect, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": self.folder})
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(self, *_):
        try:
            self.ask("Browser.close")
            self.process.wait(ANSWER_LIMIT)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, until):
        """The next message of the browser."""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(self.answers, 1 << 20) if ready else b""
            if not piece:
                raise RuntimeError("the browser does not answer")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, session=None, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + ANSWER_LIMIT
        while True:
            got = self.read(until)
            if got.get("id") == number:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']['message']}")
                return got["result"]
            if "method" in got:
                self.events.append(got)

    def wait_for(self, session, method):
        until = time.monotonic() + ANSWER_LIMIT
        while not any(e["method"] == method and e.get("sessionId") == session for e in self.events):
            got = self.read(until)
            if "method" in got:
                self.events.append(got)

    def open(self, path, width=1280, height=900, dark=False):
        return Page(self, path, width, height, dark)


class Page:
    def __init__(self, browser, path, width, height, dark):
        self.browser = browser
        self.target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        browser.events.clear()
        self.ask("Page.navigate", url="file://" + os.path.abspath(path))
        browser.wait_for(self.session, "Page.loadEventFired")

    def ask(self, method, **parameters):
        return self.browser.ask(method, self.session, **parameters)

    def run(self, expression):
        """The value of an expression; the policy of the page does not bind us."""
        got = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise RuntimeError(got["exceptionDetails"].get("exception", {}).get("description", "failed"))
        return got["result"].get("value")

    def heard(self, *methods):
        return [e["params"] for e in self.browser.events if e["method"] in methods and e.get("sessionId") == self.session]

    @property
    def requests(self):
        return [e["request"]["url"] for e in self.heard("Network.requestWillBeSent")]

    @property
    def said(self):
        return self.heard("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

    def picture(self, path, whole=True):
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.browser.ask("Target.closeTarget", targetId=self.target)
