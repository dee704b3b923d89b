"""Readers: where labelled images come from."""
