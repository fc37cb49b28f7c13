"""Signatures against vectors that their makers published."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from audit.refusal import Refused
from trading.channels import webhook
from trading.channels.acs3 import Signer, canonical_query


def test_acs3_signs_what_aliyuns_own_example_signs() -> None:
    query = canonical_query(
        {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    )
    headers = Signer("YourAccessKeyId", "YourAccessKeySecret").headers(
        "ecs.cn-shanghai.aliyuncs.com", "RunInstances", "2014-05-26", query,
        date=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC), nonce="3156853299f313e23d1673dc12e1703d",
    )  # fmt: skip
    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_a_query_is_written_as_rfc_3986_has_it() -> None:
    assert canonical_query({"b": "a b+/=", "A": "专", "~": "-_.~*"}) == "A=%E4%B8%93&b=a%20b%2B%2F%3D&~=-_.~%2A"


def test_a_signer_does_not_show_its_secret() -> None:
    assert "hush" not in repr(Signer("id", "hush"))


@pytest.mark.parametrize(
    ("secret", "id", "at", "body", "signature"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}',
         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", 1731705121,
         '{"event_type":"ping","data":{"success":true}}', "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="),
    ],
)  # fmt: skip
def test_standard_webhooks(secret: str, id: str, at: int, body: str, signature: str) -> None:
    raw = base64.b64decode(secret)
    assert webhook.sign(raw, id, at, body.encode()) == signature
    told = {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": f"v1,AAAA {signature}"}
    assert webhook.verify(raw, told, body.encode(), now=at + 299) == id
    for change, code in [
        ({"webhook-id": "other"}, "FORGED"), ({"webhook-timestamp": str(at + 1)}, "FORGED"),
        ({"webhook-signature": "v1,AAAA"}, "FORGED"), ({"webhook-signature": ""}, "FORGED"),
        ({"webhook-signature": signature.removeprefix("v1,")}, "FORGED"), ({"webhook-timestamp": "soon"}, "FORGED"),
        ({"webhook-id": ""}, "FORGED"), ({"webhook-signature": "v1,é"}, "FORGED"),
    ]:  # fmt: skip
        with pytest.raises(Refused) as refused:
            webhook.verify(raw, told | change, body.encode(), now=at)
        assert refused.value.code == f"E-CALLBACK-{code}"
    for now in (at + 301, at - 301):
        with pytest.raises(Refused) as refused:
            webhook.verify(raw, told, body.encode(), now=now)
        assert refused.value.code == "E-CALLBACK-SKEW"


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_MTIz", "whsec_!", "whsec_" + base64.b64encode(bytes(65)).decode()]
)
def test_a_weak_secret_is_refused(secret: str) -> None:
    with pytest.raises(Refused):
        webhook.secret_bytes(secret)
