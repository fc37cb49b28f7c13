"""The roster of experts: admission by an authority's signature, and counts. No key is here and no name."""

from __future__ import annotations

from trading import roster
from trading.web import models as m
from trading.web import models_roster as p
from trading.web.api import LARGE, Call, operation


@operation("GET", "/roster/statistics", answer=p.RosterStatistics)
async def roster_statistics(call: Call) -> p.RosterStatistics:
    """Count the roster by state, specialty and region."""
    found = await roster.statistics()
    return p.RosterStatistics(
        **{**found, "specialties": [p.SpecialtyCount(**one) for one in found["specialties"]],
           "regions": [p.RegionCount(**one) for one in found["regions"]]}
    )  # fmt: skip


@operation("POST", "/roster/admissions", body=p.NewAdmission, answer=m.Recorded, status=201, limit=LARGE)
async def admit_experts(call: Call) -> m.Recorded:
    """Admit named experts to the roster, by an authority's signature (draw.md §1)."""
    new = call.taken(p.NewAdmission)
    sig = [one.plain() for one in new.sig]
    return m.Recorded(**await roster.admit(call.platform, call.caller, new.experts, new.by, sig))
