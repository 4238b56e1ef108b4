"""The images as they really are: built again, used part by part, broken on purpose, and left early."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from collector.containers.confined import image_of, throwaway, wait_ready
from collector.containers.engine import connect
from collector.images.build import build_image
from collector.images.check import check_desktop
from collector.images.context import docker_folder, host_ca_cert
from manifests.errors import GoaltraceError
from manifests.programs import PROGRAMS

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "desktop", "terminal")]
FRONT_DOOR = ("-m", "goaltrace")


@pytest.fixture
def client() -> Iterator[object]:
    client = connect(timeout_s=600)
    yield client
    client.close()


def goaltrace(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *FRONT_DOOR, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["desktop", "terminal"])
def test_second_build_is_a_cache_hit(client, kind: str) -> None:
    base = client.images.get(image_of(kind)).labels["goaltrace.base"]
    bundle = host_ca_cert(os.environ)
    ca_bundle = bundle.read_bytes() if bundle else None
    build_image(client, kind, docker_folder(), base=base, ca_bundle=ca_bundle)
    again = build_image(client, kind, docker_folder(), base=base, ca_bundle=ca_bundle)
    assert again.cached
    assert again.seconds < 20
    listed = json.loads(goaltrace("images", "list", "--json").stdout)
    assert set(again.tags) <= {entry["tag"] for entry in listed if entry["kind"] == kind and entry["stale"] is False}


def test_failed_build_names_its_reason_and_log_and_leaves_the_tag_alone(client, tmp_path: Path) -> None:
    before = client.images.get(image_of("terminal"))
    folder = Path(shutil.copytree(docker_folder(), tmp_path / "docker"))
    dockerfile = folder / "terminal.Dockerfile"
    broken = dockerfile.read_text().replace("AS venv\n", "AS venv\nRUN echo 'E: the mirror is gone' && exit 3\n")
    dockerfile.write_text(broken)
    with pytest.raises(GoaltraceError, match="E: the mirror is gone") as caught:
        build_image(client, "terminal", folder, base=before.labels["goaltrace.base"])
    log = Path(str(caught.value).rsplit(" ", 1)[1])
    assert "the mirror is gone" in log.read_text(encoding="utf-8")
    assert client.images.get(image_of("terminal")).id == before.id
    log.unlink()


def test_every_part_of_both_images_works_and_can_be_looked_at(tmp_path: Path) -> None:
    result = goaltrace("images", "check", "--json", "--out", str(tmp_path))
    report = json.loads(result.stdout)
    assert [row for rows in report.values() for row in rows if not row["ok"]] == []
    assert result.returncode == 0
    pictures = [row["screenshot"] for row in report["desktop"] if row["screenshot"]]
    assert len(pictures) == 7  # the bare desktop and six launchers
    for picture in pictures:
        with Image.open(picture) as image:
            assert image.size == (1024, 768)
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 200


def test_what_does_not_open_or_is_called_otherwise_is_reported(
    client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROGRAMS, "viewer", replace(PROGRAMS["viewer"], names=("eye of gnome",)))
    with throwaway(client, "desktop") as container:
        wait_ready(container)
        launcher = "/home/agent/.config/xfce4/panel/launcher-15/calculator.desktop"
        assert container.exec_run(["sed", "-i", "s/^Exec=.*/Exec=no-such-program/", launcher]).exit_code == 0
        time.sleep(2)  # the panel watches the file
        rows = {row.name: row for row in check_desktop(container, tmp_path)}
    assert not rows["Calculator"].ok
    assert "dialog" in rows["Calculator"].detail
    assert rows["Files"].ok
    assert rows["galculator"].ok, "a program that no launcher starts is started by its command"
    assert rows["Image Viewer"].detail == "AT-SPI calls it 'ristretto', manifests/programs.py: eye of gnome"


def test_ctrl_c_removes_its_own_container_and_no_other(client, tmp_path: Path) -> None:
    with throwaway(client, "terminal") as other:
        before = {container.id for container in client.containers.list(all=True, sparse=True)}
        check = subprocess.Popen([sys.executable, *FRONT_DOOR, "images", "check", "desktop", "--out", tmp_path])
        ours: list = []
        for _ in range(300):
            ours = [
                container
                for container in client.containers.list(
                    all=True, sparse=True, filters={"name": "goaltrace-check-desktop"}
                )
                if container.id not in before
            ]
            if ours:
                break
            time.sleep(0.1)
        assert len(ours) == 1
        check.send_signal(signal.SIGINT)
        assert check.wait(timeout=60) == 130
        left = {container.id for container in client.containers.list(all=True, sparse=True)}
        assert ours[0].id not in left
        assert other.id in left


HANDSHAKE = """
import socket
server = socket.create_connection(("127.0.0.1", 5900), 5)
server.recv(12); server.sendall(b"RFB 003.008\\n")
print(list(server.recv(server.recv(1)[0])))
server.sendall(b"\\x02"); server.recv(16); server.sendall(bytes(16))
print(int.from_bytes(server.recv(4), "big"))
"""


def test_nothing_listens_for_vnc_unless_asked(client) -> None:
    with throwaway(client, "desktop") as container:
        wait_ready(container)
        refused = container.exec_run(["python3", "-c", HANDSHAKE])
        assert b"ConnectionRefusedError" in refused.output


def test_vnc_wants_a_password_that_only_its_user_can_read(client) -> None:
    with throwaway(client, "desktop", {"GOALTRACE_VNC": "1"}) as container:
        wait_ready(container)
        vnc_auth, failed = b"[2]", b"1"
        assert container.exec_run(["python3", "-c", HANDSHAKE]).output.split() == [vnc_auth, failed]
        modes = container.exec_run(["sh", "-c", "stat -c %a /run/user/1000/vnc-*"]).output.split()
        assert modes == [b"600", b"600"]
        password = container.exec_run(["cat", "/run/user/1000/vnc-password"]).output.strip()
        environment = container.exec_run(["sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline"]).output
        assert len(password) == 8
        assert password not in environment + container.logs()


def test_container_needs_no_privilege_and_no_network(client) -> None:
    with throwaway(client, "desktop") as container:
        wait_ready(container)
        host = container.attrs["HostConfig"]
        assert (host["Privileged"], host["CapDrop"], host["NetworkMode"]) == (False, ["ALL"], "none")
        status = container.exec_run(["cat", "/proc/self/status"]).output.decode()
        assert "CapEff:\t0000000000000000" in status
        assert "Uid:\t1000" in status


def test_two_fresh_desktops_are_the_same_picture(client, tmp_path: Path) -> None:
    pictures = []
    for name in ("first", "second"):
        with throwaway(client, "desktop") as container:
            row = next(row for row in check_desktop(container, tmp_path / name) if row.name == "desktop")
            pictures.append(Path(row.screenshot).read_bytes())
    assert pictures[0] == pictures[1]
