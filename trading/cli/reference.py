"""`trading settings`: every setting there is, from the settings' own classes; what is secret is never printed."""

from __future__ import annotations

import json
import os
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode

from trading.cli.app import app, screen, t
from trading.cli.service import Data, settings
from trading.messages import say

SHELL = (
    "TRADING_LANG", "TRADING_PASSPHRASE", "TRADING_SEAL_PASSPHRASE", "TRADING_TOKEN", "TRADING_URL",
    "TRADING_TRUST_POLICY", "TRADING_TRUST_PARTIES", "TRADING_STATE", "TRADING_SEAT",
)  # fmt: skip
"""What commands read of the environment beside the settings of a process."""
SECRET_WORDS = ("PASSPHRASE", "TOKEN")
SET = "\0set"
SECRET, BY_COMMAS = "secret", "list, by commas"
KINDS = {bool: "true/false", int: "integer", float: "number", str: "text", Path: "path"}


@dataclass(frozen=True)
class Setting:
    """One line of the reference. `room`: which process reads it; `code`: its sentence in the catalogue."""

    name: str
    room: str
    kind: str
    default: str
    secret: bool
    code: str
    aliases: tuple[str, ...] = ()


def reference() -> list[Setting]:
    """Every setting, room by room, in the order of its class."""
    from trading.channels.settings import ChannelSettings
    from trading.dispatching import DispatchSettings
    from trading.settings import Settings

    found = [
        *_of(Settings, "platform", "setting."),
        *_of(DispatchSettings, "dispatch", "setting.dispatch."),
        *_of(ChannelSettings, "channels", "setting.channels."),
    ]
    return found + [
        Setting(name, "shell", "text", "", any(word in name for word in SECRET_WORDS), f"setting.shell.{name}")
        for name in SHELL
    ]


def _of(model: type[BaseSettings], room: str, prefix: str) -> Iterator[Setting]:
    for field, info in model.model_fields.items():
        plain = f"{model.model_config.get('env_prefix', '')}{field}".upper()
        alias = info.validation_alias
        names = (
            [n for n in alias.choices if isinstance(n, str) and n.isupper()] if isinstance(alias, AliasChoices) else []
        )
        first, *others = names or [plain]
        kind = kind_of(info)
        secret = not info.repr or kind == SECRET
        default = "" if secret else written(info.get_default(call_default_factory=True), kind)
        yield Setting(first, room, kind, default, secret, prefix + field, tuple(others))


def kind_of(info: FieldInfo) -> str:
    """The type of a setting, in a word or two."""
    annotation: Any = info.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(one for one in get_args(annotation) if one is not type(None))
    if annotation is SecretStr:
        return SECRET
    if get_origin(annotation) is tuple:
        plain = NoDecode in info.metadata or any(isinstance(one, NoDecode) for one in info.metadata)
        return BY_COMMAS if plain else "list (JSON)"
    if get_origin(annotation) is dict:
        return "map (JSON)"
    return KINDS.get(annotation, "text")


def written(value: Any, kind: str = "") -> str:
    """A value as it would stand in the environment. A secret has no value here."""
    if value is None or isinstance(value, SecretStr) or (isinstance(value, tuple | dict | str) and not value):
        return ""
    if kind == BY_COMMAS:
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def here(listed: Iterable[Setting], models: Mapping[str, BaseModel], environment: Mapping[str, str]) -> dict[str, str]:
    """What each setting is on this machine, by its code; of a secret no more than whether it is set."""
    found = {}
    for one in listed:
        model = models.get(one.room)
        if model is None:
            value: Any = environment.get(one.name, "")
        else:
            value = getattr(model, one.code.rpartition(".")[2])
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        found[one.code] = (SET if value else "") if one.secret else written(value, one.kind)
    return found


def misspelt(environment: Iterable[str], env_file: Path = Path(".env")) -> list[str]:
    """Names that begin like settings and are none: whoever wrote them believes that something is set."""
    known = {name for one in reference() for name in (one.name, *one.aliases)}
    given = {*environment}
    if env_file.is_file():
        lines = env_file.read_text(encoding="utf-8", errors="replace").splitlines()
        given |= {line.removeprefix("export ").partition("=")[0].strip() for line in lines if "=" in line}
    return sorted(n for n in given if n.upper().startswith("TRADING_") and n.upper() not in known)


def markdown(listed: Iterable[Setting], lang: str) -> str:
    """The reference as a page of its own, without a machine's values."""
    lines = [f"# {say('settings.title', lang)}", "", say("settings.intro", lang)]
    room = ""
    for one in listed:
        if one.room != room:
            room = one.room
            heads = [say(f"settings.{head}", lang) for head in ("name", "kind", "default", "meaning")]
            lines += ["", f"## {say(f'settings.room.{room}', lang)}", "", _row(heads), "|---" * len(heads) + "|"]
        kind = say("settings.secret", lang) if one.secret else one.kind
        default = f"`{one.default}`" if one.default else ""
        lines.append(_row([f"`{one.name}`", kind, default, say(one.code, lang)]))
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@app.command("settings", help=t("help.settings"))
def listed(
    data: Data = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help=t("help.settings.markdown"))] = False,
) -> None:
    """List every setting with its value here; `--markdown`: the reference."""
    from trading.channels.settings import ChannelSettings
    from trading.dispatching import DispatchSettings

    shown, lang = reference(), screen().lang
    if as_markdown:
        screen().line(markdown(shown, lang).rstrip("\n"))
        screen().result({"markdown": markdown(shown, lang)})
        return
    models = {"platform": settings(data), "dispatch": DispatchSettings(), "channels": ChannelSettings()}
    values = here(shown, models, os.environ)
    strange = misspelt(os.environ)
    words = {"": say("settings.none", lang), SET: say("settings.is-set", lang)}
    screen().table(
        ["settings.name", "settings.value", "settings.meaning"],
        [[one.name, words.get(values[one.code], values[one.code]), say(one.code, lang)] for one in shown],
    )
    for name in strange:
        screen().say("settings.unknown", name=name)
    screen().result(
        {
            "settings": [
                {
                    "name": o.name, "room": o.room, "type": o.kind, "secret": o.secret, "default": o.default,
                    **({"set": bool(values[o.code])} if o.secret else {"value": values[o.code]}),
                    "zh": say(o.code, "zh"), "en": say(o.code, "en"),
                }
                for o in shown
            ],
            "unknown": strange,
        }
    )  # fmt: skip
