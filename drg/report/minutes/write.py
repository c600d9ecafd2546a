"""The minutes of a weight negotiation (权重论证谈判会议纪要): page or Word file, and a workbook."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from drg.errors import problem
from drg.language import LANGUAGES
from drg.negotiate.round.act import FINAL, Round
from drg.negotiate.round.folder import own_files
from drg.page.blocks import Report
from drg.page.words import Words
from drg.page.write import check_ending, write_all
from drg.provenance import hash_file
from drg.report.minutes.data import Minutes, collect
from drg.report.minutes.effects import effect_section, simulation_section
from drg.report.minutes.first_page import summary_section, title
from drg.report.minutes.offers import offer_section
from drg.report.minutes.panels import panel_section, vote_section
from drg.report.minutes.proposals import proposal_section, subject_section
from drg.report.minutes.record import record_section, signature_section
from drg.report.minutes.weights import weight_section
from drg.tables import check_outputs, family
from drg.tables.atomic import writing
from drg.tables.held import scratch

_SECTIONS = (summary_section, subject_section, proposal_section, panel_section, vote_section,
             offer_section, weight_section, effect_section, simulation_section, record_section,
             signature_section)  # fmt: skip


class Written(NamedTuple):
    """What was written: page or Word file, workbook, and what is to be known of missing fonts."""

    page: Path
    book: Path
    told: tuple[str, ...]


def write_minutes(round_: Round, out: Path, lang: str = "zh") -> Written:
    """Write the minutes of a round as ``.html`` or ``.docx``, with a workbook beside it.

    Those of a closed round go on record with their hashes, by which they are verified.

    Raises:
        DrgError: the round is damaged, or an output cannot be written.
    """
    check_ending(out)
    inputs = [*own_files(round_.folder), round_.folder / FINAL]
    data = collect(round_)
    if round_.state.closed is None:
        return write(data, out, lang, inputs)
    check_outputs((out, out.with_suffix(".xlsx")), inputs)
    with scratch() as folder:  # on record before they are there
        found = write(data, folder / out.name, lang)
        made = (found.page, found.book)
        round_.record_minutes({one.name: hash_file(one) for one in made})
        with family(out, out.with_suffix(".xlsx")) as new, writing(out):
            for one in made:
                shutil.copyfile(one, new.with_name(one.name))
    return Written(out, out.with_suffix(".xlsx"), found.told)


def write(data: Minutes, out: Path, lang: str = "zh", inputs: Sequence[Path] = ()) -> Written:
    """Write minutes from what they tell; no input is written over.

    Raises:
        DrgError: an output cannot be written.
    """
    if lang not in LANGUAGES:
        raise problem("no such language", key="lang", found=lang, expected="zh or en")
    check_ending(out)
    words, book = Words(lang), out.with_suffix(".xlsx")
    check_outputs((out, book), inputs)
    found = [section for make in _SECTIONS if (section := make(data, words)) is not None]
    _, told = write_all([(out, Report(*title(data, words), found))], book, words)
    return Written(out, book, tuple(told))
