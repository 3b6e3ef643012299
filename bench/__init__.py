"""Figures of exod beside peers that do a part of the same job, from one run on one machine: `python -m bench`.

Peers are interleaved with exod, so that a noisy minute hurts both. Nothing here judges alone: compare ratios.
"""
