#!/bin/bash
# snapshot.sh LABEL PROJECT: what the engine knows of a project, as JSON. LABEL is the one that names the project on all that is of it.
# Run in the stack's directory, whose file `probe` has lines of a service's name and a command to run in its container.
set -euo pipefail
label=$1 project=$2 mine=label=$1=$2

has_settled() {
    [[ -z $(docker ps --quiet --filter "$mine" --filter health=starting) ]]
}

or_nothing() {
    local kind=$1
    shift
    if [[ $# -gt 0 ]]; then docker "$kind" inspect "$@"; else echo '[]'; fi
}

for _ in {1..300}; do
    ! has_settled || break
    sleep 0.1
done
sleep 0.7 # short jobs end

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shopt -s nullglob
cat /dev/null /run/started/*.json | jq -s --arg label "$label" --arg project "$project" \
    'map(select(.Config.Labels[$label] == $project))' >"$work/started"
# Between the two commands, a container that has ended may go.
present() {
    mapfile -t now < <(docker ps --all --quiet --filter "$mine")
    or_nothing container "${now[@]}" >"$work/now"
}
present || present
docker ps --all --no-trunc --format json | jq -s . >"$work/others"
mapfile -t networks < <(docker network ls --quiet --filter "$mine")
or_nothing network "${networks[@]}" >"$work/networks"
mapfile -t volumes < <(docker volume ls --quiet --filter "$mine")
or_nothing volume "${volumes[@]}" >"$work/volumes"
mapfile -t images < <(jq -r '.[].Image' "$work/started" | sort -u)
or_nothing image "${images[@]}" >"$work/images"

mapfile -t units < <(jq -r '.[].Config.Labels["io.wharf.unit"] // empty' "$work/started" | sort -u)
if [[ ${#units[@]} -gt 0 ]]; then
    systemctl show --property=Id,Restart,StartLimitBurst,StartLimitIntervalUSec "${units[@]}"
fi >"$work/units"

echo '{}' >"$work/probes"
[[ ! -e probe ]] || while read -r service command; do
    id=$(jq -r --arg service "$service" 'map(select(.Config.Labels | (."com.docker.compose.service" // ."io.wharf.service") == $service))[0].Id' "$work/now")
    said=$(docker exec "$id" sh -c "$command" 2>&1 </dev/null; echo "exit $?")
    jq --arg key "$service $command" --arg said "$said" '.[$key] = $said' "$work/probes" >"$work/probes.new"
    mv "$work/probes.new" "$work/probes"
done <probe

jq -n --slurpfile started "$work/started" --slurpfile now "$work/now" --slurpfile networks "$work/networks" \
    --slurpfile others "$work/others" --slurpfile volumes "$work/volumes" --slurpfile images "$work/images" --slurpfile probes "$work/probes" --rawfile units "$work/units" \
    '{started: $started[0], now: $now[0], others: $others[0], networks: $networks[0], volumes: $volumes[0], images: $images[0], probes: $probes[0], units: $units}'
