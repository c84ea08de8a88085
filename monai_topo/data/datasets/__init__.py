"""Layouts of downloads, folds and prepared folders, as MONAI data lists."""
