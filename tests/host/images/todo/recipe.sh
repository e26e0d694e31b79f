#!/bin/bash
# The to-do application of examples/todo on Debian's Python.
set -euo pipefail
root=$1 mirror=$2

mmdebstrap --quiet --variant=extract --include=base-files,base-passwd,busybox-static,libc6,python3 trixie "$root" "$mirror"
tests/host/images/finish "$root"
rm -rf "$root"/usr/lib/python3*/{pydoc_data,idlelib,ensurepip,turtledemo,lib2to3}
install -D -m 755 examples/todo/app/todo.py "$root/app/todo.py"
mkdir -p "$root/data"
