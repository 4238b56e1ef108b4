"""A Hub on 127.0.0.1: enough of its HTTP interface to publish a data set and to load it back.

It keeps repositories in memory, checks every object's SHA-256, asks for a token where the Hub does, and can
be told to drop the connection in the middle of an upload.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_" + "t" * 34
OWNER = "team"
CREATED = "2026-01-01T00:00:00.000Z"


@dataclass
class Repo:
    """One data-set repository with a single branch."""

    name: str
    private: bool
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.parquet filter=lfs\n"})
    lfs: set[str] = field(default_factory=set)
    commits: int = 0

    @property
    def sha(self) -> str:
        return hashlib.sha1(f"{self.name} {self.commits}".encode()).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        data = self.files[path]
        found: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": self.etag(path)}
        if path in self.lfs:
            found["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return found

    def etag(self, path: str) -> str:
        """What git calls the file: the blob itself, or its LFS pointer."""
        data = self.files[path]
        if path in self.lfs:
            oid = hashlib.sha256(data).hexdigest()
            data = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n".encode()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """The server; `with Hub() as hub:` runs it, `hub.url` is its HF_ENDPOINT."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        """METHOD path of everything asked."""
        self.received: list[str] = []
        """SHA-256 of every object whose bytes arrived whole."""
        self.drop_after: int | None = None
        """After this many uploads every further one is cut in the middle."""
        self.uploads = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Requests):
        pass

    Handler.hub = hub
    return Handler


class _Requests(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._route("GET")

    def do_HEAD(self) -> None:
        self._route("HEAD")

    def do_POST(self) -> None:
        self._route("POST")

    def do_PUT(self) -> None:
        self._route("PUT")

    def _route(self, method: str) -> None:
        path = unquote(urlsplit(self.path).path)
        with self.hub.lock:
            self.hub.requests.append(f"{method} {path}")
        if method == "PUT":
            return self._put_object(path)
        body = self._body()
        if path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/whoami-v2":
            return self._json({"type": "user", "name": OWNER}) if self._authorised() else self._refuse(401, "no")
        api = re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/(\w[\w-]*)(?:/(.*))?)?", path)
        batch = re.fullmatch(r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/(batch|verify)", path)
        resolve = re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        found = api or batch or resolve
        repo = self.hub.repos.get(found[1]) if found else None
        if repo is None or (repo.private and not self._authorised()):
            return self._refuse(404 if self._authorised() else 401, "Repository not found", "RepoNotFound")
        if batch:
            return self._lfs(repo, batch[2], json.loads(body))
        if resolve:
            return self._resolve(method, repo, resolve[3])
        assert api is not None
        return self._api(repo, api[2] or "revision", api[3] or "main", body)

    def _api(self, repo: Repo, what: str, rest: str, body: bytes) -> None:
        if what == "revision":
            return self._json(self._info(repo))
        if what == "tree":
            folder = rest.partition("/")[2]
            below = f"{folder}/" if folder else ""
            names = [name for name in sorted(repo.files) if name.startswith(below)]
            if folder and not names:
                return self._refuse(404, f"{folder} does not exist", "EntryNotFound")
            files: list[dict[str, Any]] = [repo.entry(name) for name in names]
            folders = sorted({name.split("/")[0] for name in names if "/" in name[len(below) :]}) if not folder else []
            return self._json([{"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in folders] + files)
        if what == "paths-info":
            asked = json.loads(body)["paths"] if body.startswith(b"{") else []
            folders = {name.split("/")[0] for name in repo.files if "/" in name}
            entries = [repo.entry(name) for name in asked if name in repo.files]
            entries += [{"type": "directory", "path": n, "size": 0, "oid": "0" * 40} for n in asked if n in folders]
            return self._json(entries)
        if not self._authorised():
            return self._refuse(401, "Invalid credentials")
        if what == "preupload":
            return self._json({"files": [self._upload_mode(repo, f["path"]) for f in json.loads(body)["files"]]})
        if what == "commit":
            return self._commit(repo, body)
        return self._refuse(404, "no such page")

    def _upload_mode(self, repo: Repo, path: str) -> dict[str, Any]:
        mode = "lfs" if path.endswith(".parquet") else "regular"
        oid = None
        if path in repo.files:  # of an LFS file the Hub gives the content's hash here, not the pointer's
            oid = hashlib.sha256(repo.files[path]).hexdigest() if path in repo.lfs else repo.etag(path)
        return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}

    def _create(self, asked: dict[str, Any]) -> None:
        if not self._authorised():
            return self._refuse(401, "Invalid credentials in Authorization header")
        name = f"{asked.get('organization') or OWNER}/{asked['name']}"
        if not name.startswith(f"{OWNER}/"):
            return self._refuse(
                403, f"You don't have the rights to create a dataset under {name.split('/', maxsplit=1)[0]}"
            )
        url = f"{self.hub.url}/datasets/{name}"
        if name in self.hub.repos:
            return self._json({"error": "You already created this dataset repo", "url": url}, 409)
        private = asked.get("private") or asked.get("visibility") == "private"
        self.hub.repos[name] = Repo(name, bool(private))
        return self._json({"url": url, "name": name, "id": name})

    def _info(self, repo: Repo) -> dict[str, Any]:
        siblings = [{"rfilename": name} for name in sorted(repo.files)]
        return {
            "id": repo.name, "author": OWNER, "sha": repo.sha, "private": repo.private, "disabled": False,
            "gated": False, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings,
            "createdAt": CREATED, "lastModified": CREATED,
        }  # fmt: skip

    def _lfs(self, repo: Repo, what: str, asked: dict[str, Any]) -> None:
        if not self._authorised():
            return self._refuse(401, "Invalid credentials")
        if what == "verify":
            known = asked["oid"] in self.hub.objects
            return self._json({}) if known else self._refuse(404, "no such object")
        answers = []
        for item in asked["objects"]:
            answer: dict[str, Any] = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.hub.objects:
                answer["actions"] = {
                    "upload": {"href": f"{self.hub.url}/objects/{item['oid']}"},
                    "verify": {"href": f"{self.hub.url}/datasets/{repo.name}.git/info/lfs/objects/verify"},
                }
            answers.append(answer)
        return self._json({"transfer": "basic", "objects": answers})

    def _put_object(self, path: str) -> None:
        length = int(self.headers["Content-Length"])
        with self.hub.lock:
            self.hub.uploads += 1
            cut = self.hub.drop_after is not None and self.hub.uploads > self.hub.drop_after
        if cut:
            self.rfile.read(length // 2)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        data = self.rfile.read(length)
        oid = path.rpartition("/")[2]
        if hashlib.sha256(data).hexdigest() != oid:
            return self._refuse(400, "the content does not match its SHA-256")
        with self.hub.lock:
            self.hub.objects[oid] = data
            self.hub.received.append(oid)
        self._json({})

    def _commit(self, repo: Repo, body: bytes) -> None:
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    return self._refuse(400, f"{value['path']} was never uploaded")
                repo.files[value["path"]] = self.hub.objects[value["oid"]]
                repo.lfs.add(value["path"])
            elif item["key"] == "deletedFile":
                repo.files.pop(value["path"], None)
        repo.commits += 1
        url = f"{self.hub.url}/datasets/{repo.name}/commit/{repo.sha}"
        return self._json({"success": True, "commitOid": repo.sha, "commitUrl": url, "hookOutput": ""})

    def _resolve(self, method: str, repo: Repo, path: str) -> None:
        if path not in repo.files:
            return self._refuse(404, "Entry not found", "EntryNotFound")
        data, status, headers = repo.files[path], 200, {}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        headers |= {"ETag": f'"{repo.entry(path)["oid"]}"', "X-Repo-Commit": repo.sha, "Accept-Ranges": "bytes"}
        self._send(status, data, headers, "application/octet-stream", method == "HEAD")

    def _authorised(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self, document: Any, status: int = 200) -> None:
        self._send(status, json.dumps(document).encode(), {}, "application/json", self.command == "HEAD")

    def _refuse(self, status: int, message: str, code: str | None = None) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps({"error": message}).encode(), headers, "application/json", self.command == "HEAD")

    def _send(self, status: int, data: bytes, headers: dict[str, str], kind: str, head: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not head:
            self.wfile.write(data)
