"""Whose personal data are stored and nothing else: somebody asked for deletion while a term still runs (PD-03)."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from trading.tables import Person


class Restriction(Model):
    """One person's data, from the moment it was asked for. The row stays; what it points to is shown to nobody."""

    id = fields.BigIntField(primary_key=True)
    person: fields.OneToOneRelation[Person] = fields.OneToOneField(
        "trading.Person", related_name="restriction", on_delete=fields.RESTRICT
    )
    asked_at = fields.DatetimeField()

    class Meta:
        table = "trading_restriction"
