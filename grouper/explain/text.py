"""Explanations in words, in Chinese and English, short enough for a doctor at the bedside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from drg.cases.codes import plain_code
from drg.errors import problem
from drg.language import say
from drg.terminal import aligned
from grouper.engine.reasons import INVALID, STATUS_TEXT, reason_text
from grouper.explain.answer import Answer
from grouper.explain.trace import Complication, Tested, Trace, Tried
from grouper.scheme import rules

LANGUAGES = ("zh", "en")
_SUBJECTS = {
    "principal_diagnosis": ("主要诊断", "principal diagnosis"),
    "any_diagnosis": ("诊断", "diagnosis"),
    "secondary_diagnosis": ("其他诊断", "secondary diagnosis"),
    "principal_procedure": ("主要手术操作", "principal procedure"),
    "any_procedure": ("手术操作", "procedure"),
    "secondary_procedure": ("其他手术操作", "secondary procedure"),
}
_PLURAL = {
    "any_diagnosis": "diagnoses",
    "secondary_diagnosis": "secondary diagnoses",
    "any_procedure": "procedures",
    "secondary_procedure": "secondary procedures",
}
_FEATURES = {
    "age": ("年龄", "age", "岁", "years"),
    "age_days": ("日龄", "age in days", "天", "days"),
    "birth_weight": ("出生体重", "birth weight", "克", "g"),
    "admission_weight": ("入院体重", "admission weight", "克", "g"),
    "sex": ("性别", "sex", "", ""),
    "length_of_stay": ("住院天数", "length of stay", "天", "days"),
    "discharge_mode": ("离院方式", "way of discharge", "", ""),
    "icu_hours": ("重症监护", "intensive care", "小时", "hours"),
    "trauma_sites": ("创伤部位数", "injured body sites", "", ""),
    "department": ("科别", "department", "", ""),
}
_OPERATORS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}
_SEXES = {1.0: ("男", "male"), 2.0: ("女", "female")}
_SEVERITY = {
    "mcc": ("有严重并发症或合并症（MCC）", "with a major complication (MCC)"),
    "cc": ("有并发症或合并症（CC）", "with a complication (CC)"),
    "none": ("没有计入的并发症或合并症", "no complication that counts"),
    "": ("", ""),
}


class Writer:
    """Says facts of one case in one language.

    Args:
        lang: ``zh`` or ``en``.
        names: Chinese names of the case's codes.
        trace: the case's trace.

    Raises:
        DrgError: there is no such language.
    """

    def __init__(self, lang: str, names: Mapping[str, str], trace: Trace) -> None:
        if lang not in LANGUAGES:
            raise problem(say("没有这种语言", "no such language"), key="lang", found=lang,
                          expected=say("zh 或 en", "zh or en"))  # fmt: skip
        self.lang = lang
        self.names = names
        self.trace = trace

    def say(self, chinese: str, english: str) -> str:
        """The text in the writer's language."""
        return chinese if self.lang == "zh" else english

    def word(self, pair: tuple[str, ...]) -> str:
        """The Chinese or English half of a pair."""
        return pair[0] if self.lang == "zh" else pair[1]

    def code(self, code: str) -> str:
        """A code with its name."""
        name = self.names.get(code, "")
        if not name:
            return code
        return self.say(f"{code}（{name}）", f"{code} ({name})")

    def codes(self, codes: Iterable[str]) -> str:
        """Several codes with their names."""
        return self.say("、", ", ").join(self.code(code) for code in dict.fromkeys(codes))

    def fact(self, leaf: Tested) -> str:
        """One fact, as it is: what matched, or what was missing."""
        return self._fact(leaf).replace("） ", "）").replace("表 中", "表中")

    def _fact(self, leaf: Tested) -> str:
        rule = leaf.rule
        if isinstance(rule, rules.Const):
            return self.say("没有其他条件", "no further condition") if rule.value else self.say(
                "此组不收病例", "takes no cases")  # fmt: skip
        if isinstance(rule, rules.Member):
            return self._member(rule, leaf)
        if isinstance(rule, rules.Flag):
            return self._flag(rule, leaf)
        if isinstance(rule, rules.Count):
            return self._count(rule, leaf)
        assert isinstance(rule, rules.Compare | rules.OneOf)
        return self._compared(rule, leaf)

    def facts(self, test: Tested) -> str:
        """The facts that decided a rule."""
        said = dict.fromkeys(self.fact(leaf) for leaf in test.leaves())
        return self.say("；", "; ").join(said)

    def _member(self, rule: rules.Member, leaf: Tested) -> str:
        subject = self.word(_SUBJECTS[rule.subject])
        owner, _, name = leaf.place.partition(":")
        place = self.say(f"{owner} 的诊断表", f"the diagnoses of {owner}") if name == "MDC" else (
            leaf.place)  # fmt: skip
        if leaf.holds:
            held = self.codes(leaf.codes)
            return self.say(f"{subject} {held} 在 {place} 中", f"{subject} {held} is in {place}")
        if not rule.subject.startswith("principal"):
            some = _PLURAL[rule.subject]
            return self.say(
                f"{subject}中没有 {place} 的编码", f"no code of {place} among the {some}"
            )
        shown = self._principal(rule.subject)
        if not shown:
            return self.say(f"没有{subject}", f"there is no {subject}")
        return self.say(
            f"{subject} {shown} 不在 {place} 中", f"{subject} {shown} is not in {place}"
        )

    def _count(self, rule: rules.Count, leaf: Tested) -> str:
        subject = self.word(_SUBJECTS[rule.item.subject])
        wanted = f"{_OPERATORS.get(rule.op, rule.op)} {rule.value:g}"
        found = self.say(f"{subject}中 {leaf.place} 的不同编码 {leaf.value:g} 个",
                         f"{leaf.value:g} different codes of {leaf.place} ({subject})")  # fmt: skip
        fits = "满足" if leaf.holds else "不满足", "" if leaf.holds else "not "
        return self.say(f"{found}，{fits[0]} {wanted}", f"{found}, {fits[1]}{wanted}")

    def _principal(self, subject: str) -> str:
        held = self.trace.diagnoses if subject.endswith("diagnosis") else self.trace.procedures
        return (held[0].code or held[0].given) if held else ""

    def _flag(self, rule: rules.Flag, leaf: Tested) -> str:
        if rule.name in ("mcc", "cc"):
            return self._complication(rule.name.upper(), leaf)
        if rule.name == "other_trauma_site":
            held = self.codes(leaf.codes)
            return self.say(f"其他诊断 {held} 在主要诊断以外的创伤部位",
                            f"{held} injures another body site than the principal diagnosis",
                            ) if leaf.holds else self.say(
                "其他诊断中没有主要诊断以外的创伤部位",
                "no secondary diagnosis injures another body site")  # fmt: skip
        subject = rule.name.removesuffix("_valid")
        zh, en = _SUBJECTS[subject]
        if leaf.holds:
            held = self.codes(leaf.codes)
            return self.say(f"{zh} {held} 可用于分组", f"{en} {held} counts as an operation")
        shown = self._principal(subject) if subject.startswith("principal") else ""
        if shown:
            return self.say(
                f"{zh} {shown} 不用于分组", f"{en} {shown} does not count as an operation"
            )
        return self.say(f"没有可用于分组的{zh}", f"no {en} that counts as an operation")

    def _complication(self, level: str, leaf: Tested) -> str:
        if leaf.holds:
            held = self.codes(leaf.codes)
            return self.say(f"{level} {held} 计入", f"{level} {held} counts")
        excluded = [c for c in self.trace.complications if c.level == level]
        if not excluded:
            return self.say(f"没有 {level}", f"there is no {level}")
        held = self.codes(c.code for c in excluded)
        return self.say(f"{level} {held} 被排除", f"{level} {held} is excluded")

    def _compared(self, rule: rules.Compare | rules.OneOf, leaf: Tested) -> str:
        zh, en, zh_unit, en_unit = _FEATURES[rule.feature]
        name = self.say(zh, en)
        if leaf.value is None:
            return self.say(f"{name}缺失", f"{name} is missing")
        value = self._value(rule.feature, leaf.value)
        unit = self.say(zh_unit, f" {en_unit}".rstrip())
        if isinstance(rule, rules.Compare):
            wanted = f"{_OPERATORS.get(rule.op, rule.op)} {self._value(rule.feature, rule.value)}"
        else:
            wanted = "∈ {" + ", ".join(self._value(rule.feature, v) for v in rule.values) + "}"
        if leaf.holds:
            return self.say(
                f"{name} {value}{unit}，满足 {wanted}", f"{name} {value}{unit} {wanted}"
            )
        return self.say(
            f"{name} {value}{unit}，不满足 {wanted}", f"{name} {value}{unit}, not {wanted}"
        )

    def _value(self, feature: str, value: float | str) -> str:
        if isinstance(value, str):
            return value
        if feature == "sex" and value in _SEXES:
            return self.word(_SEXES[value])
        return f"{value:g}"

    def why_counts(self, found: Complication) -> str:
        """Whether a complication counts, and if not which table excludes it."""
        if found.counts:
            return self.say("计入", "counts")
        principal = self.trace.diagnoses[0].code
        return self.say(
            f"不计入：被主要诊断 {principal} 的排除表 {found.table} 排除",
            f"excluded: the principal diagnosis {principal} excludes table {found.table}",
        )


def render(found: Answer, lang: str, *, everything: bool = False) -> str:
    """An explanation as text: the answer, the path to it, complications, what was not entered.

    Args:
        found: the explanation.
        lang: ``zh`` or ``en``.
        everything: name every group that was tried.
    """
    writer = Writer(lang, found.names(), found.trace)
    parts = [_answer(found, writer), _path(found, writer)]
    if found.status != INVALID:
        parts += [_complications(found, writer), _tried(found, writer, everything)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _answer(found: Answer, writer: Writer) -> list[str]:
    status = writer.say(STATUS_TEXT[found.status][0], found.status)
    title = f"{found.drg}  {found.name or status}"
    if found.case.case_id:
        title = f"{found.case.case_id}: {title}"
    severity = writer.word(_SEVERITY[found.severity]) if found.path else ""
    lines = [title]
    said = [status, severity, found.machinery.scheme.id]
    lines.append("  " + writer.say("，", ", ").join(part for part in said if part))
    if found.reason:
        lines.append(
            f"  {writer.say('说明：', 'note: ')}{reason_text(found.reason, lang=writer.lang)}"
        )
    for kind, codes in (
        (writer.say("未知诊断编码", "unknown diagnosis"), found.trace.diagnoses),
        (writer.say("未知手术操作编码", "unknown procedure"), found.trace.procedures),
    ):
        if unknown := [c.given for c in codes if c.given and not c.code]:
            lines.append(f"  {kind}{writer.say('：', ': ')}{', '.join(unknown)}")
    for code in (*found.trace.diagnoses, *found.trace.procedures):
        if code.code and plain_code(code.given) != plain_code(code.code):
            how = writer.say("编码换算：", "converted: ")
            lines.append(f"  {how}{code.given} -> {writer.code(code.code)}")
    for column, value, why in found.bad:
        what = writer.say("无法识别的值：", "value that cannot be read: ")
        lines.append(f"  {what}{column} = {value!r}; {writer.word(why)}")
    return lines


def _path(found: Answer, writer: Writer) -> list[str]:
    if not found.path:
        return []
    lines = [writer.say(f"为什么进入 {found.drg}", f"Why {found.drg}")]
    widest = max(len(step.code) for step in found.path)
    for step in found.path:
        lines.append(f"  {step.code:<{widest}}  {step.name}")
        lines.append(f"  {'':<{widest}}  - {writer.facts(step.test)}")
    return lines


def _complications(found: Answer, writer: Writer) -> list[str]:
    listed = found.trace.complications
    title = writer.say("并发症与合并症", "Complications")
    if not listed:
        return [f"{title}{writer.say('：其他诊断中没有 MCC 或 CC', ': no MCC or CC among the secondary diagnoses')}"]  # fmt: skip  # noqa: E501
    rows = [(c.code, c.level, writer.say(f"排除表 {c.table}", f"table {c.table}"),
             writer.why_counts(c), c.name) for c in dict.fromkeys(listed)]  # fmt: skip
    return [title, *columns(rows)]


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as indented lines, in columns."""
    return [f"  {line}" for line in aligned(rows)]


def _tried(found: Answer, writer: Writer, everything: bool) -> list[str]:
    """The groups that were tried in vain: those the case came near, and a count of the others."""
    taken = {step.code for step in found.path}
    lines, far_adrgs, far_mdcs, untried = [], 0, 0, 0
    for mdc in found.tried:
        if not mdc.test.holds:
            far_mdcs += not mdc.near
            if everything or mdc.near:
                lines.append(_why_not(mdc, writer))
            continue
        if mdc.code not in taken:
            lines.append(_in_vain(mdc, writer))
        else:
            untried = mdc.size - len(mdc.inside)
        for adrg in mdc.inside:
            if not adrg.test.holds and not adrg.near:
                far_adrgs += 1
                if not everything:
                    continue
            if not adrg.test.holds:
                lines.append(_why_not(adrg, writer))
                continue
            lines += [_why_not(drg, writer) for drg in adrg.inside if not drg.test.holds]
    lines += _counts(writer, far_adrgs, far_mdcs, untried)
    return [writer.say("试过而没有进入", "Tried and not entered"), *lines] if lines else []


def _why_not(step: Tried, writer: Writer) -> str:
    return f"  {step.code}  {step.name}{writer.say('：', ': ')}{writer.facts(step.test)}"


def _in_vain(mdc: Tried, writer: Writer) -> str:
    why = writer.facts(mdc.test)
    return f"  {mdc.code}  {mdc.name}" + writer.say(
        f"：{why}，但不符合其中任何组", f": {why}, but none of its groups fits"
    )


def _counts(writer: Writer, adrgs: int, mdcs: int, untried: int) -> list[str]:
    said = []
    if adrgs:
        said.append(writer.say(f"{adrgs} 个 ADRG 的列表中没有本病例的编码",
                               f"ADRGs that list none of the case's codes: {adrgs}"))  # fmt: skip
    if mdcs:
        said.append(writer.say(f"{mdcs} 个 MDC 的条件不成立",
                               f"MDCs whose conditions do not hold: {mdcs}"))  # fmt: skip
    if untried:
        said.append(writer.say(f"排在后面的 {untried} 个 ADRG 不再尝试",
                               f"ADRGs further down, not tried: {untried}"))  # fmt: skip
    if not said:
        return []
    return [writer.say("  另外：", "  besides: ") + writer.say("；", "; ").join(said)]
