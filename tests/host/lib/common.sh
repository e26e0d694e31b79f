# What every part of the test host uses: messages, names, recipe keys, and processes told apart by their start time.
# shellcheck shell=bash

die() {
    echo "host: $*" >&2
    exit 1
}

say() {
    echo "host: $*" >&2
}

check_name() {
    [[ $1 =~ ^[a-z][a-z0-9-]{0,47}$ ]] || die "'$1' is no name for a host: use a-z, 0-9 and '-', at most 48 characters"
}

# read_up_options OPTION...: those of `up`, into the caller's variables $install, $owner and, where there is one, $live_restore.
read_up_options() {
    while [[ $# -gt 0 ]]; do
        case $1 in
            --live-restore) [[ -v live_restore ]] || die "a virtual machine has no $1"; live_restore=yes ;;
            --install) install=${2:?--install needs a directory}; shift ;;
            --owner) owner=${2:?--owner needs a pid}; shift ;;
            *) die "up does not know $1" ;;
        esac
        shift
    done
    [[ -z $install || -d $install ]] || die "--install: there is no directory $install"
    if [[ -n $owner ]]; then
        owner=$(process_identity "$owner") || die "--owner: there is no process $owner"
    fi
}

# install_tree DIRECTORY ROOT: a tree of `make install`, over a root file system. The bus may start wharfd, as where it is enabled;
# whether it starts at boot, each test decides itself.
install_tree() {
    tar -C "$1" -c . | tar -C "$2" -x --no-same-owner --keep-directory-symlink --no-overwrite-dir
    [[ ! -e $2/usr/lib/systemd/system/wharfd.service ]] \
        || ln -sf /usr/lib/systemd/system/wharfd.service "$2/etc/systemd/system/dbus-io.wharf.Supervisor1.service"
}

# key FILE_OR_DIRECTORY...: a short hash over names and contents; an edited recipe gets another key.
key() {
    local path directory name
    for path in "$@"; do
        if [[ -d $path ]]; then directory=$path name=.; else directory=$(dirname "$path") name=$(basename "$path"); fi
        [[ ! -d $directory ]] || (cd "$directory" && find "$name" -name __pycache__ -prune -o -type f -print0 \
            | sort -z | xargs -0 --no-run-if-empty sha256sum)
    done | sha256sum | cut -c1-12
}

# A pid alone may be reused. "PID STARTTIME" names one process for ever.
process_identity() {
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    # The command name, in parentheses, may hold spaces: count fields after it. Field 22 is the start time.
    local -a fields
    read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} != [ZX] ]] || return 1
    echo "$1 ${fields[19]}"
}

# alive FILE: is the process whose identity FILE records still running?
alive() {
    local recorded pid
    [[ -s $1 ]] || return 1
    recorded=$(<"$1")
    pid=${recorded%% *}
    [[ $(process_identity "$pid") == "$recorded" ]]
}

# poll SECONDS COMMAND...: try every 50 ms until it succeeds.
poll() {
    local seconds=$1 end
    shift
    end=$((SECONDS + seconds))
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}
