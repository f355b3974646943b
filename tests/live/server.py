#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Servers for the live tests: `server.py http PORT MARK` and `server.py dns MARK ADDRESS...`; `server.py hash MARK BYTES` prints
what GET /BYTES must hash to. MARK is in every packet of payload, so that a packet in the wrong place is found."""
import hashlib
import http.server
import selectors
import socket
import socketserver
import sys

CHUNK = 1 << 16


def chunks(mark, size):
    block = (mark.encode() + b" ") * (CHUNK // (len(mark) + 1) + 1)
    for start in range(0, size, CHUNK):
        # Each chunk starts with its own number: a piece that is lost, doubled or moved changes the hash.
        yield (b"%016d" % start + block)[:min(CHUNK, size - start)]


class Handler(http.server.BaseHTTPRequestHandler):
    mark = ""

    def do_GET(self):
        size = int(self.path.strip("/") or 0)
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for chunk in chunks(self.mark, size):
            self.wfile.write(chunk)

    def do_PUT(self):
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left > 0:
            piece = self.rfile.read(min(left, CHUNK))
            if not piece:
                return
            digest.update(piece)
            left -= len(piece)
        reply = digest.hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def server_bind(self):
        # HTTPServer's asks the machine's resolver for our name: packets that no test sent, and seconds of waiting.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def answer(query, mark):
    end = query.index(b"\0", 12) + 5  # the first question: name, type, class
    text = mark.encode()
    record = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c" + (len(text) + 1).to_bytes(2, "big")
    return query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + query[12:end] + record + bytes([len(text)]) + text


def serve_dns(mark, addresses):
    # A socket an address: from one bound to all, replies would carry the address of the way back.
    selector = selectors.DefaultSelector()
    for address in addresses:
        server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, 53))
        selector.register(server, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            query, peer = key.fileobj.recvfrom(4096)
            key.fileobj.sendto(answer(query, mark), peer)


if __name__ == "__main__":
    if sys.argv[1] == "http":
        Handler.mark = sys.argv[3]
        Server(("::", int(sys.argv[2])), Handler).serve_forever()
    elif sys.argv[1] == "dns":
        serve_dns(sys.argv[2], sys.argv[3:])
    elif sys.argv[1] == "hash":
        whole = hashlib.sha256()
        for part in chunks(sys.argv[2], int(sys.argv[3])):
            whole.update(part)
        print(whole.hexdigest())
    elif sys.argv[1] == "bytes":
        for part in chunks(sys.argv[2], int(sys.argv[3])):
            sys.stdout.buffer.write(part)
