# The life of a virtual machine: made, booted, entered, powered off, its power cut, ended.
#
# A machine's files: $VMS/NAME/ holds its state, $CACHE/vms/NAME.disk is its disk. It is entered by ssh, whose port QEMU forwards.
# shellcheck shell=bash

# What a root file system needs to boot as a machine.
VM_PACKAGES=(linux-image-cloud-amd64 initramfs-tools kmod udev openssh-server)

# QEMU emulates it all, also where there is a KVM: not each of them works. This processor it emulates well enough for systemd.
VM_CPU=Nehalem,-cx16

# A loaded machine without KVM takes minutes.
VM_PATIENCE=600

find_vm_layer() {
    VM_LAYER=$CACHE/vm-$(key "$HERE/root-recipe.sh" "$HERE/vm-recipe.sh")
}

vm_prepare() {
    local -A package=([qemu-system-x86_64]=qemu-system-x86 [ssh]=openssh-client [mkfs.ext4]=e2fsprogs)
    local tool missing=()
    for tool in "${!package[@]}"; do
        command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
    done
    if [[ ${#missing[@]} -gt 0 ]]; then
        say "installing ${missing[*]}"
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}" >&2
    fi
    host_prepare
    find_vm_layer
    [[ ! -d $VM_LAYER ]] || return 0
    (
        flock 9
        [[ ! -d $VM_LAYER ]] || exit 0
        say "building the root file system of a virtual machine"
        rm -rf --one-file-system "$VM_LAYER.half"
        unshare --mount bash -euc '"$1/root-recipe.sh" "${@:2}"; "$1/vm-recipe.sh" "$2"' \
            bash "$HERE" "$VM_LAYER.half" "$(debian_mirror)" "${VM_PACKAGES[@]}" >&2
        mv -T "$VM_LAYER.half" "$VM_LAYER"
        find "$CACHE" -maxdepth 1 -name 'vm-*' ! -path "$VM_LAYER" -mmin +1440 -exec rm -rf --one-file-system {} +
    ) 9>"$CACHE/lock"
}

vm_up() {
    local name=$1 install='' owner='' state=$VMS/$1
    shift
    read_up_options "$@"
    find_layers
    find_vm_layer
    [[ -d $VM_LAYER && -d $REGISTRY_LAYER ]] || die "run 'tests/host/vm prepare' first"
    touch "$VM_LAYER" "$REGISTRY_LAYER" # used today: see remove_outdated

    mkdir -p "$VMS" "$CACHE/vms"
    mkdir "$state" 2>/dev/null || die "there is a machine $name already"
    trap 'vm_down "$name"' EXIT
    [[ -z $owner ]] || echo "$owner" >"$state/owner"
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$state/key"
    unshare --mount bash -euc "$(declare -f make_disk install_tree); make_disk \"\$@\"" \
        bash "$name" "$state/key.pub" "$REGISTRY_LAYER:$VM_LAYER" "$CACHE/vms/$name.disk" "$install"
    boot_machine "$name"
    trap - EXIT
}

# make_disk NAME KEY LAYERS DISK INSTALL: in a mount namespace of its own, so that no mount is left.
make_disk() {
    local name=$1 key=$2 layers=$3 disk=$4 install=$5 top
    top=$(mktemp --directory)
    mount -t tmpfs wharf-test-vm "$top"
    mkdir "$top/upper" "$top/work" "$top/root"
    mount -t overlay -o "lowerdir=$layers,upperdir=$top/upper,workdir=$top/work" wharf-test-vm "$top/root"
    tr -d - </proc/sys/kernel/random/uuid >"$top/root/etc/machine-id"
    echo "wharf-test-$name" >"$top/root/etc/hostname"
    install -D -m 600 "$key" "$top/root/root/.ssh/authorized_keys"
    [[ -z $install ]] || install_tree "$install" "$top/root"
    rm -f "$disk"
    truncate -s 8G "$disk"
    mkfs.ext4 -q -d "$top/root" "$disk"
    umount "$top/root" "$top"
    rmdir "$top"
}

vm_boot() {
    vm_must_exist "$1"
    ! alive "$VMS/$1/qemu" || die "$1 is running"
    find_vm_layer
    boot_machine "$1"
}

vm_exec() {
    local name=$1 words
    shift
    [[ ${1:-} != -- ]] || shift
    [[ $# -gt 0 ]] || die "exec needs a command"
    vm_must_run "$name"
    printf -v words '%q ' "${ENVIRONMENT[@]}" "$@"
    vm_ssh "$name" "$words"
}

vm_wait() {
    if ! poll "$VM_PATIENCE" vm_is_ready "$1"; then
        tail -n 20 "$VMS/$1/console" >&2
        die "$1 was not ready within $VM_PATIENCE s"
    fi
    # One connection for all commands: to open one takes an emulated processor seconds.
    [[ -S $VMS/$1/connection ]] || vm_ssh "$1" -o ControlMaster=yes -N -f </dev/null >/dev/null 2>"$VMS/$1/ssh.log"
}

vm_poweroff() {
    vm_must_run "$1"
    vm_exec "$1" systemctl poweroff || true # the connection may end before the command
    poll "$VM_PATIENCE" vm_has_ended "$1" || die "$1 does not power off; see 'vm journal $1'"
}

vm_kill() {
    vm_must_exist "$1"
    ! alive "$VMS/$1/qemu" || kill -KILL "$(vm_pid "$1")"
    poll 60 vm_has_ended "$1" || die "the QEMU of $1 does not end"
}

vm_down() {
    [[ -e $VMS/$1 ]] || return 0
    vm_kill "$1"
    rm -rf --one-file-system "${VMS:?}/$1" "$CACHE/vms/$1.disk"
}

vm_pid() {
    vm_must_run "$1"
    cut -d' ' -f1 "$VMS/$1/qemu"
}

vm_journal() {
    local lines=${2:-60}
    vm_must_exist "$1"
    vm_exec "$1" journalctl --quiet --no-pager --lines="$lines" || tail -n "$lines" "$VMS/$1/console"
}

vm_ls() {
    local state
    for state in "$VMS"/*/; do
        [[ -e $state ]] || continue
        if alive "$state/qemu"; then echo "$(basename "$state") running"; else echo "$(basename "$state") off"; fi
    done
}

vm_prune() {
    local state
    for state in "$VMS"/*/; do
        [[ -e $state/owner ]] || continue
        alive "$state/owner" || vm_down "$(basename "$state")"
    done
}

vm_must_exist() {
    [[ -d $VMS/$1 ]] || die "there is no machine $1"
}

vm_must_run() {
    vm_must_exist "$1"
    alive "$VMS/$1/qemu" || die "$1 is not running"
}

vm_has_ended() {
    ! alive "$VMS/$1/qemu"
}

# Through the connection that was opened when the machine had booted, if it is still there.
vm_ssh() {
    local name=$1
    shift
    ssh -F none -i "$VMS/$name/key" -p "$(<"$VMS/$name/port")" -S "$VMS/$name/connection" \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes \
        -o ConnectTimeout=60 -o ServerAliveInterval=30 "root@127.0.0.1" "$@"
}

vm_is_ready() {
    local status=0
    if vm_has_ended "$1"; then
        tail -n 20 "$VMS/$1/console" "$VMS/$1/qemu.log" >&2
        die "the QEMU of $1 has ended"
    fi
    vm_ssh "$1" 'systemctl is-active --quiet docker && systemctl is-active --quiet docker-registry' \
        </dev/null >/dev/null 2>&1 || status=$?
    return "$status"
}

# boot_machine NAME: starts QEMU and waits until the machine is of use.
boot_machine() {
    local name=$1 state=$VMS/$1
    rm -f "$state/qemu" "$state/connection"
    for _ in {1..20}; do
        echo $((RANDOM % 20000 + 40000)) >"$state/port"
        start_qemu "$name"
        # Where the port is taken, QEMU ends at once.
        poll 60 qemu_has_begun "$name"
        vm_has_ended "$name" || break
    done
    vm_wait "$name"
}

# Its monitor is there once all devices are.
qemu_has_begun() {
    [[ -S $VMS/$1/monitor ]] || ! alive "$VMS/$1/qemu"
}

start_qemu() {
    local state=$VMS/$1
    # The disk is the file in this machine's memory: what the machine has written to its disk outlives QEMU, what is in the
    # machine's own memory does not.
    setsid qemu-system-x86_64 -nodefaults -no-user-config -display none -name "wharf-test-$1" \
        -accel tcg,thread=multi -cpu "$VM_CPU" -smp 2 -m 3000 \
        -kernel "$VM_LAYER"/boot/vmlinuz-* -initrd "$VM_LAYER"/boot/initrd.img-* \
        -append 'console=ttyS0 root=/dev/vda rw quiet net.ifnames=0 mitigations=off' \
        -drive "file=$CACHE/vms/$1.disk,format=raw,if=virtio,cache=unsafe" -device virtio-rng-pci \
        -netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$(<"$state/port")-:22" -device virtio-net-pci,netdev=net,romfile= \
        -chardev "file,id=console,path=$state/console,append=on" -serial chardev:console \
        -monitor "unix:$state/monitor,server=on,wait=off" \
        </dev/null >"$state/qemu.log" 2>&1 9>&- &
    process_identity $! >"$state/qemu"
}
