"""RADIUS by hand, to send what no client sends. Runs on test hosts, so it needs nothing but Python."""

from __future__ import annotations

PACKETS = r'''
import hashlib, hmac, os, socket, ssl, struct, sys

def attribute(number, value):
    return bytes([number, len(value) + 2]) + value

def packet(code, attributes, secret, authenticator=None, sign=True, identifier=7):
    """A request; with `sign` it carries a right Message-Authenticator (RFC 3579)."""
    authenticator = authenticator or os.urandom(16)
    body = b"".join(attributes)
    if sign:
        body += attribute(80, bytes(16))
    head = struct.pack("!BBH", code, identifier, 20 + len(body)) + authenticator
    if sign:
        body = body[:-16] + hmac.new(secret, head + body, hashlib.md5).digest()
    return head + body

def ask(source, target, data, seconds=2.5, port=1812):
    """The code of the answer, or "silence"."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((source, 0))
        udp.settimeout(seconds)
        udp.sendto(data, (target, port))
        try:
            return udp.recv(4096)[0]
        except TimeoutError:
            return "silence"
'''

EAP_WITHOUT_SIGNATURE = (
    PACKETS
    + r"""
source, target, secret, signed = sys.argv[1:5]
name = b"anonymous@rijnstad.test"
eap = struct.pack("!BBHB", 2, 1, 5 + len(name), 1) + name
attributes = [attribute(1, name), attribute(31, b"02-00-00-00-00-09"), attribute(79, eap)]
print(ask(source, target, packet(1, attributes, secret.encode(), sign=signed == "yes")))
"""
)

PASSWORD_WITHOUT_EAP = (
    PACKETS
    + r"""
source, target, secret = sys.argv[1:4]
attributes = [attribute(1, b"medewerker@rijnstad.test"), attribute(2, bytes(16))]
print(ask(source, target, packet(1, attributes, secret.encode())))
"""
)

STATUS_SERVER = (
    PACKETS
    + r"""
source, target, secret = sys.argv[1:4]
print(ask(source, target, packet(12, [], secret.encode())))
"""
)

ACCOUNTING = (
    PACKETS
    + r"""
source, target, secret = sys.argv[1:4]
start = attribute(40, struct.pack("!I", 1))
body = b"".join([attribute(1, b"anonymous@polderveen.test"), start, attribute(44, b"s1")])
head = struct.pack("!BBH", 4, 9, 20 + len(body))
sum = hashlib.md5(head + bytes(16) + body + secret.encode()).digest()
print(ask(source, target, head + sum + body, port=1813))
"""
)

RADSEC = (
    PACKETS
    + r"""
target, certificate, key, authority = sys.argv[1:5]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.load_verify_locations(authority)
context.load_cert_chain(certificate, key)
try:
    with socket.create_connection((target, 2083), timeout=4) as plain:
        with context.wrap_socket(plain) as tls:
            tls.sendall(packet(12, [], b"radsec"))
            answer = tls.recv(4096)
            print(answer[0] if answer else "closed")
except (OSError, ssl.SSLError) as error:
    print("closed", type(error).__name__)
"""
)
"""Status-Server over RadSec. In TLS 1.3 a server refuses the client's certificate after the client's handshake ended,
so only an answer proves that it was taken."""

FUZZ = (
    PACKETS
    + r"""
import random
source, target, secret, seed, count = sys.argv[1:6]
dice = random.Random(int(seed))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.bind((source, 0))
    for number in range(int(count)):
        kind = number % 4
        if kind == 0:
            data = dice.randbytes(dice.randint(1, 4096))
        elif kind == 1:
            head = struct.pack("!BBH", dice.randint(0, 255), 1, dice.randint(0, 65535))
            data = head + dice.randbytes(dice.randint(0, 300))
        else:
            lengths = [dice.randint(0, 253) for _ in range(dice.randint(1, 8))]
            attributes = [attribute(dice.randint(1, 255), dice.randbytes(n)) for n in lengths]
            if kind == 3:
                attributes.append(attribute(79, dice.randbytes(dice.randint(1, 253))))
            data = packet(dice.choice([1, 4, 12, 40]), attributes, secret.encode(), identifier=number % 256)
        udp.sendto(data, (target, 1812))
print("sent")
"""
)
