"""The two pages for a disk without a network, sealing.html and custodian.html: one file each, made of the modules served.

A page is `web/offline/<name>.html` within `page.html`, with the card of trust that both have, the style sheets, the
catalogue's sentences, and every module that `web/offline/<name>.js` imports, one after another, each in a scope of its
own and otherwise byte for byte as it lies. The same sources give the same bytes on every machine, so its SHA-256 tells
whether a copy is this page; it stands in the log (log.md §1, `tool-published`). Nothing is fetched: the page's own policy
lets it run no other script and connect nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from posixpath import join, normpath

from trading.law.money import WHOLE_UNITS
from trading.messages import catalogue
from trading.web.sayings import details
from trading.web.verify_page import FOLDERS as SERVED

PAGES = ("sealing", "custodian")
HERE = Path(__file__).parent / "web"
FOLDERS = SERVED | {"trading/web/offline": HERE / "offline"}
STYLES = ("static/site.css", "static/desk.css", "offline/offline.css")
SAID = (
    "page.o.",
    "page.b.field.",
    "page.key.",
    "page.stage.",
    "page.role.custodian",
    "E-",
    "K-",
    "C-",
    "VB-",
    "W-FAULT",
)
"""Codes of the sentences a page carries, in both languages."""

IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|function|class)\b)", re.MULTILINE)


def built(name: str) -> bytes:
    """The page of this name, as it is served and saved. KeyError for a page there is not."""
    if name not in PAGES:
        raise KeyError(name)
    return _built(name)


def digest(name: str) -> str:
    """Its SHA-256, hex: what `sha256sum` prints of the file and what the log holds."""
    return hashlib.sha256(built(name)).hexdigest()


@lru_cache(maxsize=len(PAGES))
def _built(name: str) -> bytes:
    script, style = bundle(f"trading/web/offline/{name}.js"), "".join(_text(HERE / path) for path in STYLES)
    told = sorted(catalogue().items())
    words = {
        lang: {**{code: one[lang] for code, one in told if code.startswith(SAID)}, **details(lang)}
        for lang in ("zh", "en")
    }
    given = json.dumps(
        {"words": words, "whole": sorted(WHOLE_UNITS)}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    policy = (
        f"default-src 'none'; script-src '{_sum(script)}'; style-src '{_sum(style)}'; img-src data:; connect-src 'none'; "
        "form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    parts = {
        "policy": policy, "style": style, "script": script, "given": given.replace("<", "\\u003c"),
        "mark": "data:image/svg+xml;base64," + base64.b64encode((HERE / "static/seal.svg").read_bytes()).decode(),
        "trust": _text(HERE / "offline/trust.html").rstrip("\n"),
    }  # fmt: skip
    shell = _text(HERE / "offline/page.html").replace("%%main%%", _text(HERE / f"offline/{name}.html"))
    return re.sub(r"%%(\w+)%%", lambda found: parts[found[1]], shell.replace("%%name%%", name)).encode()


def bundle(entry: str) -> str:
    """The module at this address and all that it imports, as one script. Raises ValueError for what this cannot put
    together: another form of import, a circle, an end tag."""
    order: list[str] = []
    wanted: dict[str, set[str]] = {}
    _follow(entry, order, wanted, ())
    made = []
    for number, path in enumerate(order):
        text = IMPORT.sub(lambda found, at=path: _taken(found, at, order), _text(_file(path)))  # type: ignore[misc]
        text = EXPORT.sub("", text)
        if re.search(r"^(?:import|export)\b", text, re.MULTILINE):
            raise ValueError(f"{path}: an import or export of another form")
        given = ", ".join(sorted(wanted.get(path, set())))
        made.append(
            f"// {path}\n{{\n{text}}}\n" if path == entry
            else f"// {path}\nconst $module{number} = (() => {{\n{text}return {{ {given} }};\n}})();\n"
        )  # fmt: skip
    script = "\n" + "".join(made)
    if re.search(r"</script|<!--", script, re.IGNORECASE):
        raise ValueError(f"{entry}: what would end the script")
    return script


def _follow(path: str, order: list[str], wanted: dict[str, set[str]], above: tuple[str, ...]) -> None:
    if path in above:
        raise ValueError(f"{path}: imports itself")
    for names, source in IMPORT.findall(_text(_file(path))):
        other = normpath(join(path.rpartition("/")[0], source))
        wanted.setdefault(other, set()).update(theirs for theirs, _ in _names(names))
        if other not in order:
            _follow(other, order, wanted, (*above, path))
    order.append(path)


def _names(listed: str) -> list[tuple[str, str]]:
    """[(their name, ours)] of what stands between the braces of an import."""
    found = []
    for part in filter(None, (one.strip() for one in listed.split(","))):
        theirs, _, ours = part.partition(" as ")
        found.append((theirs, ours or theirs))
    return found


def _taken(found: re.Match[str], path: str, order: list[str]) -> str:
    number = order.index(normpath(join(path.rpartition("/")[0], found[2])))
    names = ", ".join(theirs if theirs == ours else f"{theirs}: {ours}" for theirs, ours in _names(found[1]))
    return f"const {{ {names} }} = $module{number};\n"


def _file(path: str) -> Path:
    folder, _, name = path.rpartition("/")
    return FOLDERS[folder] / name


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _sum(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
