# ruff: noqa: E501, F541 (a line that is shown is written as one)
"""Lines that hold no secret and look as if they might: what terminals show all day, made by a seeded generator."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator

_WORDS = (
    "build test cache token parser model index merge fetch stream buffer worker queue schema router handler session"
    " config loader filter render matrix vector kernel driver socket thread string number object module package"
).split()
_NAMES = [
    "tokenizers",
    "tiktoken",
    "numpy",
    "requests",
    "passlib",
    "secretstorage",
    "keyring",
    "pydantic-core",
    "torch",
]


class Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def hex(self, size: int) -> str:
        return "".join(self.random.choices("0123456789abcdef", k=size))

    def word(self) -> str:
        return self.random.choice(_WORDS)

    def number(self, most: int) -> int:
        return self.random.randrange(most)

    def version(self) -> str:
        tail = self.random.choice(["", "", "", "rc1", ".post1", "-beta.2", "+cu121", ".dev20240615"])
        return f"{self.number(30)}.{self.number(40)}.{self.number(99)}{tail}"

    def path(self) -> str:
        return "/".join(
            [
                self.random.choice(["src", "/usr/lib", "~/work", ".", "node_modules/@types", "C:\\Users\\user"]),
                self.word(),
                f"{self.word()}_{self.word()}.py",
            ]
        )

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def time(self) -> str:
        r = self.random
        return f"20{r.randint(18, 29)}-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}T{r.randint(0, 23):02d}:{r.randint(0, 59):02d}:{r.randint(0, 59):02d}.{r.randint(0, 999999):06d}Z"


def _versions(m: Maker) -> Iterator[str]:
    name = m.random.choice(_NAMES)
    yield f"Successfully installed {name}-{m.version()} {m.random.choice(_NAMES)}-{m.version()}"
    yield f"Collecting {name}>={m.version()}"
    yield f"  Downloading {name}-{m.version()}-cp311-cp311-manylinux_2_17_x86_64.whl ({m.number(900)}.{m.number(9)} kB)"
    yield f"     ━━━━━━━━━━━━━━━━━━━━ {m.number(99)}.{m.number(9)}/{m.number(99)}.{m.number(9)} MB {m.number(99)}.{m.number(9)} MB/s eta 0:00:0{m.number(9)}"
    yield f"Resolved {m.number(200)} packages in {m.number(900)}ms"
    yield f" + {name}=={m.version()}"
    yield f"⠙ {name}=={m.version()}   Preparing packages... ({m.number(20)}/{m.number(99)})"
    yield f"{name} ------------------------------ {m.number(900)}.{m.number(99)} KiB/{m.number(9)}.{m.number(99)} MiB"
    yield f"npm warn deprecated {name}@{m.version()}: use {m.word()}@{m.number(20)} instead"
    yield f"├── @{m.word()}/{m.word()}@{m.version()}"
    yield f"   Compiling {m.word()}-{m.word()} v{m.version()} ({m.path()})"
    yield f"Requirement already satisfied: {name} in {m.path()} (from -r requirements.txt (line {m.number(90)})) ({m.version()})"


def _hashes(m: Maker) -> Iterator[str]:
    yield f"commit {m.hex(40)}"
    yield f"{m.hex(7)} {m.word()}: add {m.word()} to the {m.word()} (#{m.number(9999)})"
    yield f"index {m.hex(7)}..{m.hex(7)} 100644"
    yield f"sha256:{m.hex(64)}"
    yield f"{m.hex(64)}  {m.path()}"
    yield f'{m.hex(12)}   nginx:latest   "/docker-entrypoint.…"   {m.number(50)} minutes ago   Up   0.0.0.0:{m.number(60000)}->80/tcp'
    yield f"id={m.uuid()}"
    yield f"request_id: {m.uuid()} took {m.number(9999)} ms"
    yield f"--hash=sha256:{m.hex(64)} \\"
    yield f"   {m.hex(7)}..{m.hex(7)}  main -> main"
    yield f"HEAD is now at {m.hex(7)} Bump {m.word()}"
    yield f"Digest: sha256:{m.hex(64)}"
    yield f'etag "{m.hex(32)}"'
    yield f"{m.number(10**8):08x}  {' '.join(m.hex(2) for _ in range(8))}  {' '.join(m.hex(2) for _ in range(8))}  |................|"
    yield f"0x{m.hex(16)} in main () at {m.path()}:{m.number(999)}"
    yield f"Uploading {m.word()}.bin sha512-{m.hex(20)} integrity ok"
    yield f"object {m.number(10**15):016d} at offset {m.number(10**10)}"


def _code(m: Maker) -> Iterator[str]:
    a, b = m.word(), m.word()
    yield f"password_match = re.search(r'{a}', {b})"
    yield f"token = {a}.next_token()"
    yield f"self.password = password or {a}.password"
    yield f"tokens = tokenizer.encode({b})"
    yield f"def get_token(self, {a}: str) -> Token:"
    yield f"    token: str = field(default=None)  # {a}"
    yield f"if not token or token == expected_{a}:"
    yield f"const {{ token, secret }} = await get{a.capitalize()}();"
    yield f'printf "# Set password hash\\nc.ServerApp.{a} = 1\\n"'
    yield f"password = getpass.getpass('{a}: ')"
    yield f"api_key = os.environ['{a.upper()}_API_KEY']"
    yield f"secret: process.env.{a.upper()}_SECRET,"
    yield f"token={a}_token, max_tokens={m.number(9000)}"
    yield f"password: Optional[str] = None,"
    yield f"  password: ${{DB_PASSWORD}}"
    yield f"@app.route('/{a}/<int:{b}_id>')"
    yield f"x = {a} @ {b}.T + bias"
    yield f"key = lambda item: item.{a}"
    yield f"assert len(token) == {m.number(64)}, 'token is too short'"
    yield f"{a}_key: {b}_key_{m.number(9)}"
    yield f"foreign_key={a}.id, primary_key=True"
    yield f"public key token {a} not found"
    yield f'secret_name = "{a}-{b}-secret"'
    yield f"secrets.{a.upper()}_TOKEN"
    yield f"pin = {m.number(40)}  # GPIO"
    yield f"        pin: {m.number(40)}, mode: OUTPUT"
    yield f'<input type="password" name="password" placeholder="Password">'
    yield f"TokenKind::{a.capitalize()} => self.advance(),"
    yield f"auth: {{ type: 'bearer', token: {a}Token }}"
    yield f"{a}.set_password(user.password)"
    yield f"decode({m.number(99)}.{m.number(10**9)}e-{m.number(20):02d}, {m.random.random()})"
    yield f"loss={m.random.random()} lr={m.random.random() / 1000} step={m.number(10**7)}"
    yield f"private key: {a}.pem"
    yield f"keys = [k for k in {a} if k.startswith('token')]"


def _paths(m: Maker) -> Iterator[str]:
    yield f"-rw-r--r-- 1 root root {m.number(10**7):>9} Jan {m.number(27) + 1:>2} 12:{m.number(50) + 10} {m.word()}.txt"
    yield f"drwxr-xr-x  {m.number(30)} user staff   {m.number(9999)} Mar  3  2024 {m.path()}"
    yield m.path()
    yield f"user@host:~/{m.word()}$ cd {m.path()}"
    yield f"root@{m.hex(12)}:/{m.word()}# ls"
    yield f"[user@host {m.word()}]$ make {m.word()}"
    yield f"scp {m.word()}.txt user@server.example.com:/tmp"
    yield f"git clone git@github.com:{m.word()}/{m.word()}.git"
    yield f"  modified:   {m.path()}"
    yield f" {m.path()} | {m.number(99)} +++++-----"
    yield f"@@ -{m.number(900)},{m.number(20)} +{m.number(900)},{m.number(20)} @@ def {m.word()}():"
    yield f"diff --git a/{m.path()} b/{m.path()}"
    yield f"http://localhost:{m.number(60000)}/{m.word()}?page={m.number(50)}&sort={m.word()}"
    yield f"https://github.com/{m.word()}/{m.word()}/pull/{m.number(9999)}#issuecomment-{m.number(10**10)}"
    yield f'10.0.{m.number(255)}.{m.number(255)} - - [12/Mar/2025:10:{m.number(50) + 10}:05 +0000] "GET /{m.word()} HTTP/1.1" 200 {m.number(10**6)}'
    yield f"systemctl status getty@tty{m.number(9)}.service user@{m.number(2000)}.service"
    yield f"- uses: actions/checkout@v{m.number(5)}"
    yield f"ssh -p {m.number(9000) + 1000} -i ~/.ssh/id_ed25519 -L {m.number(9000)}:localhost:{m.number(9000)} host"
    yield f"docker run -p {m.number(9000)}:80 -v $PWD:/{m.word()} --rm {m.word()}:{m.version()}"
    yield f"backup-{m.number(10) + 2015}{m.number(12) + 1:02d}{m.number(28) + 1:02d}-{m.number(24):02d}{m.number(60):02d}.tar.gz"


def _talk(m: Maker) -> Iterator[str]:
    a = m.word()
    yield f"the input {a} need not be tokenized"
    yield f"the token was refused by the {a}"
    yield f"Enter password for {a}: "
    yield f"error: invalid token at line {m.number(999)}"
    yield f"Password: required"
    yield f"passwords must be at least {m.number(20)} characters"
    yield f"  -p, --password string   Password or token for the {a}"
    yield f"      --token-file PATH   read the token from a file"
    yield f"total_tokens: {m.number(10**6)} prompt_tokens: {m.number(10**5)}"
    yield f"Tokens: {m.number(10**6)} · cost ${m.number(9)}.{m.number(99)}"
    yield f"Max tokens: {m.number(10**6)}"
    yield f"PASS src/{a}.test.ts ({m.number(9)}.{m.number(999)} s)"
    yield f"pass: {m.number(999)}, fail: {m.number(9)}"
    yield f"tests/test_{a}.py::test_password_{a} PASSED [ {m.number(99)}%]"
    yield f"exit code: {m.number(255)}"
    yield f"HTTP Basic authentication for {a}"
    yield f"The secret is out: {a} is fast"
    yield f"press any key to continue, q to quit"
    yield f"Key bindings: ctrl+{a[0]} {a}"
    yield f"typing: {a} mapping spin {m.number(9999)}"
    yield f"your API key is missing; set {a.upper()}_API_KEY"
    yield f"# password = changeme"
    yield f"credentials: stored in {m.path()}"
    yield f"login as user, then run {a} -p {m.path()}"
    yield f"Signed-off-by: Bot <noreply@{a}.example>"


def _numbers(m: Maker) -> Iterator[str]:
    yield f"{m.time()} INFO {m.word()} took {m.number(10**6)} us"
    yield f"[{m.number(10**6):>6}.{m.number(10**6):06d}] usb {m.number(9)}-{m.number(9)}: new device {m.hex(4)}:{m.hex(4)}"
    yield f"epoch {m.number(99)} loss {m.random.random()} acc {m.random.random()}"
    yield "  ".join(f"{m.number(10**4):>5}" for _ in range(8))
    yield " ".join(str(m.number(10**6)) for _ in range(6))
    yield f"ts={1_600_000_000_000 + m.number(10**11)} id={m.number(10**12)}"
    yield f"{1_600_000_000_000_000_000 + m.number(10**17)} ns"
    yield f"{m.number(10**10)} bytes ({m.number(10**3)}.{m.number(9)} GB) copied, {m.random.random() * 100} s"
    yield f"+{m.number(10**4)} -{m.number(10**4)} lines, {m.number(99)} files"
    yield f"pid {m.number(10**6)} uid {m.number(10**5)} rss {m.number(10**8)}"
    yield f"#{m.hex(6)} rgb({m.number(255)}, {m.number(255)}, {m.number(255)})"
    yield f"{m.number(255)}.{m.number(255)}.{m.number(255)}.{m.number(255)}:{m.number(60000)}"
    yield f"tensor([[{', '.join(f'{m.random.uniform(-1, 1):.4f}' for _ in range(6))}]])"
    yield f"ISBN 978-{m.number(9)}-{m.number(999):03d}-{m.number(99999):05d}-{m.number(9)}"
    yield f"mac {':'.join(m.hex(2) for _ in range(6))} mtu 1500"
    yield f"  %@@#=-:. .:-=#@@%  {'@' * m.number(12)}.{'@' * 3}:%@#.{m.hex(2)}"


def innocent(seed: int, rounds: int) -> list[str]:
    """Innocent lines of every kind, `rounds` times over."""
    makers: tuple[Callable[[Maker], Iterator[str]], ...] = (_versions, _hashes, _code, _paths, _talk, _numbers)
    maker = Maker(seed)
    return [line for _ in range(rounds) for make in makers for line in make(maker)]
