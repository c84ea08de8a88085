"""Data sets as they are downloaded, made of phantoms."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import h5py
import itk
import numpy as np
import tifffile

from monai_topo.data import phantoms

SPACING = (0.7, 0.8, 2.5)  # x, y, z
ORIGIN = (-30.0, 12.5, 200.0)  # LPS
STRUCTURES = ("liver", "portalvein", "venacava")


def write_dicom(path, pixels, position=None, intercept=0, direction=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    """One slice, ``(y, x)``; without a position it is a secondary capture."""
    image = itk.image_from_array(pixels[None])
    image.SetSpacing(SPACING)
    image.SetDirection(itk.matrix_from_array(np.array(direction, float)))
    image.SetOrigin(position or (0.0, 0.0, 0.0))
    entries = image.GetMetaDataDictionary()
    if position is not None:
        entries["0008|0060"] = "CT"
    entries["0028|1052"], entries["0028|1053"] = str(intercept), "1"
    entries["0018|0050"] = str(SPACING[2])
    entries["0028|0030"] = f"{SPACING[1]}\\{SPACING[0]}"
    image.SetMetaDataDictionary(entries)
    io = itk.GDCMImageIO.New()
    io.SetKeepOriginalUID(True)
    path.parent.mkdir(parents=True, exist_ok=True)
    named = path.with_name(f"{path.name}.dcm")
    itk.ImageFileWriter[type(image)].New(Input=image, FileName=str(named), ImageIO=io).Update()
    named.replace(path)


def positions(count):
    """From the head down, as patients are often scanned: image_0 lies highest."""
    return [(*ORIGIN[:2], ORIGIN[2] + SPACING[2] * (count - 1 - index)) for index in range(count)]


def write_series(folder, volume, intercept=0, suffix=""):
    """Slices image_0 ... of a volume ``(x, y, z)`` in ascending z."""
    count = volume.shape[2]
    for index, position in enumerate(positions(count)):
        pixels = np.ascontiguousarray(volume[:, :, count - 1 - index].T)
        write_dicom(folder / f"image_{index}{suffix}", pixels, position, intercept=intercept)


def phantom_ct(shape=(20, 14, 12), seed=0):
    """Hounsfield units and masks, ``(x, y, z)``."""
    rng = np.random.default_rng(seed)
    ct = rng.integers(-1000, 1500, shape).astype(np.int16)
    liver = np.zeros(shape, bool)
    liver[4:15, 3:11, 2:10] = True
    portal, cava = np.zeros(shape, bool), np.zeros(shape, bool)
    portal[1:12, 5, 6] = True  # enters the liver from the left
    cava[9, 7, :] = True  # passes through it
    return ct, {"liver": liver, "portalvein": portal, "venacava": cava}


def write_case(folder, ct, masks, suffix=""):
    """A case of 3Dircadb, unpacked."""
    write_series(folder / "PATIENT_DICOM", ct, intercept=-1024, suffix=suffix)
    for name, mask in masks.items():
        write_series(folder / "MASKS_DICOM" / name, mask.astype(np.uint8) * 255, suffix=suffix)


def zip_folder(folder, archive=None, prefix=None):
    """Replace a folder by a zip archive beside it, with the slices in lexical order."""
    archive = archive or folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*"), key=str):
            if path.is_file():
                target.write(path, Path(prefix or folder.name) / path.relative_to(folder))
    shutil.rmtree(folder)


def double_folder(folder):
    """``X`` becomes ``X/X``."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    aside.rename(folder / folder.name)


def affine():
    """RAS affine of the volumes that :func:`write_series` writes."""
    result = np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])
    result[:3, 3] = -ORIGIN[0], -ORIGIN[1], ORIGIN[2]
    return result


def write_stack(path, array):
    """Multipage TIFF of an array ``(z, y, x)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, array, photometric="minisblack")


def phantom_cells(shape=(16, 30, 24), seed=0, **options):
    """Raw intensities, membranes and cell ids, ``(z, y, x)``."""
    phantom = phantoms.membranes(shape, num_cells=6, seed=seed, **options)
    return np.round(255 * phantom.image).astype(np.uint8), phantom.label, phantom.instances


def write_isbi2012(folder, seed=0):
    raw, membranes, _ = phantom_cells(seed=seed)
    write_stack(folder / "train-volume.tif", raw)
    write_stack(folder / "train-labels.tif", np.where(membranes, 0, 255).astype(np.uint8))
    write_stack(folder / "test-volume.tif", raw[:13])
    return raw, membranes


def write_snemi3d(folder, seed=0):
    raw, _, instances = phantom_cells(seed=seed)
    write_stack(folder / "train-input.tif", raw)
    write_stack(folder / "train-labels.tif", instances.astype(np.uint16))
    write_stack(folder / "test-input.tif", raw)
    return raw, instances


def write_isbi2012_hdf5(folder, seed=0):
    raw, membranes, _ = phantom_cells(seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "isbi.h5", "w") as file:
        file["raw"], file["labels/membranes"] = raw, membranes
    return raw, membranes


def write_cremi(folder, shape=(8, 40, 36)):
    """Samples A (cropped), B (padded, with labels of a part) and A+ (without labels); returns arrays by name."""
    folder.mkdir(parents=True, exist_ok=True)
    volumes = {}
    for name in ("sample_A_20160501", "sample_B_padded_20160501", "sample_A+_20160601"):
        raw, _, instances = phantom_cells((12, *shape[1:]), seed=len(volumes))
        ids = instances.astype(np.uint64) + 2**40
        with h5py.File(folder / f"{name}.hdf", "w") as file:
            file["volumes/raw"] = raw
            file["volumes/raw"].attrs["resolution"] = (40.0, 4.0, 4.0)
            if "padded" in name:
                raw, ids = raw[2:10, 3:-2, 4:], ids[2:10, 3:-2, 4:]
            if "+" not in name:
                file["volumes/labels/neuron_ids"] = ids
                file["volumes/labels/neuron_ids"].attrs["resolution"] = (40.0, 4.0, 4.0)
            if "padded" in name:
                file["volumes/labels/neuron_ids"].attrs["offset"] = (80.0, 12.0, 16.0)
        volumes[name] = (raw, None if "+" in name else ids)
    return volumes


def write_neurons(folder, spacing=(0.5, 0.5, 2.0)):
    """Two stacks with straight dendrites, traced in physical units, and one without a tracing."""
    for number in (1, 2, 3):
        stack = np.random.default_rng(number).integers(0, 40, (9, 20, 30)).astype(np.uint8)
        stack[4, 5 + number, 3:25] = 200
        write_stack(folder / f"cell_{number}.tif", stack)
        if number < 3:
            y, z = (5 + number) * spacing[1], 4 * spacing[2]
            lines = [f"1 3 {3 * spacing[0]} {y} {z} 0.4 -1", f"2 3 {24 * spacing[0]} {y} {z} 0.4 1"]
            (folder / f"cell_{number}.swc").write_text("\n".join(lines))


def write_ircadb(folder, numbers=(1, 2, 3)):
    """Zipped cases; returns image and masks of each."""
    cases = {}
    for number in numbers:
        case = folder / f"3Dircadb1.{number}"
        cases[case.name] = phantom_ct(seed=number)
        write_case(case, *cases[case.name])
        zip_folder(case / "PATIENT_DICOM")
        zip_folder(case / "MASKS_DICOM")
    return cases
