#!/bin/bash
# The sqlite3 shell and socat, with BusyBox for the rest.
set -euo pipefail
root=$1 mirror=$2

mmdebstrap --quiet --variant=extract --include=base-files,base-passwd,busybox-static,libc6,sqlite3,socat trixie "$root" "$mirror"
tests/host/images/finish "$root"
