# The life of a host: made, booted, entered, powered off, ended.
#
# A host's files: $RUN/NAME/ holds its state and mounts (top/ is a tmpfs with the upper layer, merged/ its root),
# $CACHE/hosts/NAME/ the engine's data, which must lie neither on an overlay nor in memory.
# shellcheck shell=bash

CGROUPS=/sys/fs/cgroup
[[ ! -e $CGROUPS/unified/cgroup.procs ]] || CGROUPS=$CGROUPS/unified

INSIDE=(nsenter --all --wdns=/root)
ENVIRONMENT=(env -i HOME=/root LANG=C.UTF-8 LOGNAME=root USER=root SHELL=/bin/bash
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

host_up() {
    local name=$1 live_restore='' install='' owner=''
    shift
    read_up_options "$@"
    find_layers
    is_prepared || die "run 'tests/host/host prepare' first"
    touch "$ROOT_LAYER" "$REGISTRY_LAYER" # used today: see remove_outdated

    lock_hosts --shared
    create_host "$name" "$REGISTRY_LAYER:$ROOT_LAYER"
    trap 'host_down "$name"' EXIT
    [[ -z $owner ]] || echo "$owner" >"$RUN/$name/owner"
    [[ -z $live_restore ]] || echo '{ "live-restore": true }' >"$RUN/$name/merged/etc/docker/daemon.json"
    [[ -z $install ]] || install_tree "$install" "$RUN/$name/merged"
    boot_host "$name"
    trap - EXIT
    unlock_hosts
}

host_boot() {
    must_exist "$1"
    ! alive "$RUN/$1/nspawn" || die "$1 is running"
    lock_hosts --shared
    cut_power "$1" # what a systemd-nspawn that ended by itself left behind
    boot_host "$1"
    unlock_hosts
}

host_exec() {
    local leader name=$1
    shift
    [[ ${1:-} != -- ]] || shift
    [[ $# -gt 0 ]] || die "exec needs a command"
    leader=$(host_leader "$name") || die "$name is still booting"
    # Into its control group too: who calls a D-Bus service is looked up there.
    echo "$BASHPID" >"$CGROUPS$(sed -n 's/^0:://p' "/proc/$leader/cgroup")/cgroup.procs"
    exec "${INSIDE[@]}" --target "$leader" "${ENVIRONMENT[@]}" "$@"
}

host_poweroff() {
    must_run "$1"
    touch "$RUN/$1/off"
    kill -TERM "$(host_pid "$1")" # systemd-nspawn passes it on as a request to power off
    poll 120 has_powered_off "$1" || die "$1 does not power off; see 'host journal $1'"
    remove_cgroup "$1"
}

host_kill() {
    must_exist "$1"
    touch "$RUN/$1/off"
    cut_power "$1"
}

host_down() {
    local name=$1 mount
    [[ -e $RUN/$name ]] || return 0
    cut_power "$name"
    for mount in merged top; do
        ! mountpoint -q "$RUN/$name/$mount" || umount "$RUN/$name/$mount" || umount --lazy "$RUN/$name/$mount"
        [[ ! -d $RUN/$name/$mount ]] || rmdir "$RUN/$name/$mount"
    done
    rm -rf --one-file-system "$CACHE/hosts/$name" "${RUN:?}/$name"
}

host_root() {
    must_exist "$1"
    echo "$RUN/$1/merged"
}

host_pid() {
    must_run "$1"
    cut -d' ' -f1 "$RUN/$1/nspawn"
}

# The booted systemd: the child of systemd-nspawn that is process 1 of its own namespace. It changes when the host reboots.
host_leader() {
    local pid child children
    must_run "$1"
    pid=$(host_pid "$1")
    read -ra children <"/proc/$pid/task/$pid/children" || true
    for child in "${children[@]}"; do
        if [[ $(<"/proc/$child/comm") == systemd ]] && grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$child/status"; then
            echo "$child"
            return
        fi
    done 2>/dev/null
    return 1
}

host_journal() {
    must_exist "$1"
    journalctl --quiet --no-pager --directory="$RUN/$1/merged/var/log/journal" --lines="${2:-60}"
}

host_ls() {
    local state name
    for state in "$RUN"/*/; do
        [[ -e $state ]] || continue
        name=$(basename "$state")
        if alive "$state/nspawn"; then
            echo "$name running $(host_pid "$name")"
        elif [[ -e $state/off ]]; then
            echo "$name off"
        else # no longer, or not yet, booted
            echo "$name dead"
        fi
    done
}

host_prune() {
    local state name
    lock_hosts --exclusive
    for state in "$RUN"/*/; do
        [[ -e $state ]] || continue
        name=$(basename "$state")
        if is_stale "$name"; then
            echo "$name"
            host_down "$name"
        fi
    done
}

# Hosts are made under a shared lock and pruned under an exclusive one, so that prune never meets a half-made host.
lock_hosts() {
    mkdir -p "$RUN"
    exec 8>"$RUN/.lock"
    flock "$1" 8
}

unlock_hosts() {
    exec 8>&-
}

# A host with an owner lives as long as that; one without lives until it dies by itself.
is_stale() {
    if [[ -e $RUN/$1/owner ]]; then
        ! alive "$RUN/$1/owner"
    else
        ! alive "$RUN/$1/nspawn" && [[ ! -e $RUN/$1/off ]]
    fi
}

must_exist() {
    [[ -d $RUN/$1/merged ]] || die "there is no host $1"
}

must_run() {
    must_exist "$1"
    alive "$RUN/$1/nspawn" || die "$1 is not running"
}

has_ended() {
    ! alive "$RUN/$1/nspawn"
}

# At shutdown systemd stops all processes before it ends them, and an nsenter whose child is stopped stops itself, for ever:
# then process 1 waits for it in vain. So they are told to go on.
has_powered_off() {
    local pids
    has_ended "$1" && return
    mapfile -t pids < <(cat "$CGROUPS/wharf-test-$1"/payload/init.scope/cgroup.procs 2>/dev/null)
    kill -CONT "${pids[@]}" 2>/dev/null || true
    return 1
}

# create_host NAME LOWER: the files of a new host over the given lower layers.
create_host() {
    local name=$1 lower=$2 state=$RUN/$1 data=$CACHE/hosts/$1
    mkdir -p "$RUN" "$CACHE/hosts"
    mkdir "$state" 2>/dev/null || die "there is a host $name already"
    mkdir "$state/top" "$state/merged"
    rm -rf --one-file-system "$data"
    mkdir -p "$data/docker" "$data/containerd"
    mount -t tmpfs -o mode=755 wharf-test-host "$state/top"
    mkdir "$state/top/upper" "$state/top/work"
    mount -t overlay -o "lowerdir=$lower,upperdir=$state/top/upper,workdir=$state/top/work" wharf-test-host "$state/merged"
    tr -d - </proc/sys/kernel/random/uuid >"$state/merged/etc/machine-id"
}

# boot_host NAME: start systemd-nspawn in a control group of its own and wait until the host is of use.
boot_host() {
    local name=$1 state=$RUN/$1
    rm -f "$state/off" "$state/nspawn"
    mkdir "$CGROUPS/wharf-test-$name" || die "the control group wharf-test-$name belongs to another host"
    # shellcheck disable=SC2016 # expanded by the inner shell
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 setsid bash -c '
        echo $$ >"$1/cgroup.procs"
        shift
        exec systemd-nspawn "$@"' bash "$CGROUPS/wharf-test-$name" \
        --quiet --machine="wharf-test-$name" --directory="$state/merged" --boot --register=no --keep-unit --capability=all \
        --private-network --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
        --system-call-filter='@keyring bpf @clock @module @swap perf_event_open' \
        --bind="$CACHE/hosts/$name/docker:/var/lib/docker" --bind="$CACHE/hosts/$name/containerd:/var/lib/containerd" \
        </dev/null >"$state/console.log" 2>&1 8>&- 9>&- &
    process_identity $! >"$state/nspawn"
    if ! poll 60 is_ready "$name"; then
        tail -n 20 "$state/console.log" >&2
        host_journal "$name" >&2 || true
        die "$name was not ready within 60 s"
    fi
}

# Ready: the engine has said so to systemd, and the registry listens.
is_ready() {
    local leader
    if has_ended "$1"; then
        tail -n 20 "$RUN/$1/console.log" >&2
        die "systemd-nspawn of $1 has ended"
    fi
    leader=$(host_leader "$1") && "${INSIDE[@]}" --target "$leader" "${ENVIRONMENT[@]}" bash -c \
        'systemctl is-active --quiet docker && systemctl is-active --quiet docker-registry' 2>/dev/null
}

# Nothing of a host is worth an orderly end when its files are thrown away: all in the control group made for it dies at once,
# also when its systemd-nspawn is already gone. What was entered from outside dies with process 1 of its namespace.
cut_power() {
    local group=$CGROUPS/wharf-test-$1
    [[ -d $group ]] || return 0
    echo 1 >"$group/cgroup.kill"
    poll 10 has_ended "$1" || die "systemd-nspawn of $1 does not end"
    remove_cgroup "$1"
    # systemd-nspawn 256 and later refuses a name whose mount it finds.
    umount --quiet --lazy "/run/systemd/nspawn/unix-export/wharf-test-$1" 2>/dev/null || true
    rmdir "/run/systemd/nspawn/unix-export/wharf-test-$1" 2>/dev/null || true
}

remove_cgroup() {
    poll 10 cgroup_is_removed "$CGROUPS/wharf-test-$1" || die "control group wharf-test-$1 is still in use"
}

cgroup_is_removed() {
    [[ ! -d $1 ]] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [[ ! -d $1 ]]
}
