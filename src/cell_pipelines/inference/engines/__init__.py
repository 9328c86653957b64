"""Trained networks on other engines than PyTorch: exported once, with the same outputs, and faster or smaller."""
