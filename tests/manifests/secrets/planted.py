# ruff: noqa: E501 (a line that is shown is written as one)
"""Secrets that look real and are nobody's: made by a seeded generator, each with the line in which it would stand."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator
from typing import NamedTuple

_ALNUM = string.ascii_letters + string.digits
_SYLLABLES = ["ba", "ko", "ri", "mun", "tel", "sa", "vor", "nik", "lu", "dra", "pem", "ost", "quil", "zan", "fe", "gor"]


class Planted(NamedTuple):
    """A secret, the line that holds it, and whether its own form tells it."""

    kind: str
    secret: str
    line: str


class Maker:
    """Random parts of secrets."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, alphabet: str, size: int) -> str:
        return "".join(self.random.choices(alphabet, k=size))

    def token(self, size: int) -> str:
        return "a7B" + self.of(_ALNUM, size - 3)

    def hex(self, size: int) -> str:
        return self.of("0123456789abcdef", size)

    def digits(self, size: int) -> str:
        return self.of(string.digits, size)

    def word(self, parts: int = 2) -> str:
        return "".join(self.random.choices(_SYLLABLES, k=parts))

    def password(self) -> str:
        word = self.word(2).capitalize()
        return word[:2] + self.of("!#+?_", 1) + word[2:] + self.digits(3)

    def luhn(self, start: str, size: int) -> str:
        body = start + self.digits(size - len(start) - 1)
        total = sum(sum(map(int, str(int(c) * (2 - place % 2)))) for place, c in enumerate(reversed(body)))
        return body + str(-total % 10)

    def iban(self, country: str, size: int, letters: str = "") -> str:
        body = letters + self.digits(size - 4 - len(letters))
        number = int("".join(str(int(c, 36)) for c in body + country + "00"))
        return f"{country}{98 - number % 97:02d}{body}"


def _spaced(text: str, size: int = 4, gap: str = " ") -> str:
    return gap.join(text[at : at + size] for at in range(0, len(text), size))


def _tokens(m: Maker) -> Iterator[Planted]:
    forms = {
        "ghp_": 36, "gho_": 36, "github_pat_": 40, "glpat-": 20, "xoxb-": 30, "sk-": 48, "sk-proj-": 48, "sk_live_": 24,
        "hf_": 34, "npm_": 36, "pypi-": 60, "AIza": 35, "dckr_pat_": 27, "hvs.": 24, "gsk_": 40, "tskey-": 24, "xai-": 40,
        "r8_": 37, "glsa_": 40, "whsec_": 32, "GOCSPX-": 28, "figd_": 40, "sntrys_": 60, "ya29.": 60,
    }  # fmt: skip
    frames = ("{}", "export KEY={}", "using {} now", '  "value": "{}",', "https://x.example/?k={}", "$ tool {} --go")
    for number, (prefix, size) in enumerate(forms.items()):
        secret = prefix + m.token(size)
        yield Planted("token", secret, frames[number % len(frames)].format(secret))
    upper = string.ascii_uppercase + string.digits
    for secret in ("AKIA" + m.of(upper, 16), f"{m.digits(9)}:AA{m.token(33)}", "AGE-SECRET-KEY-1" + m.of(upper, 58)):
        yield Planted("token", secret, f"key {secret} end")
    jwt = ".".join(
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        for text in ('{"alg":"HS256"}', '{"u":"' + m.token(12) + '"}', m.token(30))
    )
    yield Planted("token", jwt, f"cookie jwt {jwt}")


def _numbers(m: Maker) -> Iterator[Planted]:
    for start, size in (
        ("4", 16),
        ("52", 16),
        ("2221", 16),
        ("37", 15),
        ("6011", 16),
        ("3530", 16),
        ("4", 16),
        ("55", 16),
    ):
        card = m.luhn(start, size)
        shown = card if m.random.random() < 0.4 or size != 16 else _spaced(card, gap=m.random.choice(" -"))
        yield Planted(
            "card", shown, m.random.choice(["paid with {}", "Card: {}", "{} 04/29", "number={}"]).format(shown)
        )
    for country, size, letters in (
        ("DE", 22, ""),
        ("GB", 22, "NWBK"),
        ("NL", 18, "ABNA"),
        ("FR", 27, ""),
        ("CH", 21, ""),
        ("ES", 24, ""),
        ("AT", 20, ""),
        ("PL", 28, ""),
    ):
        iban = m.iban(country, size, letters)
        shown = iban if m.random.random() < 0.5 else _spaced(iban)
        yield Planted("iban", shown, m.random.choice(["IBAN {}", "to {} please", "account: {}"]).format(shown))
    for phone in (
        f"+49 170 {m.digits(7)}",
        f"+1 (415) 555-{m.digits(4)}",
        f"+44 20 7946 {m.digits(4)}",
        f"+33 6 12 34 {m.digits(2)} {m.digits(2)}",
        f"(415) 555-{m.digits(4)}",
        f"+4930{m.digits(8)}",
    ):
        yield Planted("phone", phone, m.random.choice(["call {} today", "mobile: {}", "Tel. {}"]).format(phone))
    yield Planted("phone", phone := "0170 " + m.digits(7), f"phone: {phone}")


def _persons(m: Maker) -> Iterator[Planted]:
    dni = m.digits(8)
    dni += "TRWAGMYFPDXBNJZSQVHLCKE"[int(dni) % 23]
    ssn = f"{m.random.randint(100, 599)}-{m.random.randint(10, 99)}-{m.random.randint(1000, 9999)}"
    cpf = m.digits(9)
    for weight in (10, 11):
        cpf += str(sum(int(c) * (weight - n) for n, c in enumerate(cpf)) * 10 % 11 % 10)
    cpf = f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}-{cpf[9:]}"
    nir = f"1{m.random.randint(50, 99)}05{m.digits(8)}"
    nir += f"{97 - int(nir) % 97:02d}"
    china = "110105" + "19740523" + m.digits(3)
    china += "10X98765432"[
        sum(int(c) * w for c, w in zip(china, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    ]
    hetu = "130585-" + m.digits(3)
    hetu += "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(hetu[:6] + hetu[7:]) % 31]
    ahv = "756" + m.digits(9)
    ahv += str(-sum(int(c) * (1, 3)[n % 2] for n, c in enumerate(ahv)) % 10)
    ahv = f"{ahv[:3]}.{ahv[3:7]}.{ahv[7:11]}.{ahv[11:]}"
    sweden = m.luhn("850612" + m.digits(3), 10)
    pesel = "850612" + m.digits(4)
    pesel += str(-sum(int(c) * w for c, w in zip(pesel, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True)) % 10)
    for value, line in (
        (dni, "DNI {}"), (ssn, "SSN: {}"), (ssn[::-1].replace("-", "")[:3] and ssn, "his number is {}"), (cpf, "cpf {}"),
        (nir, "secu {}"), (china, "id {}"), (hetu, "hetu {}"), (ahv, "AHV {}"), (f"{sweden[:6]}-{sweden[6:]}", "pnr {}"),
        (pesel, "PESEL: {}"), ("QQ 12 34 56 C".replace("QQ", "AB"), "NI number {}"),
    ):  # fmt: skip
        yield Planted("national id", value, line.format(value))


def _named(m: Maker) -> Iterator[Planted]:
    frames = (
        "export DB_PASSWORD={}", "password: {}", "\"password\": \"{}\"", "PGPASSWORD={} psql", "passwd={}", "--password={}",
        "--password {}", "mysql_pwd = '{}'", "password for admin: {}", "The password is {}", "<password>{}</password>",
        "machine x login y password {}", "ALTER USER a IDENTIFIED BY '{}';", "$env:ADMIN_PASS = \"{}\"", "passphrase: \"{}\"",
        "Passwort: {}", "contraseña: {}", "パスワード: {}", "пароль: {}", "config['password'] = '{}'", "set_password(password='{}')",
    )  # fmt: skip
    for frame in frames:
        secret = m.password()
        yield Planted("password", secret, frame.format(secret))
    for frame in (
        'api_key = "{}"',
        "AUTH_TOKEN={}",
        "client_secret: {}",
        '"accessToken": "{}"',
        "--token {}",
        "x-api-key: {}",
        "secret={}",
        "Authorization: Bearer {}",
        "aws_secret_access_key = {}",
        "PrivateKey = {}=",
        "?access_token={}&x=1",
    ):
        secret = m.token(40)
        yield Planted("secret", secret, frame.format(secret))
    for frame in (
        "PIN: {}",
        "Enter PIN for card: {}",
        "OTP: {}",
        "verification code: {}",
        "Your security code is {}",
        "pin = {}",
    ):
        secret = m.digits(4 if "PIN" in frame or "pin" in frame else 6)
        yield Planted("pin", secret, frame.format(secret))
    yield Planted("pin", cvv := m.digits(3), f"CVV: {cvv}")
    sig = m.token(40) + "%3D"
    yield Planted("sas", sig, f"https://acct.blob.example/c/f?sv=2022-11-02&se=2026-01-01&sr=b&sp=r&sig={sig}")
    amz = m.hex(64)
    yield Planted("sas", amz, f"https://b.s3.example/k?X-Amz-Expires=60&X-Amz-Signature={amz}")
    for shape in (
        "$argon2id$v=19$m=65536,t=3,p=4${}${}",
        "$6${}${}",
        "$2b$12${}{}",
        "pbkdf2_sha256$600000${}${}",
        "$apr1${}${}",
    ):
        first, second = (
            m.of(_ALNUM, 16 if "$6" in shape or "$2b" not in shape else 22),
            m.of(_ALNUM, 43 if "$2b" not in shape else 31),
        )
        if "apr1" in shape:
            first, second = m.of(_ALNUM, 8), m.of(_ALNUM, 22)
        secret = shape.format(first, second)
        yield Planted(
            "hash",
            second,
            m.random.choice(["c.ServerApp.password = 'argon2:{}'", "admin:{}:1000:", "hash {}"]).format(secret),
        )


def _commands(m: Maker) -> Iterator[Planted]:
    for frame in (
        "curl -u admin:{} https://x.example", "mysql -u root -p{} shop", "docker login -u me -p {}", "htpasswd -bc .htpasswd anna {}",
        "htpasswd -nb anna {}", "sshpass -p {} ssh h", "redis-cli -a {} ping", "echo {} | sudo -S ls", "login -u anna -p {}",
        "mongosh -u a -p {} db", "zip -P {} a.zip b", "7z x -p{} a.7z", "openssl aes-256-cbc -pass pass:{} -in a", "az login -u a -p {}",
        "smbclient //h/s -U anna%{}", "ldapsearch -x -D cn=a -w {}", "echo anna:{} | chpasswd", "postgres://anna:{}@db.example/x",
        "https://anna:{}@git.example/a.git", "helm registry login r.example -u a -p {}", "echo {} | docker login --password-stdin",
        "kubectl create secret generic s --from-literal=password={}", "podman login -p={} r.example", "wpa_passphrase home {}",
    ):  # fmt: skip
        secret = m.password().replace("#", "_").replace("?", "_").replace("!", "_")
        yield Planted("argument", secret, f"$ {frame.format(secret)}")


def _addresses(m: Maker) -> Iterator[Planted]:
    for frame in (
        "Author: A <{}>",
        "mail {} now",
        "user.email={}",
        "mailto:{}?x",
        "({})",
        "{}",
        "git config user.email {}",
        "From: {}",
    ):
        address = f"{m.word()}.{m.word()}{m.random.choice(['', '7'])}@{m.word()}.{m.random.choice(['example', 'org', 'de', 'co.uk', 'io'])}"
        yield Planted("address", address, frame.format(address))


def planted(seed: int, rounds: int = 1) -> list[Planted]:
    """Secrets of every kind, `rounds` times over with other characters."""
    makers: tuple[Callable[[Maker], Iterator[Planted]], ...] = (
        _tokens, _numbers, _persons, _named, _commands, _addresses
    )  # fmt: skip
    maker = Maker(seed)
    return [one for _ in range(rounds) for make in makers for one in make(maker)]
