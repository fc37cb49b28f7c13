"""The law, and nothing else: every rule of the statutes this path needs, as frozen values and pure functions.

Values in, a value or `Refused(code, article)` out, `now` as an argument. A number of days stands in `rules/` and
nowhere else in the house (a test looks). Procedures are `Regime` values side by side in `regimes.py`, never subclasses;
the rules a project was announced under are pinned with it (`rulebook.py`), a change of law is a new dated value.
"""
