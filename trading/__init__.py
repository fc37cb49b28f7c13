"""The market: projects, law, people, money. Ties boxes to panels; web, CLI and jobs live here."""

__version__ = "0.1.0"
