"""browser.py - a headless Chromium for the tests of the replay page, and what it complained about."""
import os
import shutil
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "demos"))
from judge import RUN_SECONDS, Failure, Skip  # noqa: E402


class Browser:
    """One for all pages of a test: to start one takes a second."""

    def __init__(self):
        try:
            from selenium import webdriver
            from selenium.webdriver.chrome.options import Options
            from selenium.webdriver.chrome.service import Service
        except ImportError:
            raise Skip("no selenium here: install python3-selenium, chromium and chromium-driver (scripts/setup ci)")
        browser, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
        if browser is None or driver is None:
            raise Skip("no browser here: install chromium and chromium-driver (scripts/setup ci)")
        self.place = tempfile.mkdtemp(prefix="proclab-page-")
        options = Options()
        options.binary_location = browser
        for flag in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-extensions", "--disable-background-networking",
                     "--disable-smooth-scrolling",  # on a slow machine a smooth one is now and then lost
                     f"--user-data-dir={self.place}/profile"):
            options.add_argument(flag)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # which root has none of
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        os.environ["TMPDIR"] = self.place  # for what the driver leaves
        tempfile.tempdir = self.place
        try:
            self.driver = webdriver.Chrome(options=options, service=Service(driver))
        except Exception:
            shutil.rmtree(self.place, ignore_errors=True)
            raise

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.place, ignore_errors=True)

    def look(self, width, height, scheme):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def open(self, path, moment=""):
        self.driver.get("about:blank")
        self.complaints()
        self.driver.get(f"file://{path}{moment}")

    def js(self, text, *arguments):
        from selenium.common.exceptions import WebDriverException
        try:
            return self.driver.execute_script(text, *arguments)
        except WebDriverException as error:
            raise Failure(f"the page's program is broken: {error.msg.splitlines()[0]}; {self.complaints()[:2]}")

    def keys(self, *keys):
        from selenium.webdriver.common.by import By
        self.driver.find_element(By.TAG_NAME, "body").send_keys(*keys)

    def drag_over_lanes(self, begin, end):
        """With the mouse, from one moment to another."""
        place = self.js("""const box = byId("lanes").getBoundingClientRect();
            return arguments[0].map((n) => [box.left + scaleX(n), box.top + 30])""", [begin, end])
        for kind, (x, y) in (("mousePressed", place[0]), ("mouseMoved", place[1]), ("mouseReleased", place[1])):
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {
                "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1})

    def complaints(self):
        """What is on the console, and each request but for the page itself; since it was asked last."""
        import json
        found = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith((f"file://{self.place}/", "data:", "about:")):
                    found.append(f"asks for {url}")
        return found

    def expect(self, what, text, *arguments):
        result = self.js(text, *arguments)
        if result is not True:
            raise Failure(f"{what}: {result!r}")

    def expect_soon(self, what, text, *arguments):
        """Of what the browser does in its own time."""
        deadline = time.monotonic() + RUN_SECONDS
        while self.js(text, *arguments) is not True and time.monotonic() < deadline:
            time.sleep(0.02)
        self.expect(what, text, *arguments)
