"""Fifty instances under calls while exod is killed, and what each kill left of them."""
