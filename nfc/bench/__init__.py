"""Timing: how programs are measured, and networks against their dense twins."""
