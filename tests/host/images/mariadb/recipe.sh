#!/bin/bash
# MariaDB's server and client, and our entrypoint.
set -euo pipefail
root=$1 mirror=$2

mmdebstrap --quiet --variant=extract \
    --include=base-files,base-passwd,busybox-static,libc6,mariadb-server-core,mariadb-client-core,mariadb-common trixie "$root" "$mirror"
tests/host/images/finish "$root"
rm -f "$root"/usr/bin/{innochecksum,mariadb-upgrade,mysql_upgrade}
echo 'mysql:x:999:999:MariaDB:/var/lib/mysql:/bin/false' >>"$root/etc/passwd"
echo 'mysql:x:999:' >>"$root/etc/group"
install -d -o 999 -g 999 "$root/var/lib/mysql" "$root/run/mysqld"
rm -rf "$root/etc/mysql"
install -D -m 644 tests/host/images/mariadb/my.cnf "$root/etc/mysql/my.cnf"
install -m 755 tests/host/images/mariadb/entrypoint "$root/entrypoint"
