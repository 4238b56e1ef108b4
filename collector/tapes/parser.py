"""Reads a tape's tokens as commands. A line's end means nothing in a tape: words decide where a command ends."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import cast

from collector.episodes.tape import COMMANDS, KEYS, KEYWORDS, SETTINGS, Command, TapeError, Verb
from collector.tapes.lexer import Token, tokens
from collector.tapes.patterns import compile_pattern
from collector.tapes.values import MAX_TIMES, decimal, setting_value
from collector.terminal.keys import key_bytes, key_name
from manifests.errors import GoaltraceError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_CTRL_SIGNS = "-@[]^\\"
_MAX_TEXT = 20_000


def parse(text: str, label: str, file: str) -> tuple[list[Command], list[str]]:
    """The commands of a tape's text and remarks on what VHS reads otherwise than it looks.

    Args:
        text: the tape.
        label: the file as the user named it; what a `TapeError` begins with.
        file: the file as the commands name it.
    """
    parser = Parser(text, label, file)
    return parser.commands(), parser.notes


class Parser:
    def __init__(self, text: str, label: str, file: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._label, self._file = label, file
        self.notes: list[str] = []

    def commands(self) -> list[Command]:
        found: list[Command] = []
        while self._peek.kind != "end":
            if self._peek.kind == "comment":
                self._take()
            else:
                found += self._command(self._take())
        return found

    def _command(self, first: Token) -> list[Command]:
        word = first.text if first.kind == "word" else ""
        if word in KEYS:
            return [self._key(first, "Key", KEYS[word])]
        if word in ("ScrollUp", "ScrollDown"):
            return [self._key(first, "Scroll", word.removeprefix("Scroll"))]
        if word in ("Ctrl", "Alt", "Shift"):
            return self._combination(first)
        if word in ("Hide", "Show", "Paste"):
            return [self._made(first, cast(Verb, word))]
        one = {
            "Type": self._type, "Sleep": self._sleep, "Wait": self._wait, "Set": self._set, "Env": self._env,
            "Copy": self._text, "Subtitle": self._text, "Require": self._require, "Output": self._path,
            "Source": self._path, "Screenshot": self._path,
        }.get(word)  # fmt: skip
        if one is not None:
            return [one(first)]
        meant = _meant(word, COMMANDS)
        mend = f"did you mean {meant}?" if meant else "begin each command with its name (Type, Sleep, Enter, ...)"
        if word in ("px", "em"):
            mend = "a size is a number alone"
        if first.kind in ("bad", "sign") and first.text in "\\\"'`":
            mend = "strings have no escapes: use another kind of quote around this one (\"...\", '...', `...`)"
        raise self._error(first, f"{self._shown(first)} is not a command; {mend}")

    def _type(self, first: Token) -> Command:
        seconds = self._at_time()
        return self._text(first, seconds)

    def _text(self, first: Token, seconds: float | None = None) -> Command:
        """One or more strings; VHS puts a space between them, wherever they stand."""
        parts: list[str] = []
        while self._is_text(self._peek):
            token = self._take()
            if token.kind == "word" and token.begins_line:
                self._remark(token, f"a word that is no command is more text of the {first.text} before it")
            elif parts and not token.begins_line:
                self._remark(token, f"a second string in one {first.text}: a space is put between; quotes end strings")
            parts.append(self._closed(token, "types up to the end of the line"))
        if not parts:
            raise self._error(self._peek, f'{first.text} wants a string, as in {first.text} "text"')
        text = " ".join(parts)
        if len(text) > _MAX_TEXT:
            raise self._error(first, f"more than {_MAX_TEXT:,} characters; make several of it")
        return self._made(first, cast(Verb, first.text), text=text, seconds=seconds)

    def _key(self, first: Token, verb: Verb, name: str) -> Command:
        seconds, times = self._at_time(), 1
        if self._peek.kind == "number":
            count = self._take()
            if not count.text.isdecimal() or not 1 <= int(count.text[:9]) <= MAX_TIMES:
                raise self._error(count, f"a count is a whole number from 1 to {MAX_TIMES:,}, not {count.text[:20]}")
            times = int(count.text)
        return self._made(first, verb, text=name, seconds=seconds, times=times)

    def _combination(self, first: Token) -> list[Command]:
        """Ctrl, Alt or Shift, further modifiers, then keys: each is pressed with all the modifiers."""
        modifiers, keys = [first.text.lower()], list[str]()
        last = first
        while self._peek.kind == "sign" and self._peek.text == "+":
            self._take()
            last = self._take()
            if last.text in ("Ctrl", "Alt", "Shift") and last.kind == "word":
                if keys:
                    raise self._error(last, f"{last.text} comes before the key, as in Ctrl+Alt+x")
                modifiers.append(last.text.lower())
            elif last.kind == "word" and last.text in KEYS:
                keys.append(KEYS[last.text])
            elif last.kind == "sign" and last.text in _CTRL_SIGNS:
                keys.append(last.text)
            elif self._is_text(last) and (len(last.text) == 1 or first.text != "Ctrl"):
                keys += self._closed(last, "ends with the line")
            else:
                raise self._error(last, f"{self._shown(last)} cannot be pressed with {first.text}; give one character")
        if not keys:
            raise self._error(last, f"{first.text} wants a key, as in {first.text}+c")
        return [self._made(first, "Key", text=self._named(last, modifiers, key)) for key in keys]

    def _named(self, token: Token, modifiers: list[str], key: str) -> str:
        held = [name for name in ("ctrl", "alt", "shift") if name in modifiers]
        if held == ["shift"] and len(key) == 1:
            return key.upper()
        if len(key) == 1 and key.isascii():  # Ctrl+C and Ctrl+c are one key
            key = key_name(key.lower() if "ctrl" in held else key)
        name = "+".join([*held, key])
        try:
            key_bytes(name)
        except GoaltraceError:
            raise self._error(token, f"no terminal has the key {name}; press another") from None
        return name

    def _sleep(self, first: Token) -> Command:
        return self._made(first, "Sleep", seconds=self._time(first))

    def _wait(self, first: Token) -> Command:
        scope = "Line"
        if self._peek.kind == "sign" and self._peek.text == "+":
            self._take()
            token = self._take()
            if token.text not in ("Line", "Screen"):
                raise self._error(token, f"Wait+ wants Line or Screen, not {self._shown(token)}")
            scope = token.text
        at = self._peek
        seconds = self._at_time()
        if seconds == 0:
            raise self._error(at, "Wait wants more than 0 seconds")
        if self._peek.kind != "regex":
            return self._made(first, "Wait", name=scope, seconds=seconds)
        pattern = self._take()
        text = self._closed(pattern, "is a pattern up to the end of the line")
        self._compiles(pattern, text)
        return self._made(first, "Wait", name=scope + "/", text=text, seconds=seconds)

    def _set(self, first: Token) -> Command:
        setting = self._take()
        if setting.text not in SETTINGS or setting.kind != "word":
            meant = _meant(setting.text, SETTINGS)
            mend = f"did you mean {meant}?" if meant else f"known are: {', '.join(SETTINGS)}"
            raise self._error(setting, f"{self._shown(setting)} is not a setting; {mend}")
        kind, value = SETTINGS[setting.text], self._peek
        if kind == "time":
            return self._made(first, "Set", name=setting.text, text=repr(self._time(setting)))
        self._take()
        if value.kind == "end":
            raise self._error(value, f"Set {setting.text} wants a value")
        if kind == "pattern":
            self._compiles(value, value.text)
        elif kind == "percent" and self._peek.kind == "sign" and self._peek.text == "%":
            self._take()
        self._closed(value, "ends with the line")
        problem, text = setting_value(setting.text, kind, value)
        if problem:
            raise self._error(value, f"Set {setting.text}: {problem}")
        return self._made(first, "Set", name=setting.text, text=text)

    def _env(self, first: Token) -> Command:
        name, value = self._take(), self._take()
        if not name.text.isascii() or not name.text.isidentifier() or name.kind not in ("word", "string"):
            raise self._error(name, f'Env wants a name, as in Env NAME "value", not {self._shown(name)}')
        if not self._is_text(value):
            raise self._error(value, f'Env {name.text} wants a string, as in Env {name.text} "value"')
        return self._made(first, "Env", name=name.text, text=self._closed(value, "ends with the line"))

    def _require(self, first: Token) -> Command:
        program = self._take()
        if not self._is_text(program) or not program.text:
            raise self._error(program, "Require wants a program, as in Require git")
        return self._made(first, "Require", text=program.text)

    def _path(self, first: Token) -> Command:
        path = self._peek
        if not self._is_text(path) or not path.text:
            raise self._error(path, f'{first.text} wants a path; put one that is no plain word in quotes ("...")')
        self._take()
        ending = {"Source": ".tape", "Screenshot": ".png"}.get(first.text, "")
        if not path.text.endswith(ending):
            raise self._error(path, f"{first.text} wants a path that ends in {ending}, not {self._shown(path)}")
        return self._made(first, cast(Verb, first.text), text=self._closed(path, "ends with the line"))

    def _at_time(self) -> float | None:
        if self._peek.kind != "sign" or self._peek.text != "@":
            return None
        return self._time(self._take())

    def _time(self, after: Token) -> float:
        """A number and its unit; seconds when it has none."""
        number = self._peek
        value = decimal(number.text) if number.kind in ("number", "string") else None
        if value is None:
            raise self._error(number, f"a time is wanted after {after.text}, as in 500ms or 2s")
        self._take()
        if self._peek.kind == "word" and self._peek.text in _UNITS:
            value *= _UNITS[self._take().text]
        if value > 86_400:
            raise self._error(number, "longer than a day; give a shorter time")
        return value

    def _compiles(self, token: Token, pattern: str) -> None:
        try:
            compile_pattern(pattern)
        except ValueError as error:
            raise self._error(token, f"the pattern {error}; correct it") from None

    def _is_text(self, token: Token) -> bool:
        if token.kind == "word":
            return token.text not in KEYWORDS and not (token.text == "Home" and token.begins_line)
        return token.kind == "string"

    def _closed(self, token: Token, consequence: str) -> str:
        if not token.closed:
            if token.kind == "json":
                raise self._error(token, "the { is not closed; add the }")
            self._remark(token, f"the closing mark is missing: it {consequence}")
        return token.text

    def _made(self, token: Token, verb: Verb, *, text: str = "", name: str = "", seconds: float | None = None,
              times: int = 1) -> Command:  # fmt: skip
        at = f"{self._file}:{token.line}:{token.column}"
        return Command(verb=verb, at=at, text=text, name=name, seconds=seconds, times=times)

    def _remark(self, token: Token, text: str) -> None:
        self.notes.append(f"{self._file}:{token.line}:{token.column}: {text}")

    def _error(self, token: Token, problem: str) -> TapeError:
        return TapeError(f"{self._label}:{token.line}:{token.column}: {problem}")

    @staticmethod
    def _shown(token: Token) -> str:
        return "the end of the tape" if token.kind == "end" else repr(token.text[:40])

    @property
    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token


def _meant(word: str, known: Iterable[str]) -> str | None:
    """The name that was most likely meant: capital letters count in a tape."""
    names = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), names, n=1, cutoff=0.75)
    return names[close[0]] if close else None
