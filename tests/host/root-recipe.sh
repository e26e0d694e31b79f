#!/bin/bash
# Makes the root file system of a test host in directory $1, from the Debian mirror $2, with the packages $3... besides. Edit it, and the
# next `host prepare` builds anew.
set -euo pipefail
root=$1 mirror=$2

packages=(
    systemd systemd-sysv libpam-systemd dbus dbus-user-session polkitd
    docker.io docker-cli docker-compose docker-registry iptables
    podman                                  # for Quadlet's generator, a peer in the benchmarks
    prometheus                              # scrapes wharfd in a test
    ansible-core python3-apt puppet-agent cloud-init # run the examples of provisioning in a test
    iproute2 ca-certificates curl procps jq socat sqlite3 strace python3-minimal apache2-utils
    busybox-static
    "${@:3}"
)

mmdebstrap --quiet --variant=minbase \
    --aptopt='Acquire::Languages "none"' \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$(IFS=,; echo "${packages[*]}")" \
    "${WHARF_TEST_SUITE:-trixie}" "$root" "$mirror"

# Nothing here is needed by a test, and each costs boot time or fails in a container.
systemctl --quiet --root="$root" mask \
    systemd-modules-load.service systemd-networkd-wait-online.service systemd-firstboot.service \
    systemd-pcrmachine.service systemd-pcrphase.service systemd-random-seed.service systemd-update-utmp.service \
    getty.target console-getty.service getty-static.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer \
    podman.service podman.socket podman-restart.service podman-auto-update.service podman-auto-update.timer \
    podman-clean-transient.service netavark-dhcp-proxy.service netavark-dhcp-proxy.socket \
    prometheus.service puppet.service

systemctl --quiet --root="$root" set-default multi-user.target

# logind starts when it is first asked for, not at boot.
rm -f "$root/usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service"

# Cloud-init takes part in no boot, and in no reload of units, before a test with user data removes this.
mkdir -p "$root/etc/systemd/system-generators"
ln -s /dev/null "$root/etc/systemd/system-generators/cloud-init-generator"

# Everything is up to date: no ldconfig, sysusers or catalogue update at first boot.
touch "$root/etc/.updated" "$root/var/.updated"

# A journal that outlives a reboot, and that can be read from outside.
mkdir -p "$root/var/log/journal"
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nSystemMaxUse=64M\n' >"$root/etc/systemd/journald.conf.d/size.conf"

# Published ports and the registry are on the host's own loopback; there is no outer network.
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
touch "$root/etc/resolv.conf"

# containerd tells of each of its plugins at every start; a journal is for what happens.
printf '[debug]\n  level = "warn"\n' >>"$root/etc/containerd/config.toml"

mkdir -p "$root/etc/docker" "$root/var/lib/docker" "$root/var/lib/containerd"

# The registry of every host: open, on loopback. A test of logins starts a second one, with a password file. Its unit is started
# when it listens, so that what comes next can ask it.
install -d "$root/etc/systemd/system/docker-registry.service.d"
cat >"$root/etc/systemd/system/docker-registry.service.d/ready.conf" <<'UNIT'
[Service]
ExecStartPost=bash -c 'until { : </dev/tcp/127.0.0.1/5000; } 2>/dev/null; do sleep 0.05; done'
UNIT
cat >"$root/etc/docker/registry/config.yml" <<'YAML'
version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: /var/lib/docker-registry }
  delete: { enabled: true }
http:
  addr: 127.0.0.1:5000
YAML
rm -rf "$root/var/lib/docker-registry"
install -d -o "$(awk -F: '$1 == "docker-registry" { print $3 }' "$root/etc/passwd")" \
    -g "$(awk -F: '$1 == "docker-registry" { print $4 }' "$root/etc/passwd")" "$root/var/lib/docker-registry"
