"""What only a whole machine can show: a real systemd, polkit, TPM, boot and power cut. `make test-vm`."""
