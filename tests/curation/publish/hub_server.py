"""A Hub on 127.0.0.1: enough of its HTTP interface to publish a data set and to load it back.

It keeps repositories in memory, takes bytes by LFS and by Xet, checks every object's SHA-256, asks for a token where
the Hub does, has pull requests, remembers every state of `main` that a reader could have seen, and can be told to fail:
to drop the connection in the middle of an upload, or to answer a commit with an error, made or not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.curation.publish.xet_storage import BadUpload, XetStorage

TOKEN = "hf_" + "t" * 34
OWNER = "team"
CREATED = "2026-01-01T00:00:00.000Z"


LARGE = (".parquet", ".png", ".webp", ".jpg")


class CannotMerge(Exception):
    """The pull request and `main` changed the same file."""


@dataclass
class Tree:
    """The files of one branch."""

    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.parquet filter=lfs\n"})
    lfs: set[str] = field(default_factory=set)

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

    def listing(self) -> dict[str, str]:
        return {path: self.etag(path) for path in self.files}


@dataclass
class Pull(Tree):
    """A pull request: a branch that nobody reads who does not ask for it."""

    title: str = ""
    author: str = OWNER
    status: str = "open"
    base: dict[str, str] = field(default_factory=dict)


@dataclass
class Repo(Tree):
    """One data-set repository: `main`, and pull requests beside it."""

    name: str = ""
    private: bool = False
    commits: int = 0
    pulls: list[Pull] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    """Every state of `main`: path -> what git calls the file."""

    @property
    def sha(self) -> str:
        return hashlib.sha1(f"{self.name} {self.commits}".encode()).hexdigest()

    def branch(self, revision: str) -> Tree | None:
        number = re.fullmatch(r"refs/pr/(\d+)", revision)
        if number is None:
            return self if revision in ("main", self.sha) else None
        return self.pulls[int(number[1]) - 1] if 0 < int(number[1]) <= len(self.pulls) else None

    def open_pull(self, title: str) -> Pull:
        self.pulls.append(Pull(dict(self.files), set(self.lfs), title, base=self.listing()))
        return self.pulls[-1]

    def merge(self, pull: Pull) -> None:
        ours, theirs = self.listing(), pull.listing()
        changed = [path for path in {*theirs, *pull.base} if theirs.get(path) != pull.base.get(path)]
        if any(ours.get(path) not in (pull.base.get(path), theirs.get(path)) for path in changed):
            raise CannotMerge
        for path in changed:
            self.files.pop(path, None)
            self.lfs.discard(path)
            if path in theirs:
                self.files[path] = pull.files[path]
                self.lfs |= {path} & pull.lfs
        pull.status = "merged"
        self.moved()

    def moved(self) -> None:
        self.commits += 1
        self.seen.append(self.listing())


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
        self.xet = XetStorage(self.objects)
        self.commit_fault: str | None = None
        """The next commits are answered with an error: "refused" are not made, "unheard" are."""
        self.commit_sizes: list[int] = []
        """Operations of every commit that was made."""
        self.on_commit: Callable[[], None] = lambda: None
        """Called before a commit is looked at, as if somebody else were quicker."""
        self.on_bytes: Callable[[], None] = lambda: None
        """Called when bytes of a file arrive."""
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
        address = urlsplit(self.path)
        path, self.query = unquote(address.path), address.query
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
        if re.match(r"/v\d/", path):
            return self._xet(path, body)
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
            tree = repo.branch(resolve[2])
            return self._resolve(method, repo, tree or repo, resolve[3])
        assert api is not None
        return self._api(repo, api[2] or "revision", api[3] or "main", body)

    def _api(self, repo: Repo, what: str, rest: str, body: bytes) -> None:
        if what == "discussions":
            return self._discussions(repo, "" if rest == "main" else rest, json.loads(body or b"null"))
        if "create_pr=1" in self.query:
            rest = "main"
        named = re.match(r"refs/pr/\d+|[^/]+", rest)
        revision = named[0] if named else "main"
        tree = repo.branch(revision)
        if tree is None:
            return self._refuse(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        if what == "revision":
            return self._json(self._info(repo))
        if what == "tree":
            folder = rest[len(revision) + 1 :]
            below = f"{folder}/" if folder else ""
            names = [name for name in sorted(tree.files) if name.startswith(below)]
            if folder and not names:
                return self._refuse(404, f"{folder} does not exist", "EntryNotFound")
            files: list[dict[str, Any]] = [tree.entry(name) for name in names]
            folders = sorted({name.split("/")[0] for name in names if "/" in name[len(below) :]}) if not folder else []
            return self._json([{"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in folders] + files)
        if what == "paths-info":
            asked = json.loads(body)["paths"] if body.startswith(b"{") else []
            folders = {name.split("/")[0] for name in tree.files if "/" in name}
            entries = [tree.entry(name) for name in asked if name in tree.files]
            entries += [{"type": "directory", "path": n, "size": 0, "oid": "0" * 40} for n in asked if n in folders]
            return self._json(entries)
        if not self._authorised():
            return self._refuse(401, "Invalid credentials")
        if what == "xet-write-token":
            return self._json({"accessToken": TOKEN, "exp": int(time.time()) + 3600, "casUrl": self.hub.url})
        if what == "preupload":
            return self._json({"files": [self._upload_mode(tree, f["path"]) for f in json.loads(body)["files"]]})
        if what == "commit":
            return self._commit(repo, tree, body)
        return self._refuse(404, "no such page")

    def _xet(self, path: str, body: bytes) -> None:
        """Xet's storage has an address of its own on the Hub, and a short-lived token."""
        if not self._authorised():
            return self._refuse(401, "Invalid credentials")
        block = re.fullmatch(r"/v1/xorbs/default/([0-9a-f]{64})", path)
        chunk = re.fullmatch(r"/v1/chunks/[\w-]+/([0-9a-f]{64})", path)
        try:
            if block:
                self.hub.on_bytes()
                return self._json({"was_inserted": self.hub.xet.put_block(block[1], body)})
            if path == "/v1/shards":
                self.hub.xet.put_shard(body)
                return self._json({"result": 1})
        except BadUpload as error:
            return self._refuse(400, str(error))
        listed = self.hub.xet.chunk_list(chunk[1]) if chunk else None
        if listed is None:
            return self._refuse(404, "not found")
        return self._send(200, listed, {}, "application/octet-stream", False)

    def _discussions(self, repo: Repo, rest: str, asked: dict[str, Any] | None) -> None:
        if not rest:
            found = [self._pull(repo, number) for number in range(1, len(repo.pulls) + 1)]
            wanted = [pull for pull in found if "status=open" not in self.query or pull["status"] == "open"]
            return self._json({"count": len(wanted), "start": 0, "discussions": wanted})
        number, _, what = rest.partition("/")
        pull = repo.pulls[int(number) - 1]
        if what == "merge" and self._authorised():
            try:
                repo.merge(pull)
            except CannotMerge:
                return self._refuse(409, "Cannot merge: conflicts")
        elif what == "status" and self._authorised():
            pull.status = (asked or {})["status"]
        return self._json({})

    def _pull(self, repo: Repo, number: int) -> dict[str, Any]:
        pull = repo.pulls[number - 1]
        return {
            "num": number, "title": pull.title, "author": {"name": pull.author}, "status": pull.status,
            "createdAt": CREATED, "isPullRequest": True, "repo": {"name": repo.name, "type": "dataset"},
        }  # fmt: skip

    def _upload_mode(self, repo: Tree, path: str) -> dict[str, Any]:
        mode = "lfs" if path.endswith(LARGE) else "regular"
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
        self.hub.repos[name] = Repo(name=name, private=bool(private))
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
        self.hub.on_bytes()
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

    def _commit(self, repo: Repo, tree: Tree, body: bytes) -> None:
        """All of a commit, or nothing of it."""
        self.hub.on_commit()
        if self.hub.commit_fault == "refused":
            return self._refuse(503, "Service unavailable")
        items = [json.loads(line) for line in body.splitlines()]
        header = items[0]["value"]
        with self.hub.lock:
            if header.get("parentCommit") not in (None, repo.sha) and tree is repo:
                return self._refuse(412, "A commit has happened since. Please refresh and try again.")
            for item in items:
                if item["key"] == "lfsFile" and item["value"]["oid"] not in self.hub.objects:
                    return self._refuse(400, f"{item['value']['path']} was never uploaded")
            made = {"success": True, "hookOutput": ""}
            if "create_pr=1" in self.query:
                tree = repo.open_pull(header["summary"])
                made["pullRequestUrl"] = f"{self.hub.url}/datasets/{repo.name}/discussions/{len(repo.pulls)}"
            self._apply(tree, items)
            self.hub.commit_sizes.append(len(items) - 1)
            if tree is repo:
                repo.moved()
        if self.hub.commit_fault == "unheard":
            return self._refuse(504, "Gateway timeout")
        url = f"{self.hub.url}/datasets/{repo.name}/commit/{repo.sha}"
        return self._json({**made, "commitOid": repo.sha, "commitUrl": url})

    def _apply(self, tree: Tree, items: list[dict[str, Any]]) -> None:
        for item in items:
            value = item["value"]
            if item["key"] == "file":
                tree.files[value["path"]] = base64.b64decode(value["content"])
                tree.lfs.discard(value["path"])
            elif item["key"] == "lfsFile":
                tree.files[value["path"]] = self.hub.objects[value["oid"]]
                tree.lfs.add(value["path"])
            elif item["key"] == "deletedFile":
                tree.files.pop(value["path"], None)
                tree.lfs.discard(value["path"])

    def _resolve(self, method: str, repo: Repo, tree: Tree, path: str) -> None:
        if path not in tree.files:
            return self._refuse(404, "Entry not found", "EntryNotFound")
        data, status, headers = tree.files[path], 200, {}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        headers |= {"ETag": f'"{tree.etag(path)}"', "X-Repo-Commit": repo.sha, "Accept-Ranges": "bytes"}
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
