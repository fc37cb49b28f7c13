"""The page on top of what the archive office gets: what this is, whose, from when until when, and how to check it. Pure.

One file that any browser shows in thirty years: no script, nothing from elsewhere, both languages beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from trading.law.calendar import LEGAL_ZONE
from trading.messages import EN, ZH, say

Listed = tuple[str, int, str, str]
"""A file of the zip: name, size in bytes, SHA-256 (hex), time of its making (stamp)."""
_STYLE = (
    "body{font:16px/1.7 serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
    "h1{font-size:1.6rem}h1 small,th small,dt small,p small{display:block;font-size:.8em;color:#525c6d;font-weight:400}"
    "dl{display:grid;grid-template-columns:minmax(8rem,auto) 1fr;gap:.4rem 1.2rem}dd{margin:0}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem .4rem 0;"
    "border-bottom:1px solid #cfcabd}td.hash,pre{font:13px/1.6 monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
)


def index_page(about: Mapping[str, Any], listed: Sequence[Listed]) -> bytes:
    """The page. `about` as the zip's own about.json has it; `listed` the files it speaks of."""
    made_by = about["made_by"]
    facts = (
        ("activity", about["activity"]),
        ("tender", about["tender"]),
        ("made-by", f"{made_by['name']}（{made_by['code']}）"),
        ("log", made_by["log"]),
        ("from", _moment(about["from"])),
        ("to", _moment(about["to"])),
        ("kept", "—" if about["kept_until"] is None else f"{about['kept_until']}（{about['kept_by']}）"),
    )
    rows = "".join(
        f'<tr><td><a href="{quote(name)}">{escape(name)}</a></td><td>{_both(f"handover.{_what(name)}")}</td>'
        f'<td>{size:,}</td><td class="hash">{digest}</td></tr>'
        for name, size, digest, _ in listed
    )
    heads = "".join(f"<th>{_both(f'handover.head.{head}')}</th>" for head in ("file", "what", "size", "sha256"))
    terms = "".join(f"<dt>{_both(f'handover.{code}')}</dt><dd>{escape(str(said))}</dd>" for code, said in facts)
    public = next((name for name, *_ in listed if name.endswith(".public.zip")), "")
    return (
        f'<!doctype html>\n<html lang="zh-CN">\n<meta charset="utf-8">\n<title>{escape(about["activity"])}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style>\n'
        f"<h1>{_both('handover.title')}</h1>\n<dl>{terms}</dl>\n"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>\n"
        f"<p>{_both('handover.list')}</p>\n<p>{_both('handover.check')}</p>\n"
        f"<pre>sha256sum {escape(public)}\ntrading verify {escape(public)} --policy policy.txt --parties parties.txt</pre>\n"
    ).encode()


def _both(code: str) -> str:
    return f'{escape(say(code, ZH))}<small lang="en">{escape(say(code, EN))}</small>'


def _what(name: str) -> str:
    return "supervision" if name.endswith(".supervision.zip") else "public"


def _moment(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M:%S} (UTC+8)"
