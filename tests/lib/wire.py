"""A partner's side of the wire, in Python's own TLS and HTTP: for what a gateway of ours would never send.

Also throw-away certificates from a practice's own CA, made with the openssl program.
"""
import datetime
import http.client
import json
import pathlib
import socket
import ssl
import subprocess

FHIR = "application/fhir+json"
PROCESS = "/fhir/$process-message"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def header(self):
        """The MessageHeader of a response Bundle."""
        bundle = self.json()
        assert bundle["resourceType"] == "Bundle" and bundle["type"] == "message", bundle
        return bundle["entry"][0]["resource"]

    @property
    def code(self):
        return self.header()["response"]["code"]

    def issues(self):
        """(code, text) of each issue of an OperationOutcome, alone or inside a response."""
        found = self.json()
        if found["resourceType"] == "Bundle":
            found = next((entry["resource"] for entry in found["entry"]
                          if entry["resource"]["resourceType"] == "OperationOutcome"), {"issue": []})
        assert found.get("resourceType", "OperationOutcome") == "OperationOutcome", found
        return [(issue["code"], issue.get("details", {}).get("text") or issue.get("diagnostics", ""))
                for issue in found["issue"]]

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


def context_of(certificate=None, key=None, trust=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if trust:
        context.load_verify_locations(trust)
    else:
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


class Wire:
    """A kept-alive connection to PRACTICE with the certificate of AS_WHOM (a practice, a (certificate,
    key) pair, or None for no certificate)."""

    def __init__(self, practice, as_whom, timeout=30, version=None):
        pair = (None, None)
        if isinstance(as_whom, tuple):
            pair = as_whom
        elif as_whom is not None:
            pair = (as_whom.folder / "keys" / "gateway.crt", as_whom.folder / "keys" / "gateway.key")
        context = context_of(*pair, practice.folder / "keys" / "ca.crt")
        if version:
            context.minimum_version = context.maximum_version = version
        self.connection = http.client.HTTPSConnection("127.0.0.1", practice.port, timeout=timeout,
                                                      context=context)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        return Answer(self.connection.getresponse())

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, body, path=PROCESS, kind=FHIR, **headers):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        return self.request("POST", path, body, {"Content-Type": kind, **headers})

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def post(practice, as_whom, body, **options):
    """One message on a connection of its own."""
    with Wire(practice, as_whom) as wire:
        return wire.post(body, **options)


# ---- certificates ----

def _openssl(*arguments, **options):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options)


def make_ca(folder):
    """A CA that nobody knows; (certificate, key)."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pair = folder / "stranger-ca.crt", folder / "stranger-ca.key"
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", "/CN=Stranger CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
             "-keyout", pair[1], "-out", pair[0])
    return pair


def _day(days):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days)
    return at.strftime("%Y%m%d%H%M%SZ")


def issue(folder, ca, name, san, days=30, usages="serverAuth,clientAuth", age=0):
    """A certificate for SAN (as in openssl.cnf) from CA, a (certificate, key) pair; its own pair. It ends in
    DAYS and began AGE days ago."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    request, more = folder / f"{name}.csr", folder / f"{name}.ext"
    more.write_text(f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                    f"extendedKeyUsage={usages}\nsubjectAltName={san}\n"
                    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    if age == 0:
        _openssl("x509", "-req", "-in", request, "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial",
                 "-days", days, "-sha256", "-extfile", more, "-out", certificate)
        return certificate, key
    book = folder / f"{name}.book"  # only `openssl ca` takes both dates
    book.write_text("")
    settings = folder / f"{name}.cnf"
    settings.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={book}\nnew_certs_dir={folder}\nrand_serial=yes\n"
                        "policy=p\ndefault_md=sha256\nunique_subject=no\n[p]\ncommonName=supplied\n")
    _openssl("ca", "-batch", "-notext", "-config", settings, "-in", request, "-cert", ca[0], "-keyfile", ca[1],
             "-startdate", _day(-age), "-enddate", _day(days), "-extfile", more, "-out", certificate)
    return certificate, key


def revocation_list(folder, ca, seconds, *revoked):
    """Bytes (PEM) of a list of CA, good for so many SECONDS, that names the certificates REVOKED."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    book, settings, out = folder / "list.book", folder / "list.cnf", folder / "list.crl"
    book.write_text("")
    settings.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={book}\ndefault_md=sha256\nunique_subject=no\n"
                        "crl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid:always\n")
    for certificate in revoked:
        _openssl("ca", "-config", settings, "-cert", ca[0], "-keyfile", ca[1], "-revoke", certificate)
    _openssl("ca", "-config", settings, "-cert", ca[0], "-keyfile", ca[1], "-gencrl", "-crlsec", seconds, "-out", out)
    return out.read_bytes()


def own_ca(practice):
    """The private CA that `init` made for the practice."""
    return practice.folder / "ca" / "ca.crt", practice.folder / "ca" / "ca.key"
