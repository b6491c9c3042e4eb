"""A wire that misbehaves: a TCP proxy in a thread of its own, between two gateways or a test and a gateway. It
sees only what TLS lets a wire see: bytes."""
import random
import selectors
import socket
import threading
import time

CHUNK = 65536


class Proxy:
    """Forwards 127.0.0.1:port to TARGET. set(mode) counts for what happens from now on:

    ok         everything passes
    delay      each piece waits SECONDS
    blackhole  connections are taken, nothing passes in either direction
    refuse     connections are reset at once, open ones too
    cut        a connection is reset after BYTES from its client
    deaf       what the client sends passes, the answer to it does not, then the connection is reset
    flip       a bit of each thousandth byte is turned
    slow       BYTES a second in each direction
    """

    def __init__(self, target, seed=1):
        self.target = target
        self.dice = random.Random(seed)
        self.mode, self.options = "ok", {}
        self.connections = 0
        self.lock = threading.Lock()
        self.pairs = set()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.server.getsockname()[1]
        self.is_ending = False
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode, **options):
        self.options = options
        self.mode = mode
        if mode == "refuse":
            self.break_all()

    def break_all(self):
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            pair.reset()

    def forget(self):
        """A router forgets what is open: it stays open, and nothing passes any more, not even its end. New connections
        are as the mode says."""
        with self.lock:
            for pair in self.pairs:
                pair.is_forgotten = True

    def close(self):
        self.is_ending = True
        self.server.close()
        self.break_all()

    def _accept(self):
        while not self.is_ending:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            if self.mode == "refuse":
                _reset(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            _reset(client)
            return
        pair = _Pair(self, client, server)
        with self.lock:
            self.pairs.add(pair)
        try:
            pair.run()
        finally:
            with self.lock:
                self.pairs.discard(pair)
            client.close()
            server.close()


def _reset(line):
    """Closes with RST, as a router does that has forgotten the connection."""
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        line.close()
    except OSError:
        pass


class _Pair:
    # A client's handshake with its certificate stays below this; a message lies above.
    HANDSHAKE = 3000

    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.sent = 0  # bytes from the client
        self.is_reset = self.is_forgotten = False

    def reset(self):
        self.is_reset = True
        for line in (self.client, self.server):
            try:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.client, selectors.EVENT_READ, (self.client, self.server))
            selector.register(self.server, selectors.EVENT_READ, (self.server, self.client))
            while not self.is_reset and not self.proxy.is_ending:
                if self.is_forgotten:
                    time.sleep(0.05)
                    continue
                for key, _ in selector.select(0.2):
                    if not self._pass(*key.data):
                        return

    def _pass(self, source, sink):
        proxy, options = self.proxy, self.proxy.options
        try:
            data = source.recv(CHUNK)
            if not data:
                return False
            from_client = source is self.client
            self.sent += len(data) if from_client else 0
            mode = proxy.mode
            if mode == "blackhole":
                return True
            if mode == "cut" and self.sent > options.get("bytes", 4000):
                self.reset()
                return False
            if mode == "deaf" and not from_client and self.sent > self.HANDSHAKE:
                self.reset()
                return False
            if mode == "delay":
                time.sleep(options.get("seconds", 0.1))
            if mode == "flip":
                data = bytearray(data)
                for _ in range(max(1, len(data) // 1000)):
                    at = proxy.dice.randrange(len(data))
                    data[at] ^= 1 << proxy.dice.randrange(8)
            if mode == "slow":
                for start in range(0, len(data), 512):
                    time.sleep(len(data[start:start + 512]) / options.get("bytes", 20000))
                    sink.sendall(data[start:start + 512])
                return True
            sink.sendall(data)
            return True
        except OSError:
            return False
