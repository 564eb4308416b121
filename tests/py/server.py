"""A Gerege of one's own: the built program on a free port, stopped at the end."""

import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

BINARY = os.environ.get("SERVER_BINARY", "../../target/debug/gerege")


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Server:
    """Dev mode by default; with settings of SMTP it sends real mail. With the file of an authority
    that vouched for a certificate in its settings it speaks TLS."""

    def __init__(self, dev=True, authority=None, **settings):
        self.port = free_port()
        self.issuer = f"{'https' if authority else 'http'}://localhost:{self.port}"
        self.believed = ssl.create_default_context(cafile=authority) if authority else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gerege-py-"))
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "GEREGE_LISTEN__ADDRESS": f"127.0.0.1:{self.port}",
            "GEREGE_PUBLIC_URL": self.issuer,
            "GEREGE_DATA_DIR": str(self.folder),
            "GEREGE_CHECK__KIND": "off",
            **{f"GEREGE_{name}": str(value) for name, value in settings.items()},
        }
        if not dev:
            # Without a file a loopback address means dev mode.
            (self.folder / "gerege.toml").write_text("")
            self.env["GEREGE_CONFIG"] = str(self.folder / "gerege.toml")
        self.log = open(self.folder / "log", "w+b")
        words = [BINARY, "serve"] + (["--dev"] if dev else [])
        self.process = subprocess.Popen(words, env=self.env, stdout=self.log, stderr=self.log)
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                if urllib.request.urlopen(f"{self.issuer}/readyz", context=self.believed).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        said = self.said()
        self.stop()
        raise RuntimeError(f"the server does not start:\n{said}")

    def seen(self, service):
        """Waits until it knows a new service with a scope of its name, and has made its key."""
        for _ in range(200):
            known = self.read("/.well-known/openid-configuration")["scopes_supported"]
            if service in known and self.read(f"/services/{service}/jwks.json")["keys"]:
                return
            time.sleep(0.05)
        raise AssertionError(f"{service} is not served")

    def read(self, path):
        """A document for everyone."""
        with urllib.request.urlopen(self.issuer + path, context=self.believed) as answer:
            return json.load(answer)

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def command(self, *words):
        return subprocess.run(
            [BINARY, *words], env=self.env, check=True, capture_output=True, text=True
        ).stdout

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
