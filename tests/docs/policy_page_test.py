#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The policy that docs/policy.md shows is one: policy_page_test.py BIN SOURCE checks it, without a lint, and runs its tests.

Its first block is gateway.yaml, its second tenants/blue.yaml; tenants/red.yaml, the peer, is made here.
"""
import os
import re
import subprocess
import sys
import tempfile

RED = """tenant: red
segments: {lab: {vlan: {port: access0, id: 210}, gateway: 10.7.0.1/24}}
peers: [blue]
"""


def main(programs, source):
    with open(os.path.join(source, "docs", "policy.md"), encoding="utf-8") as file:
        gateway, blue = re.findall(r"^```yaml\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)[:2]
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "tenants"))
        for name, text in (("gateway.yaml", gateway), ("tenants/blue.yaml", blue), ("tenants/red.yaml", RED)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        for command in ("check", "test"):
            done = subprocess.run([os.path.join(programs, "sluicec"), command, folder], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            print(done.stdout, end="")
            if done.returncode != 0 or "warning" in done.stdout:
                print(f"sluicec {command} does not accept what docs/policy.md shows")
                return 1
    return 0


sys.exit(main(sys.argv[1], sys.argv[2]))
