"""Files to volumes: MONAI readers and the one door they share."""
