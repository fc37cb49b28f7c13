"""Wang's certificate vouches for his keys on `/b/key`, from a file and by a token, and `/b/org` shows it; in Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from audit.canon import b64
from audit.receipt import Receipt, check_receipt
from audit.signature import Ed25519Signer
from tests.browser.certificates import Authority, chain_file, key_file, token
from tests.browser.office import DONE, PASSPHRASE, Office, office, shoot
from tests.trading.desk import Bidder
from tests.trading.town import Town, town
from trading.settings import Settings
from trading.tools import registration

CA = Authority()


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setattr(Town, "cas", {"CA-1": CA.digest})
    async with town(settings, owner_dsn) as made:
        yield made


async def new_key(wang: Office) -> None:
    """A new key, chosen to be registered by a certificate."""
    page = wang.page
    await wang.go("/b/key")
    await page.fill("#phrase-new", PASSPHRASE)
    await page.fill("#phrase-twice", PASSPHRASE)
    file = await wang.saved("#make button")
    await page.set_input_files("#key", str(file))
    await page.fill("#phrase", PASSPHRASE)
    await page.check("input[name=by][value=certificate]")


async def test_a_certificate_vouches_from_a_file_and_by_a_token(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang:
        page = wang.page
        secret, chain = CA.firm(wang.code)
        _, card = CA.firm(wang.code, rsa.generate_private_key(65537, 2048))
        for name, data in (
            ("chain.pem", chain_file(chain)), ("key.pem", key_file(secret, "钥匙")), ("card.pem", chain_file(card)),
        ):  # fmt: skip
            (tmp_path / name).write_bytes(data)
        await new_key(wang)
        await page.set_input_files("#chain", str(tmp_path / "card.pem"))
        await page.click("#register-go")
        await page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
        assert "neither P-256 nor Ed25519" in await page.inner_text("#wrong")  # said before anything is made of it
        await page.set_input_files("#chain", str(tmp_path / "chain.pem"))
        await page.set_input_files("#secret", str(tmp_path / "key.pem"))
        await page.fill("#secret-phrase", "钥匙")
        assert await page.inner_text("#register-go") == "Sign and register"
        receipt = await wang.saved("#register-go")
        check_receipt(Receipt.parse(receipt.read_bytes()), place.policy)

        await new_key(wang)  # the next one by a token: its key is in no file that the page is given
        await page.set_input_files("#chain", str(tmp_path / "chain.pem"))
        assert await page.inner_text("#register-go") == "Sign and save the request"
        request = await wang.saved("#register-go")
        await page.set_input_files("#signed", str(request))
        await page.click("#bring summary")
        await shoot(page, "key-certificate")
        bytes_ = await wang.saved("#to-sign")
        (tmp_path / "wrong.bin").write_bytes(token(secret, b"something else"))
        (tmp_path / "signature.bin").write_bytes(token(secret, bytes_.read_bytes()))
        await page.set_input_files("#signature", str(tmp_path / "wrong.bin"))
        await page.click("#bring button:not([type])")
        await page.wait_for_selector("#wrong:not([hidden])", timeout=DONE)
        assert "K-CERT-SIG" in await page.inner_text("#wrong")
        await page.set_input_files("#signature", str(tmp_path / "signature.bin"))
        check_receipt(Receipt.parse((await wang.saved("#bring button:not([type])")).read_bytes()), place.policy)

        lines = (await place.call("wang", "GET", "/registrations", 200))["items"]
        assert len(lines) == 2
        for lang, width in (("zh", 1280), ("en", 1280), ("zh", 360), ("en", 360)):
            await page.set_viewport_size({"width": width, "height": 800})
            for path in ("org", "key"):
                await page.goto(f"{wang.address}/b/{path}?lang={lang}")
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, (path, lang, width)
                await shoot(page, f"{path}-{lang}-{width}")
        await page.goto(f"{wang.address}/b/org?lang=en")
        said = await page.inner_text("main")
        assert said.count("certificate in force") == 2 and "江西CA 2" in said
        assert not [told for told in wang.complaints if "404" not in told], wang.complaints


async def test_the_hall_asks_what_wang_says(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang:
        desk, page = wang.desk, wang.page
        signer = Ed25519Signer.generate()
        made, sig = registration.by_authority(place.settings.origin, wang.code, signer, "A-SUP", place.authority)
        await place.call("wang", "POST", "/registrations", 201, {"registration": b64(made), "sig": sig})
        await desk.hand_in(Bidder("wang", wang.code, signer), 9_400_000)
        for name, price in (("li", 9_500_000), ("zhao", 9_900_000)):
            await desk.hand_in(await desk.bidder(name), price)
        await desk.wait()
        await desk.open_boxes()
        await page.goto(f"{wang.address}/b/{desk.tender}/hall?lang=en")
        for lang, width in (("zh", 360), ("zh", 1280), ("en", 1280)):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.goto(f"{wang.address}/b/{desk.tender}/hall?lang={lang}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            await shoot(page, f"hall-says-{lang}-{width}")
        await page.click("#says .btn.main")
        await page.wait_for_selector("#says .note >> text=You confirmed", timeout=DONE)
        await shoot(page, "hall-confirmed")
        assert wang.complaints == []
