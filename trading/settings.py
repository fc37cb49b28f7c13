"""Where things are and how this installation runs: read once from the environment, handed down as a value.

Every setting is `TRADING_<NAME>` in the environment or in a `.env` file of the working directory; `DATABASE_URL` and
`PG_BIN` keep the names other tools give them. Nothing below the edge reads the environment.

A field with `repr=False` is a secret: `trading settings` says that it is set and never what it is (cli/reference.py).
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

TOKEN_LIFE = timedelta(days=90)
"""How long an API token lives unless its issuer says otherwise."""
TOKEN_LIFE_MOST = timedelta(days=366)
DEVICE_LIFE = timedelta(days=400)
"""How long a browser remembers that it is known here: the longest it keeps a cookie."""


class Settings(BaseSettings):
    """The settings of one installation. Spans are seconds of the machine's clock unless a name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="TRADING_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    data: Path = Field(default=Path("data"), description="the directory that holds everything this installation owns")
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    """The address under which others reach this platform; empty: `http://host:port`."""

    # -- the database (trading/postgres.py) --------------------------------------------------------------------------
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL", "TRADING_DATABASE_URL", "database_url"),
        repr=False,
    )
    """The application role's address. None: the embedded server under `data/postgres`."""
    database_owner_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_OWNER_URL", "TRADING_DATABASE_OWNER_URL", "database_owner_url"),
        repr=False,
    )
    """The owner role's address, for `trading migrate` alone; None: `database_url`."""
    pg_bin: Path | None = Field(default=None, validation_alias=AliasChoices("PG_BIN", "TRADING_PG_BIN", "pg_bin"))
    pool_min: int = 1
    pool_max: int = 16

    demo: bool = False
    """Whether `/demo` lets anybody in as somebody with one click: only of a `demo.` log at an address that begins so too."""

    # -- the log (audit/log.md) --------------------------------------------------------------------------------------
    origin: str = "demo.localhost/log"
    beat: float = 1.0
    """Seconds between two beats of the sequencer; stands in record 0 as `beat`."""
    width: int = 8
    """Leaves in a beat; stands in record 0 as `width`."""
    log_key: Path | None = None
    """The log key's file; None: `data/keys/log.pem`."""
    policy: Path | None = None
    parties: Path | None = None
    """The trust files of this log; None: `data/trust/policy.txt` and `data/trust/parties.txt`."""
    witnesses: tuple[str, ...] = ()
    """Addresses of the witnesses, each `name=url`."""

    # -- panels (experts/draw.md) ------------------------------------------------------------------------------------
    reveal_within: float = 1800.0
    """Seconds the parties of a draw have to commit and reveal, where a request for a panel does not say."""

    # -- the experts' vault (experts/vault.py): only the dispatcher and `trading experts` read these files ---------------
    vault_key: Path | None = None
    """The file of the key under which names and numbers of experts rest; None: `data/keys/vault.key`. A web or job process
    needs neither file nor passphrase: give both to the dispatcher's user alone."""
    vault_old_key: Path | None = None
    """The key before it, while a row or an open draw still lies under it (`trading experts rotate-key`)."""

    # -- the edge ----------------------------------------------------------------------------------------------------
    token_pepper: str = Field(default="", repr=False)
    """Mixed into the hashes of API tokens; empty: a random one is kept in `data/keys/pepper`."""
    upload_quota: int = 1 << 30
    """Bytes one bidder may hold in unfinished uploads."""
    paper_quota: int = 20 << 30
    """Bytes one organisation may keep in papers."""

    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Where `trading serve` tells a Prometheus server of itself, on 127.0.0.1 alone; 0: nowhere (trading/metrics.py)."""
    jobs_metrics_port: int = Field(default=0, ge=0, le=65535)
    """The same of `trading jobs`."""

    # -- signing in (trading/signin.py, trading/sessions.py): the machine's clock, never the log's -----------------------
    session_idle: float = 30 * 60.0
    """Seconds without a request after which a session ends."""
    session_most: float = 12 * 3600.0
    """Seconds after which it ends in any case."""
    fresh_for: float = 10 * 60.0
    """Seconds after signing in, or proving again who one is, in which a row with `fresh = true` (roles.toml) lets a session
    pass."""
    invitation_life: float = 7 * 24 * 3600.0
    recovery_life: float = 3600.0
    """How long a one-time code opens anything: an invitation's, and the two halves of a recovery's."""
    two_people: bool = True
    """Whether a row with `two = true` takes a proposal by one and the approval of another person."""
    proposal_life: float = 24 * 3600.0
    passkey_host: str = ""
    """The host passkeys are made for (WebAuthn rp id); empty: that of the public address. Changing it makes all useless."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of the TLS terminators whose headers are believed: who asks (the last X-Forwarded-For) and the certificate.
    Empty: nobody's; the address is the connection's own."""
    client_cert_header: str = ""
    """The header in which such a terminator hands over the client certificate it has verified the possession of, as PEM,
    percent-encoded (nginx `$ssl_client_escaped_cert`); it must clear the header of every request without one. Empty: off."""
    client_ca: Path | None = None
    """A PEM file of the CAs whose certificates may stand in for a code; none without it."""

    # -- letters to bidders' people (trading/posting.py); pages say which channels there are ---------------------------
    post_mail: str = ""
    """What `trading post` hands mails to: smtp, eml (files under `data/post/mail`, for development), or nothing."""
    post_sms: str = ""
    """What it hands short messages to: aliyun_sms, http_generic, file, or nothing."""

    ocds_prefix: str = "ocds-000000"
    """The publisher's prefix, registered with the Open Contracting Partnership; this one is nobody's (trading/ocds.md)."""
    data_licence: str = ""
    """Under which licence the centre gives away its open data, as `/open-data` names it; empty: it has named none, and the
    page says so. Nobody but the centre can grant one."""
    contact: str = ""
    """Whom to tell that something on a page is in one's way, as `/accessibility` and `/help` show it: an address of mail
    or of the web, a telephone number, or words."""

    # -- panels ------------------------------------------------------------------------------------------------------
    panel_work: float = 8 * 3600.0
    """Seconds a panel is given from when all sit, and again each time it is given more; a demonstration's pass faster."""
    report_within: float = 24 * 3600.0
    """Seconds in which a member signs the evaluation report or says why not; then it counts as silent. Likewise."""
    expert_fees: tuple[int, int, int, int] = (4, 50_000, 10_000, 10_000)
    """The declared rule of the members' fees: for so many hours, so many fen; for each further hour; for who came and was
    replaced for a conflict (experts/attendance.py)."""

    @property
    def base_url(self) -> str:
        """The address to print and to hand to witnesses, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def https(self) -> bool:
        """Whether people reach this platform over TLS: then cookies are `__Host-` ones."""
        return self.base_url.startswith("https:")

    @property
    def local(self) -> bool:
        """Whether this is a demonstration or a machine talking to itself: the only places to sign in without TLS."""
        host = urlsplit(self.base_url).hostname or ""
        return self.origin.startswith("demo.") or host in ("localhost", "127.0.0.1", "::1")

    @property
    def passkey_rp(self) -> str:
        """The host passkeys belong to. A bare address is no host to WebAuthn: on 127.0.0.1 it is `localhost`."""
        host = self.passkey_host or urlsplit(self.base_url).hostname or "localhost"
        return "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0") else host

    @property
    def log_key_path(self) -> Path:
        """Where the log's private key lies (PEM, mode 0600)."""
        return self.log_key or self.data / "keys" / "log.pem"

    @property
    def vault_key_path(self) -> Path:
        """Where the dispatcher's vault key lies (a key file behind a passphrase)."""
        return self.vault_key or self.data / "keys" / "vault.key"

    @property
    def policy_path(self) -> Path:
        """The trust policy (C2SP tlog-policy) of this log."""
        return self.policy or self.data / "trust" / "policy.txt"

    @property
    def parties_path(self) -> Path:
        """The parties file (envelope.md §2) of this log."""
        return self.parties or self.data / "trust" / "parties.txt"

    @property
    def log_dir(self) -> Path:
        """Tiles and checkpoint as published; not trusted by anybody."""
        return self.data / "log"

    @property
    def bids_dir(self) -> Path:
        """Sealed bids, by hash."""
        return self.data / "bids"

    @property
    def papers_dir(self) -> Path:
        """Papers that records name, by hash."""
        return self.data / "papers"

    @property
    def printed_dir(self) -> Path:
        """Papers as they were printed, by the hash of what they were made of; can be thrown away."""
        return self.data / "printed"

    @property
    def archives_dir(self) -> Path:
        """Archives, two editions a tender."""
        return self.data / "archives"

    @property
    def witness_urls(self) -> tuple[tuple[str, str], ...]:
        """The witnesses as (name, address)."""
        return tuple((name, url.rstrip("/")) for name, _, url in (w.partition("=") for w in self.witnesses))


@lru_cache(maxsize=1)
def current() -> Settings:
    """The settings of this process, read from its environment on first use."""
    return Settings()
