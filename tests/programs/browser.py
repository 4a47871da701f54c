"""A headless Chromium that a test drives by the WebDriver protocol, without a library."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from ring_report import Failure

HANG_SECONDS = 120
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
             "--disable-default-apps", "--hide-scrollbars", "--force-color-profile=srgb"]
KEYS = {"Tab": "\ue004", "ArrowLeft": "\ue012", "ArrowRight": "\ue014", "Home": "\ue011", "End": "\ue010",
        "Enter": "\ue007", "Space": " "}


class Browser:
    """One window, until close()."""

    def __init__(self):
        if shutil.which("chromedriver") is None:
            raise Failure("there is no chromedriver: ./dev deps test installs chromium-driver")
        self.directory = tempfile.mkdtemp(prefix="millrace-browser-")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       stdin=subprocess.DEVNULL, text=True)
        self.session = None
        try:
            self.address = f"http://127.0.0.1:{self._port()}"
            capabilities = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                            "goog:chromeOptions": {"args": [*ARGUMENTS, f"--user-data-dir={self.directory}"]}}
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
            self.session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found[1])
        raise Failure(f"chromedriver ended with {self.driver.wait()}")

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.read().decode(errors='replace')[:1000]}") from error

    def _do(self, command, body=None):
        return self._ask("POST", f"{self.session}/{command}", body or {})

    def _devtools(self, command, **parameters):
        return self._do("goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self._do("url", {"url": url})

    def run(self, script, *arguments):
        """What a function with this body returns in the page."""
        return self._do("execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys):
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._do("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def said(self):
        """What the console holds since the last call: warnings and errors, with failed requests."""
        return [entry["message"] for entry in self._do("se/log", {"type": "browser"})
                if entry["level"] in ("WARNING", "SEVERE")]

    def resize(self, width, height, scale=1):
        self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                       mobile=False)

    def prefer(self, **features):
        """As a user's preferences: prefer(color_scheme="dark", reduced_motion="reduce")."""
        self._devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-" + name.replace("_", "-"), "value": value} for name, value in features.items()])

    def picture(self, path):
        """The whole page as a PNG."""
        shot = self._devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def close(self):
        if self.session is not None:
            self._ask("DELETE", self.session)
        self.driver.terminate()
        self.driver.wait(timeout=HANG_SECONDS)
        self.driver.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)
