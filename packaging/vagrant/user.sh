#!/bin/bash
# Runs in the tree of a box, after furnish.sh: the user that Vagrant logs in as. The key lies in the box, so it keeps
# nobody out: a box is for a network of its own.
set -euo pipefail
useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/vagrant
chmod 440 /etc/sudoers.d/vagrant
install -d -o vagrant -g vagrant -m 700 /home/vagrant/.ssh
install -o vagrant -g vagrant -m 600 key.pub /home/vagrant/.ssh/authorized_keys
