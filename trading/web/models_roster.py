"""What the API takes and gives of the roster of experts: ids that say nothing, and counts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from trading.web.models import IdentityId, Model, Signatures

ExpertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class NewAdmission(Model):
    """`expert-admitted`: ids ascending, each of somebody named and not yet admitted; `sig` is the authority's `by`."""

    experts: Annotated[list[ExpertId], Field(min_length=1, max_length=1000)]
    by: IdentityId
    sig: Signatures


class SpecialtyCount(Model):
    """`experts`: admitted ones with this specialty or one below it."""

    code: str
    parent: str | None
    zh: str
    en: str
    experts: int


class RegionCount(Model):
    region: str
    experts: int


class RosterStatistics(Model):
    """`named` wait for an authority; `on_leave` and `suspended` are of the admitted, now."""

    named: int
    admitted: int
    removed: int
    on_leave: int
    suspended: int
    specialties: list[SpecialtyCount]
    regions: list[RegionCount]
