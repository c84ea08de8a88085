"""Folds are by patient, seeded and complete."""

from __future__ import annotations

import json
import random

import pytest

from monai_topo.data import split_folds

ITEMS = [{"image": f"p{patient}_{scan}.nii", "patient": f"p{patient}"} for patient in range(11) for scan in range(3)]


@pytest.mark.parametrize("num_folds", [2, 3, 5, 11])
def test_every_patient_is_validated_once(num_folds):
    folds = json.loads(json.dumps(split_folds(ITEMS, num_folds, seed=4)))
    assert len(folds) == num_folds
    validated = [item for fold in folds for item in fold["validation"]]
    assert sorted(item["image"] for item in validated) == sorted(item["image"] for item in ITEMS)
    for fold in folds:
        training, validation = ({item["patient"] for item in fold[part]} for part in ("training", "validation"))
        assert not training & validation
        assert len(fold["training"]) + len(fold["validation"]) == len(ITEMS)
        assert len(validation) in (11 // num_folds, -(-11 // num_folds))


def validated(folds):
    return [{item["image"] for item in fold["validation"]} for fold in folds]


def test_the_seed_alone_decides():
    shuffled = random.Random(0).sample(ITEMS, len(ITEMS))
    assert validated(split_folds(ITEMS, seed=1)) == validated(split_folds(shuffled, seed=1))
    assert len({str(sorted(map(sorted, validated(split_folds(ITEMS, seed=seed))))) for seed in range(5)}) == 5


def test_without_patients_images_are_split():
    folds = split_folds([{"image": name} for name in "abcde"], 5)
    assert sorted(map(len, validated(folds))) == [1] * 5


def test_errors():
    with pytest.raises(ValueError, match="num_folds must be at least 2, got 1"):
        split_folds(ITEMS, 1)
    with pytest.raises(ValueError, match="num_folds=12 needs as many patients, the data list has 11"):
        split_folds(ITEMS, 12)
