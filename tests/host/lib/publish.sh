# Imports an image's root file system into a host's engine and pushes it to the host's registry.
# shellcheck shell=bash

# publish HOST NAME TAR: images/NAME/config has one Dockerfile instruction a line, and `# versions: 1 2` if there are several.
# Every version carries its number as a label, so that no two of them are the same image.
publish() {
    local host=$1 name=$2 tar=$3 version versions line changes=() image
    versions=$(sed -n 's/^# versions: //p' "$HERE/images/$name/config")
    while read -r line; do
        [[ -z $line || $line == '#'* ]] || changes+=(--change "$line")
    done <"$HERE/images/$name/config"
    for version in ${versions:-1}; do
        image=127.0.0.1:5000/$name:$version
        (host_exec "$host" docker import "${changes[@]}" \
            --change "LABEL org.opencontainers.image.version=$version" - "$image") <"$tar" >/dev/null
        (host_exec "$host" docker push --quiet "$image") >/dev/null
    done
}
