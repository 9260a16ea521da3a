"""The browser for the page tests."""

import os
import shutil

from scripts import packages
from scripts.console import Failed

NAMES_ON_PATH = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Find the browser.

    Raises:
        Failed: there is none, and none may be installed.
    """
    if (found := _present()) is not None:
        return found
    if packages.can_install():
        packages.install("chromium")
    if (found := _present()) is not None:
        return found
    raise Failed("no Chromium on the PATH, and installing the package takes root; set CHROMIUM")


def _present() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES_ON_PATH)), None)
