"""The names of the texts, and where the test of a row stands."""

from __future__ import annotations

CIVIL = "民法典"
BIDDING = "招标投标法"
DETAIL = "招标投标法实施条例"
BUYING = "政府采购法"
BUYING_DETAIL = "政府采购法实施条例"
E_TENDER = "电子招标投标办法"
ORDER87 = "财政部令87号"
AUCTION = "拍卖法"
STATE_ASSETS = "企业国有资产法"
LAND = "土地管理法实施条例"
MINERALS = "矿产资源法"
SIGNATURES = "电子签名法"
PERSONAL = "个人信息保护法"
ARCHIVES = "档案法"
NINGBO = "宁波市公共资源交易管理条例"
PUYANG = "濮阳市公共资源交易管理条例"
CHONGQING = "重庆市招标投标条例"
SOURCE = "来源"

_FILES = {"CL": "calendar", "WK": "works", "OP": "platform", "GP": "gov"} | dict.fromkeys(
    ("AU", "PR", "LD", "MN"), "sales"
)


def row(id: str) -> str:
    """Where the test of one of the 114 rows stands: one function a row, its id in the name."""
    return f"tests/law/rows/test_{_FILES.get(id[:2], 'local')}.py::test_{id.lower().replace('-', '_')}"


def further(id: str) -> str:
    """Where the test of a rule stands that is none of the 114."""
    return f"tests/law/test_further.py::test_{id.lower().replace('-', '_')}"
