"""What systemd says of our unit's job, by a stand-in for systemd on a private bus."""

