#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sluicec explain`: of a packet in words, of a capture, and what it says to those who ask wrongly."""
import json
import struct
import subprocess
import sys
import tempfile
import unittest

SLUICEC, POLICY, BRIDGE = sys.argv[1:4]


def explain_policy(policy, *arguments):
    return subprocess.run([SLUICEC, "explain", policy, *arguments], capture_output=True, text=True, check=False)


def explain(*arguments):
    return explain_policy(POLICY, *arguments)


def ipv4_udp(source, destination):
    header = bytearray(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 30, 1, 0, 64, 17, 0, bytes(source), bytes(destination)))
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    header[10:12] = struct.pack(">H", 0xFFFF - total)
    return bytes(12) + b"\x08\x00" + bytes(header) + struct.pack(">HHHH", 5353, 53, 10, 0) + b"ab"


class Explain(unittest.TestCase):
    def test_a_packet_in_words(self):
        answer = explain("--on", "a/a1", "--packet", "udp 10.1.1.5:5353 > 198.18.0.9:53")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        lines = answer.stdout.splitlines()
        self.assertEqual(lines[0], "udp 10.1.1.5:5353 > 198.18.0.9:53 on a/a1")
        stages = [line.split("  ")[1] for line in lines[2:-1]]
        self.assertEqual(
            stages,
            ["V0", "a.dr", "a.transit", "a.sr", "link a/provider", "provider.dr", "provider.transit", "provider.sr",
             "provider/internet", "U0"],
        )
        self.assertRegex(answer.stdout, r"rule outbound, tenants/a.yaml:\d+; source by SNAT, tenants/a.yaml:\d+")
        self.assertRegex(lines[-1], r"^forward as udp 192\.0\.2\.10:\d+ > 198\.18\.0\.9:53, TTL - 4$")

    def test_a_denied_one_as_json(self):
        answer = explain("--on", "provider/internet", "--packet", "tcp 203.0.113.9:4000 > 192.0.2.12:22", "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        (report,) = json.loads(answer.stdout)
        self.assertEqual(report["verdict"], "drop")
        self.assertEqual(report["reason"], "FW_DENY")
        self.assertEqual(report["steps"][-1]["stage"], "a.sr")
        self.assertIn("one-to-one, tenants/a.yaml:", report["steps"][-1]["found"])
        self.assertIn("rule default", report["steps"][-1]["found"])

    def test_each_packet_of_a_capture(self):
        frames = [ipv4_udp([10, 1, 1, 5], [198, 18, 0, 9]), b"\x00" * 20, ipv4_udp([172, 16, 0, 1], [198, 18, 0, 9])]
        with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
            capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for frame in frames:
                capture.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
            capture.flush()
            answer = explain("--on", "a/a1", "--pcap", capture.name, "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("packet 2: BAD_ETHERTYPE", answer.stderr)
        first, last = json.loads(answer.stdout)
        self.assertEqual(first["verdict"], "forward")
        self.assertEqual((last["verdict"], last["reason"]), ("drop", "URPF"))

    def test_a_frame_for_another_station(self):
        def stages(*arguments):
            packet = ["--packet", "udp 10.1.1.7:7 > 10.1.1.8:9", "--json"]
            answer = explain_policy(BRIDGE, *arguments, *packet)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            (report,) = json.loads(answer.stdout)
            return [report["verdict"], report.get("reason"), *((s["stage"], s["found"]) for s in report["steps"][1:])]

        self.assertEqual(
            stages("--on", "a/a1@B0.501", "--to", "02:aa:00:00:00:05"),
            ["forward", None, ("a/a1", "a station of the policy"), ("encap", "198.51.100.21")],
        )
        self.assertEqual(
            stages("--on", "a/a1@B0.501", "--to", "02:aa:00:00:00:08"),
            ["forward", None, ("a/a1", "an unknown station"), ("encap", "198.51.100.21"), ("encap", "198.51.100.22"),
             ("B1", "")],
        )
        self.assertEqual(
            stages("--on", "a/a1", "--to", "02:aa:00:00:00:05"),
            ["drop", "SPLIT_HORIZON", ("a/a1", "a station of the policy")],
        )
        self.assertEqual(stages("--on", "a/a2", "--to", "02:aa:00:00:00:05")[:2], ["drop", "NOT_OURS"])
        self.assertEqual(stages("--on", "a/a1@B1", "--to", "02:50:56:56:44:52")[2][0], "a.dr")

    def test_who_asks_wrongly_is_told(self):
        packet = ["--packet", "udp 10.1.1.5:1 > 198.18.0.9:2"]
        for arguments, words in [
            (["--on", "a/nowhere", *packet], "there is no interface"),
            (["--on", "a/a1", "--to", "02:aa", *packet], "is no MAC"),
            (["--on", "a/a1"], "give --packet TEXT or --pcap FILE"),
            (["--on", "a/a1", "--packet", "udp 10.1.1.5"], "a packet reads"),
        ]:
            answer = explain(*arguments)
            self.assertEqual(answer.returncode, 2, arguments)
            self.assertIn(words, answer.stderr)
            self.assertEqual(answer.stdout, "")
        missing = explain("--on", "a/a1", "--pcap", "/nonexistent.pcap")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("/nonexistent.pcap", missing.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
