"""Every group of the scheme can be reached with the codes that the sample draws."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drg.sample.arrays import join_codes
from drg.sample.comorbidity import (
    ADULT,
    NEWBORN,
    draw_secondary,
    harmless_procedures,
    load_catalogue,
)
from drg.sample.groups import load_groups, read_data
from drg.sample.recipes import load_recipes
from grouper import Grouper, load_scheme


def test_every_drg_is_reached() -> None:
    groups, recipes, catalogue = load_groups(), load_recipes(), load_catalogue()
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(len(groups)), 12)
    recipe = recipes.draw(rng, group)
    level = np.repeat(groups.levels.argmax(axis=1), 12)
    stage = np.where(recipes.newborn[recipe], NEWBORN, ADULT)
    secondary = join_codes(draw_secondary(rng, recipe, level, stage), catalogue.codes)
    young = recipes.newborn[recipe] | recipes.infant[recipe]
    low, high = recipes.weight_low[recipe], recipes.weight_high[recipe]
    weight = np.where(high > 0, high - 1, np.maximum(low, 3000))
    days = np.where(recipes.newborn[recipe], 5, 100)
    first = recipes.diagnosis[recipe] + "|" + recipes.extra[recipe]
    table = pd.DataFrame(
        {
            "diagnoses": pd.Series(first + "|" + secondary).str.replace(r"\|+", "|", regex=True),
            "procedures": recipes.procedures[recipe],
            "sex": np.where(recipes.female[recipe], 2, 1),
            "age": np.where(young, 0, 50),
            "age_days": pd.array(days, "Int64"),
            "birth_weight": pd.array(weight, "Int64"),
        }
    )
    table.loc[~young, ["age_days", "birth_weight"]] = pd.NA
    table["diagnoses"] = table["diagnoses"].str.strip("|")
    found = Grouper().group(table)["drg"].to_numpy()
    wanted = groups.codes[group]
    missed = sorted(set(groups.codes) - set(found[found == wanted]))
    assert missed == []
    assert (found == wanted).all()


def test_codes_are_those_of_the_scheme() -> None:
    scheme, recipes = load_scheme(), load_recipes()
    assert set(load_catalogue().codes) <= set(scheme.diagnosis_names)
    assert len(load_catalogue().codes) == len(read_data("comorbidities.csv"))
    assert set(recipes.diagnosis) <= set(scheme.diagnosis_names)
    done = {code for text in recipes.procedures for code in text.split("|") if code}
    assert done <= set(scheme.procedure_names)


def test_examinations_do_not_group() -> None:
    scheme = load_scheme()
    assert len(harmless_procedures()) >= 8
    assert not set(harmless_procedures()) & set(scheme.grouping_procedures)


def test_groups_are_those_of_the_scheme() -> None:
    scheme = load_scheme()
    assert list(load_groups().codes) == [drg.code for drg in scheme.drgs]
    assert list(load_groups().adrgs) == [drg.adrg for drg in scheme.drgs]
