#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Captures that nobody here wrote, through the example policies: foreign_captures.py BIN SOURCE FOLDER

Every file of $SLUICE_DATA/pcap/FOLDER, readdressed to the gateway so that its packets come from inside and from
outside, and once more as it is. Checked for each: no crash, the packets balance, and with the cache off the same
packets leave and everything but `cache` in the report is the same. Status 77 (skipped) without captures.
"""
import filecmp
import json
import os
import subprocess
import sys
import tempfile

MAC = ["--mac", "02:00:5e:00:01:01"]

# policy, then for each way in: port, tags, where the captured addresses go
WAYS = {
    "office": [
        ("access0", ["--vlan", "10"], ["--map-source", "0.0.0.0/0=10.20.1.0/24", "--map-source", "::/0=2001:db8:20:1::/64"]),
        ("access0", ["--vlan", "30"], ["--map-source", "0.0.0.0/0=10.20.3.0/24", "--map-source", "::/0=2001:db8:20:3::/64"]),
        ("uplink0", [], ["--map-destination", "0.0.0.0/0=203.0.113.4", "--map-destination", "::/0=2001:db8:20:2::80"]),
    ],
    "two-tenants": [
        ("access0", ["--vlan", "110"], ["--map-source", "0.0.0.0/0=10.1.1.0/24"]),
        ("access0", ["--vlan", "210"], ["--map-source", "0.0.0.0/0=10.1.1.0/24"]),
        ("uplink0", ["--vlan", "901"], ["--map-destination", "0.0.0.0/0=203.0.113.10"]),
        ("uplink0", ["--vlan", "902"], ["--map-destination", "0.0.0.0/0=203.0.113.140"]),
    ],
}


class Failed(Exception):
    pass


def run(*command, fine=(0,)):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300)
    if done.returncode not in fine:
        raise Failed(f"{' '.join(command)}\nended with {done.returncode}\n{done.stderr[-3000:]}")
    return done


def replay(programs, image, inputs, out, *options):
    """The report. Status 1 only for what could not be read, and then stderr names the file and the reason."""
    os.mkdir(out)
    arguments = [argument for port, path in inputs for argument in ("--rx", f"{port}={path}")]
    done = run(f"{programs}/sluice-replay", image, *arguments, "--out", out, "--report", f"{out}/report.json", *options, fine=(0, 1))
    if done.returncode == 1 and not any(path in done.stderr for _, path in inputs):
        raise Failed(f"status 1, but no capture is named:\n{done.stderr[-3000:]}")
    with open(f"{out}/report.json", encoding="utf-8") as file:
        return json.load(file)


def compare(programs, image, inputs, work):
    """Cache on against cache off; the report with it on."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        on = replay(programs, image, inputs, f"{folder}/on")
        off = replay(programs, image, inputs, f"{folder}/off", "--no-cache")
        for report in (on, off):
            if report["balanced"] is not True:
                raise Failed(f"packets do not balance: {json.dumps(report)}")
        cache = on.pop("cache")
        off.pop("cache")
        if on != off:
            raise Failed(f"reports differ\nwith the cache:    {json.dumps(on)}\nwithout the cache: {json.dumps(off)}")
        names = sorted(name for name in os.listdir(f"{folder}/on") if name.endswith(".pcap"))
        _, different, odd = filecmp.cmpfiles(f"{folder}/on", f"{folder}/off", names, shallow=False)
        if different or odd or not names:
            raise Failed(f"outputs differ with and without the cache: {different + odd}")
        return on, cache


def check_file(programs, images, path, work):
    """Packets received, sent, and served from the flow cache."""
    received = sent = hits = 0
    inputs = []
    for policy, ways in WAYS.items():
        inputs = []
        for number, (port, tags, maps) in enumerate(ways):
            target = f"{work}/{policy}-{number}.pcap"
            # 3: not Ethernet, or it breaks off; what could be read is in the target, if anything.
            run(f"{programs}/retarget", path, target, *MAC, *tags, *maps, fine=(0, 3))
            inputs.append((port, target))
        on, cache = compare(programs, images[policy], inputs, work)
        received, sent, hits = received + on["rx"]["packets"], sent + on["tx"]["packets"], hits + cache["flow_hits"]
    # As it was captured: other link types, broken files, strangers' MACs.
    compare(programs, images["office"], [("access0", path), ("uplink0", path)], work)
    return received, sent, hits


def main(programs, source, folder):
    data = os.environ.get("SLUICE_DATA", f"{source}/../shared/data")
    captures = os.path.join(data, "pcap", folder)
    if not os.path.isdir(captures):
        print(f"skipped: no captures in {captures}; set SLUICE_DATA")
        return 77
    failures, totals = [], [0, 0, 0]
    with tempfile.TemporaryDirectory() as work:
        images = {}
        for policy in WAYS:
            images[policy] = f"{work}/{policy}.img"
            run(f"{programs}/sluicec", "build", f"{source}/rules/{policy}", "-o", images[policy])
        names = sorted(os.listdir(captures))
        for name in names:
            try:
                totals = [total + more for total, more in
                          zip(totals, check_file(programs, images, f"{captures}/{name}", work))]
            except (Failed, subprocess.TimeoutExpired) as failure:
                failures.append(name)
                print(f"FAILED: {folder}/{name}: {failure}", flush=True)
    print(f"{len(names)} captures, {len(failures)} failed; {totals[0]} packets received, {totals[1]} sent, "
          f"{totals[2]} served from the flow cache")
    if folder == "app" and (totals[1] == 0 or totals[2] == 0):
        print("FAILED: nothing was forwarded, or never from the cache: this test would prove nothing")
        return 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
