"""Scanning: a file -> ScanResult."""
