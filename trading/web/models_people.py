"""Models of signing in and of acts that take two people: what the API takes and gives of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from trading.web.models import Model, RoleName


class Code(Model):
    """A one-time code, or of a recovery one half of it; in this answer only. The person types it at `/invited`."""

    id: str
    person: str
    code: str
    ends_at: datetime


class Recovery(Model):
    """A recovery that waits for its second half."""

    id: str
    person: str
    proposed_by: str
    ends_at: datetime


class Recoveries(Model):
    items: list[Recovery]


class NewRoles(Model):
    """All the roles a person has from now on."""

    roles: Annotated[list[RoleName], Field(min_length=1, max_length=8)]


class Proposal(Model):
    """An act that takes two people, as the first one asked for it. `body` is that request's; ids of people, no names."""

    id: str
    operation: str
    object: str
    body: Any
    person: str
    role: RoleName
    organisation: str
    proposed_at: datetime
    ends_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    outcome: str | None


class Proposals(Model):
    items: list[Proposal]


class Approved(Model):
    """The proposal, and what the act it was about answered."""

    proposal: Proposal
    answer: dict[str, Any] | None
