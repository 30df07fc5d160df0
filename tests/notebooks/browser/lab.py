"""JupyterLab as a person has it: `make lab` beside a running stack, seen and clicked through Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

TOKEN = "only-for-this-test"
REPOSITORY = Path(__file__).parents[3]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_S = 120.0
END_S = 30.0
PAGE_S = 60.0
RUN_S = 300.0

_KEY = {"token": TOKEN}
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)


class BrowserMissingError(RuntimeError):
    """The machine has no Chromium, or no ChromeDriver."""


@dataclass(frozen=True)
class Ran:
    """What a saved notebook shows of its run.

    Attributes:
        counts: execution counts of its code cells, in order.
        errors: names and messages of the exceptions.
    """

    counts: list[int | None]
    errors: list[str]


@contextmanager
def lab(
    chrome: Chrome, notebooks: Path, environment: Mapping[str, str], settings: Path
) -> Iterator[str]:
    """JupyterLab as `make lab` starts it, on copies of the notebooks; yields its address.

    Args:
        chrome: waits.
        notebooks: the copies, since running saves.
        environment: names the stack.
        settings: a folder for Jupyter's settings of this test: port, token, no browser of its own.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = {
        "open_browser": False,
        "port": port,
        "port_retries": 0,
        "allow_root": True,
        "root_dir": str(notebooks),
    }
    written = {"ServerApp": server, "IdentityProvider": {"token": TOKEN}}
    (settings / "jupyter_server_config.json").write_text(json.dumps(written))
    process = subprocess.Popen(
        ["make", "lab"],
        cwd=REPOSITORY,
        env={**environment, "JUPYTER_CONFIG_DIR": str(settings)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        until(chrome, lambda: _status(url), START_S, "JupyterLab to start")
        yield url
    finally:
        # make ends at once, JupyterLab when its kernels have.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(END_S)
        until(chrome, lambda: not _status(url), END_S, "JupyterLab to end")


def _status(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/status", params=_KEY, timeout=5).ok
    except requests.ConnectionError:
        return False


@contextmanager
def browser(profile: Path) -> Iterator[Chrome]:
    """Chromium without a window, with an empty profile.

    Raises:
        BrowserMissingError: there is none on this machine.
    """
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        raise BrowserMissingError(
            "no Chromium with ChromeDriver on this machine: install them (Debian and Ubuntu: "
            "apt-get install chromium chromium-driver), then run make test-lab again"
        )
    options = ChromeOptions()
    options.binary_location = binary
    for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


@dataclass(frozen=True)
class Notebook:
    """One notebook, open in JupyterLab for as long as the context lasts.

    Attributes:
        chrome: the browser.
        url: JupyterLab's address.
        path: the file.
    """

    chrome: Chrome
    url: str
    path: Path

    def __enter__(self) -> Self:
        """Show it, wait until its kernel is ready, and clear what earlier runs left."""
        self.chrome.get(f"{self.url}/lab/tree/{self.path.name}?token={TOKEN}&reset")
        until(
            self.chrome,
            lambda: self._all(".jp-Notebook .jp-Cell"),
            PAGE_S,
            f"{self.path.name} to open",
        )
        until(self.chrome, self._idle, PAGE_S, f"the kernel of {self.path.name}")
        self._menu("Edit", "Clear Outputs of All Cells")
        return self

    def run_all(self) -> None:
        """Run > Run All Cells."""
        self._menu("Run", "Run All Cells")

    def run_some(self, cells: int) -> None:
        """Select a code cell by its number from 0, then Run > Run All Above Selected Cell; wait."""
        self._all(".jp-Notebook .jp-CodeCell")[cells].click()
        self._menu("Run", "Run All Above Selected Cell")
        until(self.chrome, lambda: self._done(cells), RUN_S, f"{cells} cells of {self.path.name}")

    def restart_and_run_all(self) -> None:
        """Kernel > Restart Kernel and Run All Cells, and confirm."""
        self._menu("Kernel", "Restart Kernel and Run All Cells")
        confirm = ".jp-Dialog .jp-mod-warn"
        until(self.chrome, lambda: self._all(confirm), PAGE_S, "the question whether to restart")[
            0
        ].click()

    def ended(self) -> Ran:
        """Wait for the end of the run; what the file shows, saved with Ctrl+S."""
        cells = len(self._read().counts)
        until(self.chrome, lambda: self._done(cells), RUN_S, f"{self.path.name} to end")
        return self._read()

    def __exit__(self, *_: object) -> None:
        """End its kernel."""
        for session in self._sessions():
            requests.delete(f"{self.url}/api/sessions/{session['id']}", params=_KEY, timeout=10)

    def _done(self, cells: int) -> bool:
        if not self._idle():
            return False
        self.chrome.find_element(By.CSS_SELECTOR, "body").send_keys(Keys.CONTROL, "s")
        ran = self._read()
        return bool(ran.errors) or ran.counts[:cells] == [*range(1, cells + 1)]

    def _read(self) -> Ran:
        cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        outputs = [output for cell in code for output in cell["outputs"]]
        errors = [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
        return Ran(counts=[cell["execution_count"] for cell in code], errors=errors)

    def _sessions(self) -> list[dict[str, Any]]:
        found = requests.get(f"{self.url}/api/sessions", params=_KEY, timeout=10).json()
        return [session for session in found if session["path"].endswith(self.path.name)]

    def _idle(self) -> bool:
        sessions = self._sessions()
        return bool(sessions) and sessions[0]["kernel"]["execution_state"] == "idle"

    def _menu(self, title: str, entry: str) -> None:
        def shown(selector: str, text: str) -> list[WebElement]:
            return [one for one in self._all(selector) if one.text.strip().startswith(text)]

        shown(".lm-MenuBar-item", title)[0].click()
        label = ".lm-Menu .lm-Menu-itemLabel"
        until(self.chrome, lambda: shown(label, entry), PAGE_S, f"the entry {entry}")[0].click()

    def _all(self, selector: str) -> list[WebElement]:
        return self.chrome.find_elements(By.CSS_SELECTOR, selector)


def until(chrome: Chrome, ask: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `ask` gives once it gives anything; elements that vanish meanwhile are looked for again.

    Raises:
        TimeoutException: it gave nothing for so many seconds.
    """
    waiting = WebDriverWait(chrome, seconds, 0.5, [StaleElementReferenceException])
    return waiting.until(lambda _: ask(), f"waited {seconds:g} s for {what}")
