"""The roster at the shell: the operator imports, an authority admits on paper, and nobody else ever sees a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audit.canon import canon, parse
from tests.cli.platform import PASSPHRASE, Platform, Said, trading
from tests.experts.people import firm, identity
from tests.experts.test_import import HEAD, LI, WANG, table
from trading.demo.cast import ORIGIN
from trading.keyfiles import KeyFile, new_vault, write

pytestmark = pytest.mark.slow
Type = Callable[..., Said]


@pytest.fixture
def dispatcher(running: Platform, tmp_path: Path) -> Type:
    """`trading experts …` as the dispatcher's operator types it."""
    key = running.story.home / "vault" / "test.key"
    if not key.exists():
        key.parent.mkdir(exist_ok=True)
        new_vault(key, "dispatcher", ORIGIN, PASSPHRASE, iterations=1000)
    env = {**running.story.environment, "TRADING_VAULT_KEY": str(key)}
    return lambda *words, **more: trading("experts", *words, env={**env, **more.pop("env", {})}, **more)


def test_a_roster_from_the_file_to_the_admission(running: Platform, dispatcher: Type, tmp_path: Path) -> None:
    tree = table(
        tmp_path / "tree.csv", ["a08", "", "机电", ""], ["a0801", "a08", "电梯", "lifts"], ["b01", "", "信息", ""],
        head=["代码", "上级", "名称", "英文名称"],
    )  # fmt: skip
    assert dispatcher("specialties", tree).value["taken"] == 3
    assert dispatcher("specialties", tree).value["taken"] == 0
    file = table(tmp_path / "experts.xlsx", WANG, LI, ["", "1", "2", "zz", "x"], ["=1+1", *WANG[1:]])
    dry = dispatcher("import", file, "--dry-run")
    assert dry.code == 0 and (dry.value["taken"], dispatcher("list").value["named"]) == (2, 0), dry.err
    report = tmp_path / "report.csv"
    done = dispatcher("import", file, "--report", report)
    assert done.code == 0 and (done.value["taken"], done.value["known"]) == (2, 0), done.err
    told = {(one["line"], one["column"], one["why"]) for one in done.value["rejected"]}
    assert {(4, "name", "missing"), (4, "identity", "identity"), (5, "name", "formula")} <= told
    assert "no identity number" in report.read_text("utf-8-sig") and "王小明" not in report.read_text("utf-8-sig")
    again = dispatcher("import", file)
    assert (again.value["taken"], again.value["known"]) == (0, 2)
    chinese = trading("experts", "import", file, "--lang", "zh", env={
        **running.story.environment, "TRADING_VAULT_KEY": str(running.story.home / "vault" / "test.key")})  # fmt: skip
    assert "已在专家库中" in chinese.out
    broken = table(tmp_path / "broken.csv", WANG, head=["x", *HEAD[1:]])
    assert "E-TABLE-COLUMNS" in dispatcher("import", broken).err

    # Looking: by keyed hash, and a look at who it is leaves a record.
    (wang,) = dispatcher("find", "--phone", WANG[1]).value["experts"]
    found = dispatcher("find", "--identity", "-", "--show", answers=f"{WANG[2]}\n")
    assert found.code == 0 and found.value["people"][0]["name"] == "王小明", found.err
    assert "E-EXPERT-NONE" in dispatcher("find", "--phone", "13911111111").err
    unfit = dispatcher("find", "--identity", "110105194912310021")
    assert "E-EXPERT-VALUE" in unfit.err and "110105194912310021" not in unfit.err

    # Admission: ids on paper, an authority's key, and the platform checks.
    paper, authority = tmp_path / "admission.json", running.story.cast.authorities[0]
    assert dispatcher("draft-admission", "--out", paper).value["experts"] == 2
    assert "王小明" not in paper.read_text() and wang in paper.read_text()
    env = {"TRADING_URL": running.url, "TRADING_TOKEN": running.story.market.tokens["operator"]}
    assert "T-ADMISSION" in trading("experts", "send-admission", paper, env=env).err  # nobody signed
    key = tmp_path / "authority.key"
    write(key, KeyFile("identity", authority.id, ORIGIN, authority.private), PASSPHRASE, iterations=1000)
    signed = trading("experts", "sign-admission", paper, "--key", key)
    assert signed.code == 0 and signed.value["by"] == authority.id, signed.err
    assert "T-ADMISSION" in trading("experts", "sign-admission", paper, "--key", key).err
    changed, content = tmp_path / "changed.json", parse(paper.read_bytes())
    content["admissions"][0]["experts"].pop()
    changed.write_bytes(canon(content))
    assert "T-ADMISSION" in trading("experts", "send-admission", changed, env=env).err
    sent = trading("experts", "send-admission", paper, env=env)
    assert sent.code == 0 and sent.value["experts"] == 2, sent.err
    assert trading("experts", "send-admission", paper, env=env).value == sent.value  # the same again is harmless
    assert "T-ADMISSION" in dispatcher("draft-admission", "--out", paper).err  # nobody waits any more
    counts = running.story.market.as_("operator").get("/roster/statistics")
    assert counts["admitted"] == 2 and "王" not in str(counts["regions"])

    # What changes.
    for words in (("leave", wang, "--from", "2020-01-01", "--until", "2099-01-01"), ("suspend", wang),
                  ("suspend", wang, "--end"), ("assess", wang, "2026", "90"), ("credit", wang, "80")):  # fmt: skip
        assert dispatcher(*words).code == 0, words
    assert dispatcher("list").value["on_leave"] == 1
    assert "E-SCORE" in dispatcher("assess", wang, "2026", "101").err
    corrected = dispatcher("correct", wang, "phone", answers="139 0000 0077\n")
    assert corrected.code == 0 and dispatcher("find", "--phone", "13900000077").value["experts"] == [wang]
    assert "E-EXPERT-KNOWN" in dispatcher("correct", wang, "phone", answers=f"{LI[1]}\n").err
    assert "E-EXPERT-VALUE" in dispatcher("correct", wang, "employers", answers="某公司\n").err
    assert dispatcher("correct", wang, "specialties", answers="b01\n").value["what"] == "classified"
    assert dispatcher("correct", wang, "code").code == 0

    # Another key: everything is found again, and the old one opens nothing.
    old, new = running.story.home / "vault" / "test.key", running.story.home / "vault" / "new.key"
    new_vault(new, "dispatcher", ORIGIN, PASSPHRASE, iterations=1000)
    assert "E-VAULT-KEY" in dispatcher("rotate-key", env={"TRADING_VAULT_KEY": str(new)}).err
    rotated = dispatcher("rotate-key", "--old", old, env={"TRADING_VAULT_KEY": str(new)})
    assert rotated.code == 0 and (rotated.value["experts"], rotated.value["waiting"]) == (2, 0), rotated.err
    assert "E-EXPERT-NONE" in dispatcher("find", "--phone", "13900000077").err
    third = table(tmp_path / "third.csv", ["张三", "13900000003", identity(3), "b01", f"{firm(3)} 2020-01-01~"])
    assert "E-VAULT-OLD" in dispatcher("import", third).err
    with_new = {"TRADING_VAULT_KEY": str(new)}
    assert dispatcher("find", "--phone", "13900000077", "--show", env=with_new).value["people"][0]["name"] == "王小明"
    assert dispatcher("remove", wang, "--yes").code == 0
    assert "E-EXPERT-REMOVED" in dispatcher("leave", wang).err


def test_a_vault_key_is_a_file_like_the_others_and_no_other_key_will_do(
    running: Platform, dispatcher: Type, tmp_path: Path
) -> None:
    path = tmp_path / "vault.key"
    made = trading("keys", "new", "vault", "--id", "dispatcher", "--origin", ORIGIN, "--out", path)
    assert made.code == 0 and len(made.value["public"]) == 16 and path.stat().st_mode & 0o077 == 0, made.err
    assert trading("keys", "check", path).code == 0
    assert "K-PASSPHRASE" in trading("keys", "check", path, env={"TRADING_PASSPHRASE": "wrong"}).err
    assert trading("keys", "show", path).value["kind"] == "vault"
    foreign = tmp_path / "foreign.key"
    new_vault(foreign, "dispatcher", "demo.elsewhere/log", PASSPHRASE, iterations=1000)
    custodian = tmp_path / "identity.key"
    member = running.story.cast.authorities[0]
    write(custodian, KeyFile("identity", member.id, ORIGIN, member.private), PASSPHRASE, iterations=1000)
    for file, code in ((foreign, "K-ORIGIN"), (custodian, "K-KIND"), (tmp_path / "none", "K-MISSING")):
        assert code in dispatcher("find", "--phone", "13900000001", env={"TRADING_VAULT_KEY": str(file)}).err
    assert "K-KIND" in trading("experts", "sign-admission", _paper(tmp_path), "--key", path).err


def _paper(folder: Path) -> Path:
    from trading.tools import admission

    path = folder / "paper.json"
    path.write_bytes(admission.write(admission.draft(["0" * 32])))
    return path
