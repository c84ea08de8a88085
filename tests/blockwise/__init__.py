"""Tests of volumes by blocks."""
