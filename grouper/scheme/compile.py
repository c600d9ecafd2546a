"""A scheme compiled to arrays over code integers, kept on disk.

Code integers are those of :class:`drg.cases.codes.CodeIndex`: 0 a blank, i + 1 the i-th code,
n + 1 any unknown text. Arrays here have one entry for each.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from drg.errors import problem
from drg.language import say
from grouper.scheme import cache
from grouper.scheme.model import Adrg, Drg, Header, Mdc, Scheme
from grouper.scheme.pack import load_scheme, pack_hash
from grouper.scheme.program import BITS_PER_WORD, Key, Layout, collect

MOST_TRAUMA_SITES = 30
_KIND = "bin"


@dataclass(frozen=True)
class Arrays:
    """What codes mean, by code integer (n + 2 entries) unless said otherwise.

    Attributes:
        diagnosis_signature: which lists the principal diagnosis stands in.
        procedure_signature: which lists the principal procedure stands in.
        diagnosis_truth: (list, signature) -> membership, for the principal diagnosis.
        procedure_truth: the same for the principal procedure.
        diagnosis_bits: (word, code) bits that a diagnosis in any place makes true.
        diagnosis_later_bits: (word, code) bits that a secondary diagnosis makes true.
        procedure_bits: (word, code) bits that a procedure in any place makes true.
        procedure_later_bits: (word, code) bits that a secondary procedure makes true.
        complication_table: exclusion table of a complication, 0 when the code is none.
        complication_bits: the mcc or cc bit of a complication.
        exclusion_table: table that the code excludes as principal diagnosis, -1 for none.
        trauma_bit: one bit a body site, 0 for none.
        counted: (count, code) -> the list of the layout's n-th count holds the code; diagnoses or
            procedures as the count says, the longer of the two in width.
        in_mdc: signature -> its codes lead to some MDC or ADRG as principal diagnosis.
    """

    diagnosis_signature: npt.NDArray[np.int32]
    procedure_signature: npt.NDArray[np.int32]
    diagnosis_truth: npt.NDArray[np.bool_]
    procedure_truth: npt.NDArray[np.bool_]
    diagnosis_bits: npt.NDArray[np.int64]
    diagnosis_later_bits: npt.NDArray[np.int64]
    procedure_bits: npt.NDArray[np.int64]
    procedure_later_bits: npt.NDArray[np.int64]
    complication_table: npt.NDArray[np.int16]
    complication_bits: npt.NDArray[np.int64]
    exclusion_table: npt.NDArray[np.int16]
    trauma_bit: npt.NDArray[np.int32]
    counted: npt.NDArray[np.bool_]
    in_mdc: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Compiled:
    """A compiled scheme: codes, arrays, and the groups with their rules (without code names)."""

    header: Header
    content_hash: str
    mdcs: tuple[Mdc, ...]
    adrgs: tuple[Adrg, ...]
    drgs: tuple[Drg, ...]
    layout: Layout
    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    arrays: Arrays


def compiled_scheme(scheme: str | PathLike[str]) -> Compiled:
    """The compiled form of a scheme, from the cache when the pack has not changed.

    Raises:
        DrgError: there is no such scheme or its pack has errors.
    """
    content_hash = pack_hash(scheme)
    found = kept_groups(content_hash)
    if found is None:
        found = compile_scheme(load_scheme(scheme))
        cache.keep(content_hash, _KIND, _packed(found))
    return found


def kept_groups(content_hash: str) -> Compiled | None:
    """A scheme that was compiled here before, by the hash of its pack; None when it was not."""
    content = cache.kept(content_hash, _KIND)
    found = None if content is None else _unpacked(content)
    return found if found is not None and found.content_hash == content_hash else None


def compile_scheme(scheme: Scheme) -> Compiled:
    """Turn a scheme into arrays."""
    layout = collect(scheme)
    diagnoses = tuple(sorted(scheme.diagnosis_names))
    procedures = tuple(sorted(scheme.procedure_names))
    ids = (
        {code: i for i, code in enumerate(diagnoses, 1)},
        {code: i for i, code in enumerate(procedures, 1)},
    )
    members = _members(scheme)
    dx_signature, dx_truth = _signatures(layout.principal_lists[0], members, ids[0])
    px_signature, px_truth = _signatures(layout.principal_lists[1], members, ids[1])
    bits = {subject: _bits(layout, subject, members, ids[subject.endswith("procedure")])
            for subject in ("any_diagnosis", "secondary_diagnosis", "any_procedure",
                            "secondary_procedure")}  # fmt: skip
    in_mdc = np.zeros(len(diagnoses) + 2, np.bool_)
    for _, owner, name in layout.principal_lists[0]:
        in_mdc[_positions(members[owner, name], ids[0])] = True
    by_signature = np.zeros(dx_truth.shape[1], np.bool_)
    by_signature[dx_signature[in_mdc]] = True
    arrays = Arrays(
        dx_signature, px_signature, dx_truth, px_truth,
        bits["any_diagnosis"], bits["secondary_diagnosis"],
        bits["any_procedure"], bits["secondary_procedure"],
        *_complications(scheme, ids[0]), _trauma(scheme, ids[0]),
        _counted(layout, members, ids), by_signature,
    )  # fmt: skip
    return Compiled(scheme.header, scheme.content_hash, scheme.mdcs, scheme.adrgs, scheme.drgs,
                    layout, diagnoses, procedures, arrays)  # fmt: skip


Members = Mapping[tuple[str, str], Iterable[str]]


def _members(scheme: Scheme) -> Members:
    return {**scheme.lists, ("", "valid"): scheme.grouping_procedures}


def _positions(codes: Iterable[str], ids: Mapping[str, int]) -> list[int]:
    return [ids[code] for code in codes if code in ids]


def _signatures(
    lists: Sequence[Key], members: Members, ids: Mapping[str, int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Number the distinct sets of lists that codes stand in."""
    held = np.zeros((len(ids) + 2, len(lists)), np.bool_)
    for i, (_, owner, name) in enumerate(lists):
        held[_positions(members[owner, name], ids), i] = True
    packed = np.packbits(held, axis=1) if lists else np.zeros((len(held), 1), np.uint8)
    distinct, signature = np.unique(packed, axis=0, return_inverse=True)
    truth = np.unpackbits(distinct, axis=1)[:, : len(lists)].T.astype(np.bool_)
    return signature.reshape(-1).astype(np.int32), np.ascontiguousarray(truth)


def _bits(
    layout: Layout, subject: str, members: Members, ids: Mapping[str, int]
) -> npt.NDArray[np.int64]:
    bits = np.zeros((layout.words, len(ids) + 2), np.int64)
    for i, (asked, owner, name) in enumerate(layout.bits):
        if asked == subject:
            word, bit = divmod(i, BITS_PER_WORD)
            bits[word, _positions(members[owner, name], ids)] |= 1 << bit
    return bits


def _complications(
    scheme: Scheme, ids: Mapping[str, int]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    names = sorted({*scheme.mcc.values(), *scheme.cc.values(), *scheme.exclusion.values()})
    number = {name: i for i, name in enumerate(names, 1)}
    table = np.zeros(len(ids) + 2, np.int16)
    bits = np.zeros(len(ids) + 2, np.int64)
    for bit, codes in ((1, scheme.mcc), (2, scheme.cc)):
        for code, name in codes.items():
            table[ids[code]], bits[ids[code]] = number[name], bit
    excluded = np.full(len(ids) + 2, -1, np.int16)
    for code, name in scheme.exclusion.items():
        excluded[ids[code]] = number[name]
    return table, bits, excluded


def _trauma(scheme: Scheme, ids: Mapping[str, int]) -> npt.NDArray[np.int32]:
    sites = sorted(set(scheme.trauma_sites.values()))
    if len(sites) > MOST_TRAUMA_SITES:
        raise problem(
            say("创伤部位过多", "too many trauma sites"), key=scheme.id, found=len(sites),
            expected=say(f"至多 {MOST_TRAUMA_SITES}", f"at most {MOST_TRAUMA_SITES}"),
        )  # fmt: skip
    bits = np.zeros(len(ids) + 2, np.int32)
    for code, site in scheme.trauma_sites.items():
        bits[ids[code]] = 1 << sites.index(site)
    return bits


def _counted(
    layout: Layout, members: Members, ids: tuple[Mapping[str, int], Mapping[str, int]]
) -> npt.NDArray[np.bool_]:
    held = np.zeros((len(layout.counts), max(map(len, ids)) + 2), np.bool_)
    for i, (subject, owner, name) in enumerate(layout.counts.values()):
        held[i, _positions(members[owner, name], ids[subject.endswith("procedure")])] = True
    return held


def _packed(compiled: Compiled) -> bytes:
    layout = compiled.layout
    meta = {
        "header": asdict(compiled.header),
        "content_hash": compiled.content_hash,
        "mdcs": [[g.code, g.name, g.rule] for g in compiled.mdcs],
        "adrgs": [[g.code, g.mdc, g.name, g.rule] for g in compiled.adrgs],
        "drgs": [[g.code, g.adrg, g.name, g.rule] for g in compiled.drgs],
        "layout": [layout.principal_lists, layout.bits, layout.cuts, layout.texts, layout.counts],
        "diagnoses": compiled.diagnoses,
        "procedures": compiled.procedures,
    }
    blob = np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), np.uint8)
    packed = io.BytesIO()
    arrays = {field.name: getattr(compiled.arrays, field.name) for field in fields(Arrays)}
    np.savez(packed, meta=blob, **arrays)
    return packed.getvalue()


def _unpacked(content: bytes) -> Compiled | None:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            meta: dict[str, Any] = json.loads(kept["meta"].tobytes())
            arrays = Arrays(**{f.name: kept[f.name] for f in fields(Arrays)})
        principal, bits, cuts, texts, counts = meta["layout"]
        layout = Layout(
            ([_key(k) for k in principal[0]], [_key(k) for k in principal[1]]),
            [_key(k) for k in bits], cuts, texts,
            {name: _key(k) for name, k in counts.items()},
        )  # fmt: skip
        return Compiled(
            Header(**meta["header"]), meta["content_hash"],
            tuple(Mdc(*g) for g in meta["mdcs"]), tuple(Adrg(*g) for g in meta["adrgs"]),
            tuple(Drg(*g) for g in meta["drgs"]), layout,
            tuple(meta["diagnoses"]), tuple(meta["procedures"]), arrays,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None


def _key(parts: Sequence[str]) -> Key:
    subject, owner, name = parts
    return subject, owner, name
