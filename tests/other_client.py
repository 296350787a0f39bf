#!/usr/bin/env python3
"""Another client for Parlour, made from docs/protocol.md and nothing else.

    other_client.py 'parlour://HOST:PORT#FINGERPRINT' NAME [--suite N] [--key-log FILE]

Each line of its input is said, or run when it begins with a slash; what happens is printed, one
line each. The line `!drop` cuts the connection without a goodbye, and `!return` takes the session
up again.
Its cryptography is python3-cryptography's; everything else is in the standard library.
"""
import argparse, base64, hashlib, hmac, os, select, socket, struct, sys
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class ProtocolError(Exception):
    """What the server sent is not the protocol."""


# --- CBOR (RFC 8949), as much of it as section 7 uses ---------------------------------------------

def cbor(value):
    """The shortest encoding of None, bool, an integer, bytes, str or a list."""
    def head(major, count):
        for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if count < 24:
                return bytes([major << 5 | count])
            if count < 1 << 8 * size:
                return bytes([major << 5 | code]) + count.to_bytes(size, "big")
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(4, len(value)) + b"".join(map(cbor, value))


def uncbor(data, at=0):
    """The value that begins at `at`, and where it ends."""
    major, count, at = data[at] >> 5, data[at] & 31, at + 1
    if major == 7:
        return {20: False, 21: True, 22: None, 23: None}[count], at
    if count >= 24:
        size = 1 << count - 24
        count, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major in (0, 1):
        return (count if major == 0 else -1 - count), at
    if major in (2, 3):
        piece = data[at:at + count]
        return (piece if major == 2 else piece.decode()), at + count
    items = []
    for _ in range(count):
        item, at = uncbor(data, at)
        items.append(item)
    return items, at


# --- The handshake: Noise_XX_25519_AESGCM_SHA256 (section 2) --------------------------------------

def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Handshake:
    """The client's half of Noise XX: chaining key, hash, and one cipher key at a time."""

    def __init__(self, preamble):
        self.chain = self.hash = b"Noise_XX_25519_AESGCM_SHA256".ljust(32, b"\0")
        self.mix_hash(b"parlour1\0" + preamble)
        self.key, self.count = None, 0

    def mix_hash(self, data):
        self.hash = hashlib.sha256(self.hash + data).digest()

    def expand(self, secret):
        prk = mac(self.chain, secret)
        first = mac(prk, b"\1")
        return first, mac(prk, first + b"\2")

    def mix_key(self, ours, theirs):
        # The library refuses a shared secret of all zeroes.
        secret = ours.exchange(X25519PublicKey.from_public_bytes(theirs))
        self.chain, self.key = self.expand(secret)
        self.count = 0

    def nonce(self):
        self.count += 1
        return struct.pack(">IQ", 0, self.count - 1)

    def seal(self, plain):
        sealed = AESGCM(self.key).encrypt(self.nonce(), plain, self.hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        plain = AESGCM(self.key).decrypt(self.nonce(), sealed, self.hash)
        self.mix_hash(sealed)
        return plain


def fingerprint(key):
    digest = hashlib.sha256(b"parlour1 server-id\0" + key).digest()
    return base64.b32encode(digest[:20]).decode().lower()


def check_payload(payload, known):
    """Fields of a handshake payload; an unknown critical one ends it."""
    fields, at = {}, 0
    while at < len(payload):
        kind, length = payload[at], payload[at + 1]
        if kind >= 0x80 and kind not in known:
            raise ProtocolError(f"critical field {kind:#x}")
        fields[kind] = payload[at + 2:at + 2 + length]
        at += 2 + length
    return fields


# --- The key schedule and records (sections 3 and 4) ----------------------------------------------

def expand_label(secret, label, length):
    label = b"parlour1 " + label
    info = struct.pack(">HB", length, len(label)) + label + b"\0"
    return mac(secret, info + b"\1")[:length]


class Direction:
    """One direction's keys, epoch and sequence number."""

    def __init__(self, suite, secret):
        self.suite, self.secret, self.epoch = suite, secret, 0
        self.derive()

    def derive(self):
        self.encryption = expand_label(self.secret, b"enc", 32)
        self.mac_key = expand_label(self.secret, b"mac", 32)
        self.iv = expand_label(self.secret, b"iv", 4)
        self.sequence = 0

    def advance(self):
        self.secret, self.epoch = expand_label(self.secret, b"upd", 32), self.epoch + 1
        self.derive()

    def header(self, length):
        return struct.pack(">BBH", 1, self.epoch % 256, length)

    def stream(self, data):
        block = self.iv + struct.pack(">QI", self.sequence, 1)
        cipher = Cipher(algorithms.AES(self.encryption), modes.CTR(block)).encryptor()
        return cipher.update(data)

    def tag(self, header, ciphertext):
        return mac(self.mac_key, struct.pack(">Q", self.sequence) + header + ciphertext)[:16]

    def seal(self, kind, content):
        pad = (21 + len(content) + 2 + 63) // 64 * 64 - 21 - len(content) - 2 if kind == 1 else 0
        inner = bytes([kind, pad]) + content + bytes(pad)
        header = self.header(len(inner))
        if self.suite == 1:
            ciphertext = self.stream(inner)
            sealed = ciphertext + self.tag(header, ciphertext)
        else:
            nonce = self.iv + struct.pack(">Q", self.sequence)
            sealed = AESGCM(self.encryption).encrypt(nonce, inner, header)
        self.sequence += 1
        return header + sealed

    def open(self, header, sealed):
        """Kind and content of a record; raises when its tag does not hold."""
        if self.suite == 1:
            if not hmac.compare_digest(self.tag(header, sealed[:-16]), sealed[-16:]):
                raise ProtocolError("a record did not open")
            inner = self.stream(sealed[:-16])
        else:
            nonce = self.iv + struct.pack(">Q", self.sequence)
            inner = AESGCM(self.encryption).decrypt(nonce, sealed, header)
        self.sequence += 1
        kind, pad = inner[0], inner[1]
        if len(inner) < 2 + pad or any(inner[len(inner) - pad:]):
            raise ProtocolError("bad padding")
        if kind == 2:
            self.advance()
        return kind, inner[2:len(inner) - pad]


# --- The conversation (sections 7 and 8) ----------------------------------------------------------

HELLO, SAY, RUN, PONG = 1, 2, 4, 5
# A key that is thrown away afterwards, no features, and what this program calls itself.
INTRODUCTION = b"\x81\x01\0" + b"\x02\x04\0\0\0\0" + b"\x03\x0cother_client"


class Client:
    def __init__(self, address, name, suite, key_log):
        place, self.fingerprint = address.removeprefix("parlour://").split("#")
        host, port = place.rsplit(":", 1)
        self.place = (host.strip("[]"), int(port))
        self.name, self.suite, self.key_log = name, suite, key_log
        self.session, self.rooms, self.newest = None, {}, {}
        self.inbox, self.owed, self.welcomed = None, {}, False

    def connect(self):
        self.socket = socket.create_connection(self.place)
        # A small message must not wait for the answer to the one before.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        preamble = b"PRLR" + bytes([1, self.suite, 0, 0])
        shake = Handshake(preamble)
        ephemeral, static = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        shake.mix_hash(public(ephemeral))
        shake.mix_hash(b"")
        self.socket.sendall(preamble + b"\0\x20" + public(ephemeral))
        length = self.receive(2)
        if length == b"\xff\xff":
            raise ProtocolError(f"refused, code {self.receive(2)[0]}")
        reply = self.receive(int.from_bytes(length, "big"))
        theirs = reply[:32]
        shake.mix_hash(theirs)
        shake.mix_key(ephemeral, theirs)
        server = shake.open(reply[32:80])
        shake.mix_key(ephemeral, server)
        check_payload(shake.open(reply[80:]), {0x83})
        if fingerprint(server) != self.fingerprint:
            sys.exit("this is not the server that the address means")
        message = shake.seal(public(static))
        shake.mix_key(static, theirs)
        message += shake.seal(INTRODUCTION)
        self.socket.sendall(len(message).to_bytes(2, "big") + message)
        # Noise's Split() is the same expansion over nothing.
        secret = mac(shake.hash, b"".join(shake.expand(b"")))
        upward, downward = expand_label(secret, b"c2s", 32), expand_label(secret, b"s2c", 32)
        if self.key_log:
            with open(self.key_log, "a") as log:
                print("PARLOUR1", shake.hash.hex(), upward.hex(), downward.hex(), file=log)
        self.up, self.down = Direction(self.suite, upward), Direction(self.suite, downward)
        self.stream, self.welcomed = b"", False
        resume = None
        if self.session:
            resume = [*self.session, [[room, entry] for room, entry in self.newest.items()]]
        self.send(HELLO, [self.name, None, resume])

    def receive(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("cut without a goodbye")
            data += piece
        return data

    def send(self, kind, fields):
        body = bytes([kind]) + cbor(fields)
        frame = len(body).to_bytes(3, "big") + body
        for start in range(0, len(frame), 16_000):
            self.socket.sendall(self.up.seal(1, frame[start:start + 16_000]))

    def say(self, line):
        key = int.from_bytes(os.urandom(8), "big")
        message = (RUN, [key, line]) if line.startswith("/") else (SAY, [key, None, False, line])
        self.owed[key] = message
        if self.welcomed:
            self.send(*message)

    def take_record(self):
        """Opens one record and deals with its frames; False when the server has closed."""
        header = self.receive(4)
        version, epoch, length = struct.unpack(">BBH", header)
        if version != 1 or epoch != self.down.epoch % 256 or not 2 <= length <= 16_384:
            raise ProtocolError("no record begins like that")
        kind, content = self.down.open(header, self.receive(length + 16))
        if kind == 3:
            print(f"closed, code {int.from_bytes(content, 'big')}")
            return False
        if kind == 1:
            self.stream += content
        while len(self.stream) >= 3 and len(self.stream) >= 3 + int.from_bytes(self.stream[:3], "big"):
            end = 3 + int.from_bytes(self.stream[:3], "big")
            kind, body, self.stream = self.stream[3], self.stream[4:end], self.stream[end:]
            self.entry(kind, body) if kind >= 0x80 else self.event(kind, uncbor(body)[0])
        return True

    def event(self, kind, fields):
        # Fields at the end may be absent, which means null.
        field = fields + [None] * 5
        room = self.rooms.get(field[0], "private")
        if kind == 0x40:
            self.session, self.name, self.welcomed = field[:2], field[2], True
            print(f"welcome, {self.name}" + (", the session goes on" if field[3] else ""))
            for message in self.owed.values():
                self.send(*message)
        elif kind == 0x42:
            self.rooms[field[0]] = "#" + field[1].lstrip("#")
            print(f"entered {self.rooms[field[0]]}" + (f": {field[2]}" if field[2] else ""))
        elif kind == 0x43:
            self.inbox = field[0]
        elif kind == 0x44:
            print(f"left {self.rooms.pop(field[0], 'a room')}")
        elif kind == 0x46:
            self.name = field[0]
        elif kind == 0x47:
            print(f"notice: {field[0]}")
        elif kind == 0x48:
            self.owed.pop(field[0], None)
            print(f"refused, code {field[1]}: {field[2]}")
        elif kind == 0x49:
            self.owed.pop(field[0], None)
            print(f"stored in {self.rooms.get(field[1], 'private')}")
        elif kind == 0x4a:
            self.owed.pop(field[0], None)
        elif kind == 0x4b:
            print(f"{field[1]} earlier in {room}")
        elif kind == 0x4c:
            print(f"{field[1]} missed in {room}")
        elif kind == 0x4d:
            self.send(PONG, [])
        elif kind == 0x4e:
            print("bye" + (f": {field[0]}" if field[0] else ""))
        elif kind in (0x41, 0x50):
            sys.exit("the name is not to be had")

    def entry(self, kind, body):
        handle, number, seconds, length = struct.unpack(">IQIB", body[:17])
        author, rest = body[17:17 + length].decode(), body[17 + length:]
        room = next((room for room in [*self.rooms, self.inbox] if room & 0xffffffff == handle), None)
        if number:
            self.newest[room] = max(number, self.newest.get(room, 0))
        place = self.rooms.get(room, "private")
        if kind in (0x80, 0x81, 0x82, 0x83, 0x87):
            said = {0x80: "", 0x81: "* ", 0x82: "", 0x83: "to: ", 0x87: "topic: "}[kind] + rest.decode()
        elif 0x84 <= kind <= 0x89:
            word = ["joined", "left", "is now", None, "counted", "kicked by"][kind - 0x84]
            said = " ".join([word, *(str(value) for value in uncbor(rest)[0] if value is not None)])
        else:
            raise ProtocolError(f"an entry of kind {kind:#x}")
        print(f"[{place}] {author}: {said}")

    def take_line(self, line):
        if line == "!drop":
            self.socket.close()
            self.socket, self.welcomed = None, False
        elif line == "!return":
            self.connect()
        else:
            self.say(line)
        print(f"> {line}")

    def run(self):
        self.connect()
        lines, sources = b"", [sys.stdin]
        while True:
            sockets = [self.socket] if self.socket else []
            ready, _, _ = select.select(sockets + sources, [], [])
            if self.socket in ready and not self.take_record():
                self.socket.sendall(self.up.seal(3, b"\0\0"))
                return
            if sys.stdin in ready:
                piece = os.read(0, 65_536)
                if not piece:
                    sources, piece = [], b"/quit\n"
                *whole, lines = (lines + piece).split(b"\n")
                for line in whole:
                    self.take_line(line.decode())
            sys.stdout.flush()


def main():
    words = argparse.ArgumentParser(description="Another client for Parlour.")
    words.add_argument("address", help="parlour://HOST:PORT#FINGERPRINT")
    words.add_argument("name")
    words.add_argument("--suite", type=int, default=2, choices=(1, 2))
    words.add_argument("--key-log", metavar="FILE", help="for decoding a capture")
    given = words.parse_args()
    try:
        Client(given.address, given.name, given.suite, given.key_log).run()
    except ConnectionError as error:
        sys.exit(f"lost: {error}")


if __name__ == "__main__":
    main()
