#!/bin/bash
# BusyBox alone, static, with a link for each applet.
set -euo pipefail
root=$1 mirror=$2

mmdebstrap --quiet --variant=extract --include=busybox-static trixie "$root/unpacked" "$mirror"
mkdir -p "$root"/{bin,etc,dev,proc,sys,root,var,usr} "$root/tmp"
chmod 1777 "$root/tmp"
cp "$root/unpacked/usr/bin/busybox" "$root/bin/busybox"
rm -rf "$root/unpacked"
for applet in $("$root/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
done
ln -s ../bin "$root/usr/bin"
ln -s bin "$root/sbin"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
