import pyarrow as pa
import pytest

from drg.tables import neutralise
from drg.tables.derived import without_formulas

TEXTS = ["=1+1", "-2", "+86", "@x", "＝1", " =1", "\t=1", "a\nb", "a=1", "H001", "市医院",
         "\u200b=1", "", "'x", "é", "|", None]  # fmt: skip


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_every_text_is_what_neutralise_makes_of_it(kind):
    column = pa.array(TEXTS, kind)
    table = pa.table({"=a": column, "n": range(len(TEXTS)), "d": column.dictionary_encode()})
    found = without_formulas(table)
    want = [None if text is None else neutralise(text) for text in TEXTS]
    assert found.column_names == ["'=a", "n", "d"]
    assert found.columns[0].to_pylist() == found["d"].to_pylist() == want
    assert found.schema.types == table.schema.types
    assert found["n"].equals(table["n"])
    (batch,) = table.to_batches()
    assert without_formulas(batch).to_pydict() == found.to_pydict()
    empty = table.slice(0, 0)
    assert without_formulas(empty).schema.types == table.schema.types


@pytest.mark.parametrize("text", [*TEXTS, "A b.c-1", "x\x7f", "1\x00"])
def test_one_text_among_plain_ones(text):
    table = pa.table({"a": ["=", "A1", text, "9 B", ""]}).slice(1)
    want = None if text is None else neutralise(text)
    assert without_formulas(table)["a"].to_pylist() == ["A1", want, "9 B", ""]
