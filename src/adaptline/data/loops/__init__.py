"""Loops over bytes and numbers that numba compiles, each time their sources change."""
