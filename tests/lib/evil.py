"""A partner's server that answers as no partner should. It has the partner's own certificate, asks for ours, keeps
what it was sent, and answers by its mode."""
import json
import socket
import ssl
import threading
import time
import uuid


def reply(message, code="ok", text=None):
    """A response Bundle to MESSAGE (a Bundle as text)."""
    asked = json.loads(message)
    header = asked["entry"][0]["resource"]
    own = str(uuid.uuid4())
    response = {"identifier": header["id"], "code": code}
    entries = [{"fullUrl": f"urn:uuid:{own}",
                "resource": {"resourceType": "MessageHeader", "id": own, "eventCoding": header["eventCoding"],
                             "source": {"endpoint": "https://127.0.0.1/fhir"}, "response": response}}]
    if code != "ok":
        outcome = str(uuid.uuid4())
        response["details"] = {"reference": f"urn:uuid:{outcome}"}
        entries.append({"fullUrl": f"urn:uuid:{outcome}",
                        "resource": {"resourceType": "OperationOutcome", "id": outcome, "issue": [
                            {"severity": "error", "code": "processing", "details": {"text": text or "no"}}]}})
    return json.dumps({"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": "message",
                       "timestamp": "2026-01-01T00:00:00Z", "entry": entries})


def answer(status, body="", kind="application/fhir+json", **headers):
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}",
             *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Evil:
    """Serves on PRACTICE's port (the practice itself does not run). MODE is a function (server, line, body) that
    writes to the line; what it returns ends the connection when it is true."""

    def __init__(self, practice, mode, certificate=None, key=None):
        self.mode = mode
        self.requests = []  # (monotonic time, head, body)
        self.connections = 0
        keys = practice.folder / "keys"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate or keys / "gateway.crt", key or keys / "gateway.key")
        self.context.verify_mode = ssl.CERT_REQUIRED
        for partner in (practice.folder / "partners").glob("*.ca.crt"):
            self.context.load_verify_locations(partner)
        self.socket = socket.create_server(("127.0.0.1", practice.port), reuse_port=False)
        self.is_ending = False
        self.lines = set()  # open ones, so that nobody is answered after the end
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.is_ending = True
        for line in [self.socket, *list(self.lines)]:
            try:
                socket.socket.shutdown(line, socket.SHUT_RDWR)
            except OSError:
                pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while not self.is_ending:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        raw.settimeout(60)
        try:
            with self.context.wrap_socket(raw, server_side=True) as line:
                self.lines.add(line)
                while not self.is_ending:
                    request = _read(line)
                    if request is None:
                        return
                    self.requests.append((time.monotonic(), *request))
                    if self.mode(self, line, request[1]):
                        return
        except (OSError, ValueError):
            raw.close()


def _read(line):
    """One request: (head, body as text); None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = line.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    head = head.decode("latin-1")
    length = next((int(name.split(":")[1]) for name in head.lower().split("\r\n")
                   if name.startswith("content-length:")), 0)
    while len(body) < length:
        more = line.recv(65536)
        if not more:
            return None
        body += more
    return head, body.decode()


# ---- modes ----

def good(server, line, body):
    line.sendall(answer(200, reply(body)))


def status(code, text="", **headers):
    return lambda server, line, body: line.sendall(answer(code, text, **headers))


def saying(text, kind="application/fhir+json"):
    """200 with a body that proves nothing; TEXT may be a function of the message."""
    return lambda server, line, body: line.sendall(answer(200, text(body) if callable(text) else text, kind))


def raw(data):
    """Bytes as they are, then the end."""
    def mode(server, line, body):
        line.sendall(data(body) if callable(data) else data)
        return True
    return mode


def close(server, line, body):
    return True


def silent(server, line, body):
    time.sleep(60)
    return True


def drip(server, line, body):
    text = answer(200, reply(body))
    for i in range(len(text)):
        line.sendall(text[i:i + 1])
        time.sleep(0.3)
    return True


def endless(server, line, body):
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    server.endless = 0
    while not server.is_ending:
        line.sendall(chunk)
        server.endless += 65536
    return True


def endless_head(server, line, body):
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    server.endless = 0
    while not server.is_ending:
        line.sendall(b"X-More: " + b"y" * 8000 + b"\r\n")
        server.endless += 8010
    return True
