"""Tortoise's migrations without what only a program that asks would need: a new database is ready in one second, not eight.

Tortoise carries the schema along as model classes and makes all of them anew before every step, with each filter and each
query somebody could ask with. A step that writes a table reads none of that, and almost none reads the schema before it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.migration import Migration
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps


class Executor(MigrationExecutor):
    """Tortoise's, forward only, for migrations that write tables and SQL and never ask a model (tests/test_postgres.py)."""

    async def _project_state(self, applied: set[MigrationKey], *, upto: MigrationKey | None = None) -> State:
        known = {label: config["default_connection"] for label, config in self.loader.apps_config.items()}
        state = _Schema(models={}, apps=_Classes(default_connections=known))
        for key in self._full_plan():
            if key == upto:
                break
            migration = self.loader.graph.nodes[key]
            if key in applied and isinstance(migration, Migration):
                await migration.apply(state, dry_run=True)
        return state


class _Classes(StateApps):
    """Model classes that nobody asks a question with."""

    def _build_initial_querysets(self) -> None:
        return None


class _Schema(State):
    """The schema as far as it has come."""

    def clone(self) -> Any:
        return _Before(self)


class _Before:
    """The schema before a step; its classes are made when somebody looks, which a step that takes a column away does."""

    def __init__(self, now: State) -> None:
        kept = {k: replace(one, options=dict(one.options), fields=dict(one.fields)) for k, one in now.models.items()}
        self._kept = State(models=kept, apps=now.apps)

    def __getattr__(self, name: str) -> Any:
        self.__dict__.update(vars(self._kept.clone()))
        return self.__dict__[name]
