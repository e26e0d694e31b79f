#!/bin/bash
# Makes a root file system of root-recipe.sh, in directory $1, that of a virtual machine.
set -euo pipefail
root=$1

# Only what the disk needs: a smaller image is unpacked sooner.
echo MODULES=list >"$root/etc/initramfs-tools/conf.d/wharf-test"
printf '%s\n' virtio_pci virtio_blk ext4 >>"$root/etc/initramfs-tools/modules"
mount -t proc proc "$root/proc"
chroot "$root" update-initramfs -u
umount "$root/proc"

# The one way in.
cat >"$root/etc/ssh/sshd_config.d/wharf-test.conf" <<'TEXT'
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
PrintMotd no
MaxSessions 100
TEXT
cat >"$root/etc/systemd/system/wharf-test-net.service" <<'TEXT'
[Unit]
Description=The network of QEMU
DefaultDependencies=no
BindsTo=sys-subsystem-net-devices-eth0.device
After=sys-subsystem-net-devices-eth0.device
Before=network.target ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip address add 10.0.2.15/24 dev eth0
ExecStart=ip link set eth0 up

[Install]
WantedBy=multi-user.target
TEXT
systemctl --quiet --root="$root" enable wharf-test-net.service ssh.service

# Everything is up to date: no ldconfig at first boot.
touch "$root/etc/.updated" "$root/var/.updated"
