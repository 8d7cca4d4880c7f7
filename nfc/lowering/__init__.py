"""Network to Plan: a kernel for every factor."""
