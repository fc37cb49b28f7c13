"""Years of holidays that were imported: one file each under `<data>/calendar`, read by every process when it is asked.

A process says once where they lie (`know`); a year imported later, by whatever process, is known at the next question.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from audit.refusal import Refused
from trading.law import calendar
from trading.law.calendar import BUILT_IN, LARGEST, Year, read_year

FOLDER = "calendar"


class Years(Mapping[int, Year]):
    """The imported years of a data directory. A file is read again when it has changed."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER
        self._read: dict[int, tuple[tuple[int, int, int], Year]] = {}

    def path(self, year: int) -> Path:
        """Where a year is kept."""
        return self.folder / f"{year:04}.json"

    def __getitem__(self, year: int) -> Year:
        """A year. Raises KeyError for one nobody imported, Refused E-CALENDAR-FILE for a file that was spoilt."""
        path = self.path(year)
        try:
            told = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(year) from None
        mark = (told.st_mtime_ns, told.st_size, told.st_ino)
        if year not in self._read or self._read[year][0] != mark:
            found = read_year(path.read_bytes(), str(path))
            if found.year != year:
                raise Refused("E-CALENDAR-FILE", file=str(path), line="-", why="another year")
            self._read[year] = (mark, found)
        return self._read[year][1]

    def __iter__(self) -> Iterator[int]:
        """The years there are, in order."""
        return iter(sorted(int(path.stem) for path in self.folder.glob("[0-9][0-9][0-9][0-9].json")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def know(data: Path) -> Years:
    """Say in this process where imported years lie. The server, the jobs and the commands each do so once."""
    years = Years(data)
    calendar.use(years)
    return years


def import_file(data: Path, path: Path) -> tuple[Year, bool]:
    """Import a file of one year: the year, and whether it is new.

    All or nothing. Raises Refused E-CALENDAR-FILE (a broken file, with the line), E-CALENDAR-KNOWN (the year is known
    with other days, of which the first is named). The same year once more changes nothing.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise Refused("E-CALENDAR-FILE", file=str(path), line="-", why=error.strerror or "unreadable") from None
    year = read_year(content, path.name)
    years = Years(data)
    held = calendar.known(year.year) if year.year in BUILT_IN else years.get(year.year)
    if held is not None:
        if not held.same_days(year):
            day = next(d for d in year.days() if held.is_working_day(d) != year.is_working_day(d))
            raise Refused("E-CALENDAR-KNOWN", year=year.year, day=day, source=held.source)
        return held, False
    years.folder.mkdir(parents=True, exist_ok=True)
    kept = years.path(year.year)
    part = kept.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(year.bytes())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, kept)  # never over a year that another process imported meanwhile
        except FileExistsError:
            if not years[year.year].same_days(year):
                raise Refused("E-CALENDAR-KNOWN", year=year.year, day="", source=years[year.year].source) from None
            return years[year.year], False
    finally:
        part.unlink(missing_ok=True)
    return year, True
