"""The table of hospitals: headers, tiers, levels, and what is wrong with a row in one line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget.cases.hospitals import hospitals_of, read_hospitals
from drg.errors import DrgError


def table(**columns):
    return pd.DataFrame(columns)


def test_headers_in_chinese_and_english():
    zh = table(医疗机构代码=["a"], 医疗机构名称=["甲"], 医院级别=["三级"], 等次=["甲等"],
               县区=["东县"], 隶属层级=["县级"], 年度考核得分=["91.5"], 信用得分=["80"],
               违规扣款=["12.34"])  # fmt: skip
    en = table(hospital_id=["a"], hospital_name=["甲"], tier=[3], hospital_class=["甲等"],
               score=[91.5], county=["东县"], level=["county"], credit=[80],
               penalty=[12.34])  # fmt: skip
    for frame in (zh, en):
        held = hospitals_of(frame)
        assert (held.ids, held.names) == (("a",), ("甲",))
        assert held.tier.tolist() == [3]
        assert held.attributes["hospital_class"].tolist() == ["甲等"]
        assert held.attributes["county"].tolist() == ["东县"]
        assert held.attributes["level"].tolist() == ["county"]
        assert (held.score[0], held.credit[0], held.penalty[0]) == (91.5, 80.0, 12.34)


@pytest.mark.parametrize(
    ("text", "tier"),
    [("3", 3), (" 三级 ", 3), ("三", 3), (2, 2), (2.0, 2), ("2.0", 2), ("一级", 1), ("0", 0),
     ("未定级", 0), ("无", 0), ("", -1), (None, -1)],
)  # fmt: skip
def test_tiers(text, tier):
    frame = pd.DataFrame({"hospital_id": ["a"], "tier": pd.Series([text], dtype=object)})
    assert hospitals_of(frame).tier.tolist() == [tier]


def test_what_is_not_said_is_unknown():
    held = hospitals_of(table(hospital_id=["b", "a"]))
    assert held.ids == held.names == ("b", "a")
    assert held.tier.tolist() == [-1, -1]
    assert np.isnan(held.score).all()
    assert np.isnan(held.credit).all()
    assert held.penalty.tolist() == [0.0, 0.0]
    assert set(held.level) == set(held.county) == set(held.hospital_class) == {""}


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (table(hospital_id=["a", "b", "a"]), ["row 3", "stands twice", "a"]),
        (table(hospital_id=["a", " a "]), ["row 2", "stands twice"]),
        (table(hospital_id=["a", ""]), ["row 2", "no id"]),
        (table(hospital_id=["a", None]), ["row 2", "no id"]),
        (table(hospital_id=["a"], tier=["四级"]), ["row 1", "not a tier", "四级", "三级"]),
        (table(hospital_id=["a"], tier=["3.5"]), ["row 1", "not a tier"]),
        (table(hospital_id=["a"], score=["high"]), ["row 1", "score", "high"]),
        (table(hospital_id=["a"], score=[-1]), ["row 1", "score", "-1"]),
        (table(hospital_id=["a"], penalty=["nan"]), ["row 1", "penalty"]),
        (table(hospital_id=["a"], penalty=["1e13"]), ["row 1", "penalty"]),
        (table(name=["a"]), ["no column of hospital ids", "name"]),
        (table(hospital_id=[]), ["no hospital"]),
    ],
)
def test_a_wrong_row_is_one_line(frame, words):
    with pytest.raises(DrgError) as caught:
        hospitals_of(frame)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text


def test_files_count_rows_as_they_stand_in_the_file(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text("hospital_id,tier\na,3\nb,9\n", encoding="utf-8")
    with pytest.raises(DrgError, match=r"h\.csv.*row 3.*tier.*9"):
        read_hospitals(path)
    with pytest.raises(DrgError, match="nothing"):
        read_hospitals(tmp_path / "nothing.csv")


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_the_same_table_in_every_format(tmp_path, ending):
    frame = table(hospital_id=["001", "002"], tier=["3", ""], 名称=["甲", "乙"], score=["90", ""])
    path = tmp_path / f"h.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False, encoding="gb18030")
    elif ending == "parquet":
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    else:
        frame.to_excel(path, index=False, engine="xlsxwriter")
    held = read_hospitals(path)
    assert held.ids == ("001", "002")
    assert held.tier.tolist() == [3, -1]
    assert held.score[0] == 90
    assert np.isnan(held.score[1])


@given(st.lists(st.text(max_size=4), min_size=1, max_size=6), st.text(max_size=3))
def test_any_texts_are_hospitals_or_one_line(ids, text):
    frame = table(hospital_id=ids, tier=[text] * len(ids), level=[text] * len(ids))
    try:
        held = hospitals_of(frame)
    except DrgError as error:
        assert "\n" not in str(error)
        return
    assert len(held) == len(ids)
    assert len(set(held.ids)) == len(ids)
    assert all(held.ids)
