"""What the tables leave out: groups known only by their members, tables of the base scheme."""

from __future__ import annotations

import re

from grouper.importer.findings import Findings, Place
from grouper.importer.tables import Group, Tables
from grouper.scheme.model import FREE, Scheme

_SPLIT = re.compile(r"[,，;；]?\s*(不?伴|无)[^,，;；]*(并发症|合并症).*$")


def complete(tables: Tables, base: Scheme, findings: Findings) -> None:
    """Fill in groups that have no sheet of their own, and what the base scheme knows."""
    _adrgs(tables, findings)
    _mdcs(tables, base, findings)
    _from_base(tables, base, findings)


def _adrgs(tables: Tables, findings: Findings) -> None:
    if "adrg" not in tables.roles:
        for drg in tables.drgs.values():
            if drg.parent not in tables.adrgs:
                name = _SPLIT.sub("", drg.name)
                parent = f"MDC{drg.parent[0]}"
                tables.adrgs[drg.parent] = Group(drg.parent, name, parent, drg.place)
            elif not tables.adrgs[drg.parent].name:
                tables.adrgs[drg.parent].name = _SPLIT.sub("", drg.name)
        findings.add("names_derived", tables.sheet("drg"), found="ADRG")
        return
    missing = [drg for drg in tables.drgs.values() if drg.parent not in tables.adrgs]
    for drg in missing:
        findings.add("drg_without_adrg", drg.place, drg.code, drg.parent)
        del tables.drgs[drg.code]


def _mdcs(tables: Tables, base: Scheme, findings: Findings) -> None:
    names = {mdc.code: mdc.name for mdc in base.mdcs}
    declared = "mdc" in tables.roles
    for adrg in list(tables.adrgs.values()):
        if adrg.parent in tables.mdcs:
            continue
        if declared:
            findings.add("unknown_mdc", adrg.place, adrg.code, adrg.parent)
            del tables.adrgs[adrg.code]
        else:
            tables.mdcs[adrg.parent] = Group(adrg.parent, "", "", adrg.place)
    if not declared:
        for mdc in tables.mdcs.values():
            mdc.name = mdc.name or names.get(mdc.code, "")
        findings.add("names_derived", tables.sheet("mdc_diagnoses", "adrg", "drg"), found="MDC")
    # What hung on a deleted ADRG has been reported with it.
    tables.drgs = {c: drg for c, drg in tables.drgs.items() if drg.parent in tables.adrgs}
    tables.lists = {k: codes for k, codes in tables.lists.items()
                    if k[0] in tables.adrgs or k[0] in tables.mdcs or k[0] == FREE}  # fmt: skip


def _from_base(tables: Tables, base: Scheme, findings: Findings) -> None:
    if tables.valid is None:
        tables.valid = {c for c in base.grouping_procedures if c in tables.procedures.names}
        findings.add("taken_from_base", Place("分组手术操作"), found=base.id,
                     expected=f"{len(tables.valid):,}")  # fmt: skip
    said = "trauma_sites" in tables.roles or tables.sites
    if not said and "MDCZ" in tables.mdcs:
        known = tables.diagnoses.names
        tables.sites = {c: site for c, site in base.trauma_sites.items() if c in known}
        findings.add("taken_from_base", Place("创伤部位"), found=base.id,
                     expected=f"{len(tables.sites):,}")  # fmt: skip
