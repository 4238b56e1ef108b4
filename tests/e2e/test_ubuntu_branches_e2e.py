"""What the desktop's Dockerfile does on Ubuntu, on a Debian 13 that says it is Ubuntu 24.04 (whose names of packages
Debian 13 shares), with a stand-in for Playwright's downloads whose "Chrome for Testing" is Debian's Chromium.

Ubuntu's own archive is not reached from here: what only it can show is not tried.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest

from collector.containers.engine import connect
from collector.images.bootstrap import ensure_base, os_release
from collector.images.build import build_image
from collector.images.check import check_image
from collector.images.context import docker_folder, host_ca_cert

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "/usr/sbin/debootstrap")]
BASE = "goaltrace-test/looks-like-ubuntu:24.04"
SYSTEM = "ubuntu-24.04"
LOOKS_LIKE_UBUNTU = """
FROM goaltrace/base:bootstrap-trixie
RUN apt-get update && apt-get install -y --no-install-recommends chromium && rm -rf /var/lib/apt/lists/*
RUN sed -i 's/^ID=.*/ID=ubuntu/; s/^NAME=.*/NAME="Ubuntu"/; s/^VERSION_ID=.*/VERSION_ID="24.04"/; \
            s/^VERSION_CODENAME=.*/VERSION_CODENAME=noble/' /usr/lib/os-release \
 && useradd --create-home --uid 1000 ubuntu
"""
PROGRAMS = {
    "chrome-linux64.zip": ("chrome-linux64/chrome", '#!/bin/sh\nexec /usr/bin/chromium "$@"\n'),
    "ffmpeg-linux.zip": ("ffmpeg-linux", '#!/bin/sh\nexec /usr/bin/ffmpeg "$@"\n'),
}


def zipped(name: str, script: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, script)
    return packed.getvalue()


class Downloads(BaseHTTPRequestHandler):
    """Answers like the place that Playwright downloads from."""

    asked: list[str]

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.asked.append(name)
        body = zipped(*PROGRAMS[name]) if name in PROGRAMS else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def downloads(address: str) -> Iterator[tuple[str, list[str]]]:
    """Its address as builds reach it, and the names of what was asked for."""
    handler = type("Here", (Downloads,), {"asked": []})
    with ThreadingHTTPServer((address, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{address}:{server.server_address[1]}", handler.asked  # type: ignore[attr-defined]
        server.shutdown()


@contextmanager
def tags_as_before(client) -> Iterator[None]:
    """A build tags what it makes; this puts the desktop's tags back and takes the new one away."""
    before = {tag: image.id for image in client.images.list(name="goaltrace/desktop") for tag in image.tags}
    try:
        yield
    finally:
        for tag, image in before.items():
            client.images.get(image).tag(*tag.split(":"))
        if f"goaltrace/desktop:{SYSTEM}" not in before:
            client.images.remove(f"goaltrace/desktop:{SYSTEM}")


@pytest.mark.timeout(1500)
def test_the_branches_for_ubuntu_make_a_desktop_whose_browser_works(tmp_path: Path, monkeypatch) -> None:
    if os_release(Path("/etc/os-release")).get("ID") != "debian":
        pytest.skip("makes its base from a Debian host's mirror")
    client = connect(timeout_s=600)
    ensure_base(client, release="trixie")
    client.images.build(fileobj=io.BytesIO(LOOKS_LIKE_UBUNTU.encode()), tag=BASE, rm=True)
    network = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    gateway = network.get("Gateway") or str(next(ip_network(network["Subnet"]).hosts()))
    bundle = host_ca_cert(os.environ)
    with tags_as_before(client):
        with downloads(gateway) as (address, asked):
            monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", address)
            ca_bundle = bundle.read_bytes() if bundle else None
            made = build_image(client, "desktop", docker_folder(), base=BASE, ca_bundle=ca_bundle)
        assert made.cached or "chrome-linux64.zip" in asked, "the browser is what Playwright downloads"
        assert made.system == SYSTEM
        rows = {row.name: row for row in check_image(client, "desktop", tmp_path, SYSTEM)}
        assert [row for row in rows.values() if not row.ok] == []
        assert rows["system"].window == "Ubuntu 24.04"
        command = ["record", "desktop-web-order", "--system", SYSTEM, "--out", tmp_path / "sessions", "--json"]
        done = subprocess.run([sys.executable, "-m", "goaltrace", *map(str, command)], capture_output=True, text=True)
        (episode,) = json.loads(done.stdout)["episodes"]
        assert episode["outcome"] == "success", episode
