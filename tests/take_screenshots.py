#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""take_screenshots.py - the pictures in README.md, made anew from the shipped day by Chromium.

    take_screenshots.py [--into DIR]     $BUILD: where `make` built; default of DIR: fixtures/day-late

The first screen of the page of fixtures/day-late, as a browser without network shows it: light and dark, at the width of
a desktop and of a phone. Run it when the page changes, look at the pictures, commit them with the change.
"""
import os
import sys
import tempfile

import browser
import oracle

ROOT = os.path.join(oracle.HERE, "..")
DAY = os.path.join("fixtures", "day-late")
NOW = ("--now", "2026-01-02T03:04:05Z")
# name: width, height, dark, language
PICTURES = {
    "desktop-light": (1000, 800, False, "en"),
    "desktop-dark": (1000, 800, True, "en"),
    "phone-light": (390, 844, False, "en"),
    "phone-dark": (390, 844, True, "zh-CN"),
}


def take(into):
    with tempfile.TemporaryDirectory(prefix="mptcp-audit-pictures") as folder, browser.Browser() as chromium:
        oracle.run("demo", "--story", os.path.join(ROOT, "fixtures"), "-o", folder, *NOW)
        for name, (width, height, dark, language) in PICTURES.items():
            page = chromium.open(os.path.join(folder, "day-late.html" if language == "en" else f"day-late.{language}.html"),
                                 width, height, dark)
            path = os.path.join(into, f"page-{name}.png")
            page.picture(path, whole=False)
            page.close()
            print(f"{path}: {os.path.getsize(path)} bytes")


def main(arguments):
    why_not = browser.missing()
    if why_not:
        print(f"take_screenshots.py: {why_not}", file=sys.stderr)
        return 1
    into = arguments[1] if arguments[:1] == ["--into"] and len(arguments) == 2 else os.path.join(ROOT, DAY)
    take(into)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
