# Builds what every host shares, once: the root file system, the images' root file systems, the filled registry.
# Each is named by the hash of its recipe, built beside its place and renamed into it, so what exists is whole.
# A recipe holds the lock (descriptor 9) as long as it runs, even when `prepare` is killed; its mounts vanish with its namespace.
# shellcheck shell=bash

# find_layers: sets ROOT_LAYER and REGISTRY_LAYER, the directories below every host.
find_layers() {
    ROOT_LAYER=$CACHE/root-$(key "$HERE/root-recipe.sh")
    REGISTRY_LAYER=$CACHE/registry-$(key "$HERE/root-recipe.sh" "$HERE/lib/publish.sh" "$HERE/images" "$REPOSITORY/examples/todo/app")
}

host_prepare() {
    install_tools
    find_layers
    is_prepared && return
    mkdir -p "$CACHE"
    (
        flock 9
        rm -rf --one-file-system "$CACHE"/*.half
        [[ -d $ROOT_LAYER ]] || build_root
        [[ -d $REGISTRY_LAYER ]] || build_registry
        remove_outdated
    ) 9>"$CACHE/lock"
}

is_prepared() {
    [[ -d $ROOT_LAYER && -d $REGISTRY_LAYER ]]
}

install_tools() {
    local -A package=([mmdebstrap]=mmdebstrap [systemd-nspawn]=systemd-container [nsenter]=util-linux [unshare]=util-linux [journalctl]=systemd [xargs]=findutils)
    local tool missing=()
    for tool in "${!package[@]}"; do
        command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
    done
    [[ -e /usr/share/keyrings/debian-archive-trixie-stable.gpg || -e /usr/share/keyrings/debian-archive-keyring.gpg ]] \
        || missing+=(debian-archive-keyring)
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "installing ${missing[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}" >&2
}

# The Debian mirror that this machine's own apt uses. WHARF_TEST_MIRROR overrides it.
debian_mirror() {
    local mirror=${WHARF_TEST_MIRROR:-}
    # shellcheck disable=SC2016 # apt expands these
    [[ -n $mirror ]] || mirror=$(apt-get indextargets --format '$(ORIGIN) $(SITE) $(RELEASE)' 'Created-By: Packages' \
        | awk '$1 == "Debian" && $3 !~ /-/ { print $2; exit }')
    [[ -n $mirror ]] || die "this machine's apt sources name no Debian mirror; set WHARF_TEST_MIRROR"
    echo "$mirror"
}

build_root() {
    say "building the root file system"
    unshare --mount "$HERE/root-recipe.sh" "$ROOT_LAYER.half" "$(debian_mirror)" >&2
    mv -T "$ROOT_LAYER.half" "$ROOT_LAYER"
}

image_names() {
    (cd "$HERE/images" && printf '%s\n' */ | tr -d /)
}

# image_tar NAME: where the image's root file system lies, packed.
image_tar() {
    local inputs=("$HERE/images/$1" "$HERE/images/finish")
    [[ $1 != todo ]] || inputs+=("$REPOSITORY/examples/todo/app")
    echo "$CACHE/image-$1-$(key "${inputs[@]}").tar"
}

# An image's recipe, images/NAME/recipe.sh, fills directory $1 from the Debian mirror $2.
build_image() {
    local name=$1 tar root
    tar=$(image_tar "$name")
    [[ -f $tar ]] && return
    say "building the image $name"
    root=$CACHE/image-$name.half
    rm -rf --one-file-system "$root"
    mkdir "$root"
    (cd "$REPOSITORY" && unshare --mount "$HERE/images/$name/recipe.sh" "$root" "$(debian_mirror)") >&2
    tar -C "$root" --numeric-owner --exclude='./dev/*' -cf "$tar.half" .
    rm -rf --one-file-system "$root"
    mv -T "$tar.half" "$tar"
}

# The registry is filled by a real push from a real host, and its storage becomes a layer below every later host.
build_registry() {
    local name builder=prepare-$$
    for name in $(image_names); do
        build_image "$name"
    done
    say "filling the registry"
    create_host "$builder" "$ROOT_LAYER"
    process_identity $$ >"$RUN/$builder/owner"
    trap 'host_down "$builder"' EXIT
    boot_host "$builder"
    for name in $(image_names); do
        publish "$builder" "$name" "$(image_tar "$name")"
    done
    host_poweroff "$builder"
    mkdir -p "$REGISTRY_LAYER.half/var/lib"
    cp -a "$(host_root "$builder")/var/lib/docker-registry" "$REGISTRY_LAYER.half/var/lib/"
    mv -T "$REGISTRY_LAYER.half" "$REGISTRY_LAYER"
    trap - EXIT
    host_down "$builder"
}

# Drop what older recipes left, unless a host stands on it or another checkout used it within a day.
remove_outdated() {
    local path current
    current=" $ROOT_LAYER $REGISTRY_LAYER "
    for path in $(image_names); do
        current+="$(image_tar "$path") "
    done
    for path in "$CACHE"/root-* "$CACHE"/registry-* "$CACHE"/image-*; do
        [[ -e $path && $current != *" $path "* ]] || continue
        [[ -n $(find "$path" -maxdepth 0 -mmin +1440) ]] || continue
        grep -qsF "$path" /proc/mounts || rm -rf --one-file-system "$path"
    done
}
