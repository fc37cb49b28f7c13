"""How a paper writes amounts and times: money in digits and in capitals (大写金额), times in the legal zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal

import cn2an

from trading.law.calendar import LEGAL_ZONE
from trading.law.gains import RATE, TOTAL
from trading.law.money import decimal, digits

WAN = 1_000_000
"""万元 in fen."""
Pair = Mapping[str, str]
"""The Chinese and the English of one thing: {"zh", "en"}."""


def amount(fen: int, currency: str) -> dict[str, str]:
    """An amount twice: {"digits": "¥2,910.00", "words": "人民币贰仟玖佰壹拾元整"}; `words` is "" for other money than yuan.

    Below nothing (a correction) it is 负. Fen.
    """
    plain = decimal(abs(fen), currency)
    whole, _, rest = plain.partition(".")
    grouped = f"{int(whole):,}" + (f".{rest}" if digits(currency) else "")
    sign = "-" if fen < 0 else ""
    if currency != "CNY":
        return {"digits": f"{currency} {sign}{grouped}", "words": ""}
    return {"digits": f"{sign}¥{grouped}", "words": "人民币" + ("负" if fen < 0 else "") + _capitals(plain)}


def offered(price: int, currency: str, pricing: str) -> dict[str, str]:
    """What was offered, by the notice's `pricing`: an amount; one for a unit, without capitals, for nobody pays it as it is;
    a rate in per cent. Fen; ten-thousandths."""
    if pricing == RATE:
        return {"digits": f"{price // 100}.{price % 100:02d}%", "words": "费率 · rate"}
    told = amount(price, currency)
    return told if pricing == TOTAL else {"digits": told["digits"], "words": "单价 · unit price"}


def _capitals(plain: str) -> str:
    return str(cn2an.an2cn(plain, "rmb"))


def wan(fen: int, currency: str) -> str:
    """Yuan in 万元, exactly; "" below 10,000 yuan and for other money. Fen."""
    if currency != "CNY" or abs(fen) < WAN:
        return ""
    return f"{Decimal(fen) / WAN:,.6f}".rstrip("0").rstrip(".") + "万元"


def moment(at: datetime) -> dict[str, str]:
    """An instant to the second: 2026年3月2日 09:30:00（北京时间） / 2 March 2026 … UTC+8."""
    local = at.astimezone(LEGAL_ZONE)
    return {
        "zh": f"{local.year}年{local.month}月{local.day}日 {local:%H:%M:%S}（北京时间）",
        "en": f"{local:%Y-%m-%d %H:%M:%S} UTC+8",
    }


def last_moment(over: datetime) -> dict[str, str]:
    """When a period is over: at 24:00 of its last day (民法典第二百零三条), not at 00:00 of the next."""
    local = over.astimezone(LEGAL_ZONE)
    if local.time() != time():
        return moment(over)
    day = (local - timedelta(seconds=1)).date()
    return {"zh": f"{day.year}年{day.month}月{day.day}日 24:00（北京时间）", "en": f"{day:%Y-%m-%d} 24:00 UTC+8"}


def same(text: str) -> dict[str, str]:
    """A text that is the same in both languages: names, codes, hashes."""
    return {"zh": text, "en": ""}
