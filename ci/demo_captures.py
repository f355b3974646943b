#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes up the captures that ci/demo uses where no real ones are at hand: demo_captures.py FOLDER."""
import ipaddress
import struct
import sys

TCP, UDP = 6, 17
FIN, SYN, PSH, ACK = 1, 2, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(source, destination, protocol, segment, checksum_at):
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    value = checksum(ends + struct.pack("!HH", protocol, len(segment)) + segment)
    segment = segment[:checksum_at] + struct.pack("!H", value or 0xffff) + segment[checksum_at + 2:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, protocol, 0) + ends
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x08\0" + header + segment


def udp(source, source_port, destination, port, payload):
    segment = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    return packet(source, destination, UDP, segment, 6)


def tcp(source, source_port, destination, port, sequence, acknowledgement, flags, payload=b""):
    segment = struct.pack("!HHIIBBHHH", source_port, port, sequence, acknowledgement, 5 << 4, flags, 65535, 0, 0)
    return packet(source, destination, TCP, segment + payload, 16)


def conversation(client, client_port, server, port, request, reply):
    """A whole TCP connection: handshake, one request, a reply in full segments, both ends closed."""
    there, back = (client, client_port, server, port), (server, port, client, client_port)
    mine, its = 1000, 5000
    yield tcp(*there, mine, 0, SYN)
    yield tcp(*back, its, mine + 1, SYN | ACK)
    yield tcp(*there, mine + 1, its + 1, ACK)
    yield tcp(*there, mine + 1, its + 1, PSH | ACK, request)
    mine, its = mine + 1 + len(request), its + 1
    for start in range(0, len(reply), 1400):
        piece = reply[start:start + 1400]
        yield tcp(*back, its, mine, PSH | ACK, piece)
        its += len(piece)
        yield tcp(*there, mine, its, ACK)
    yield tcp(*there, mine, its, FIN | ACK)
    yield tcp(*back, its, mine + 1, FIN | ACK)
    yield tcp(*there, mine + 1, its + 1, ACK)


def query(client, port, server, number):
    question = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + b"\x04name\x04test\0\0\x01\0\x01"
    yield udp(client, port, server, 53, question)
    yield udp(server, 53, client, port, question[:2] + b"\x81\x83" + question[4:])


def write(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for number, frame in enumerate(packets):
            file.write(struct.pack("<IIII", number // 100, number % 100 * 10000, len(frame), len(frame)) + frame)


def main(folder):
    get, page = b"GET / HTTP/1.1\r\nHost: name.test\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + b"sluice " * 3000
    reader, caller, visitor = "192.0.2.118", "192.0.2.6", "192.0.2.104"
    browsing = [frame for number in range(4) for part in (
        query(reader, 40000 + number, "198.51.100.53", number),
        conversation(reader, 50000 + number, "198.51.100.80", 80, get, page)) for frame in part]
    calling = [frame for number in range(4) for part in (
        query(caller, 41000 + number, "198.51.100.53", number),
        conversation(caller, 51000 + number, "198.51.100.81", 443, get, page)) for frame in part]
    visiting = [frame for number in range(3) for frame in
                conversation(visitor, 52000 + number, "198.51.100.11", 80, get, page)]
    scanning = [tcp("192.0.2.66", 36050, "198.51.100.52", port, 7, 0, SYN) for port in range(1, 400)]
    for name, frames in (("browsing", browsing), ("calling", calling), ("visiting", visiting), ("scanning", scanning)):
        write(f"{folder}/{name}.pcap", frames)


if __name__ == "__main__":
    main(sys.argv[1])
