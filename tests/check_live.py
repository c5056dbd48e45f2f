#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_live.py - records two short stories now, from the kernel that runs here, audits them, and compares with this very
run's interface counters, byte counts and keepalive counters. Needs root; skipped with the reason where that is not given.
"""
import os
import sys
import tempfile

import lab
import oracle

# What the kernel does by itself must show: {case: {rule: allowed statuses}}; a leak must never pass.
CASES = ("backup-idle", "leak")


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    suite = oracle.Suite("live")
    why = lab.why_unable()
    if why:
        suite.skip("recording", why)
        return 0
    oracle.need_program(suite)
    with tempfile.TemporaryDirectory(prefix="mptcp-audit-live") as into:
        for name in CASES:
            truth = lab.record(name, into)
            files = oracle.capture_files(os.path.join(into, name), truth["roles"])
            oracle.check_recorded(suite, name, files, truth)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
