"""Hostile plugins: a catalogue of attempts, each tried with all walls, and without those that stop it.

Turns an Attempt and the layers to leave out into what happened. An attempt that does not succeed without its walls
proves nothing, so both runs are in real sandboxes: real keeper, zygote, namespaces. Only here are layers left out.
"""
