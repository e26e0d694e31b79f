#!/bin/bash
# side.sh compose|wharf: brings the stack in this directory up, prints a snapshot, and removes all that it has made. Messages go to
# standard error. A stack may have the files `arguments` (of `docker compose` and `wharf import`), `before` and `after` (shell), and `edit`
# (shell): what an administrator does because of what `wharf import` lists at its end.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
arguments=()
[[ ! -e arguments ]] || read -ra arguments <arguments
project=$(docker compose "${arguments[@]}" config --format json | jq -r .name)

compose_up() {
    docker compose "${arguments[@]}" --progress=quiet up --detach --quiet-pull >&2
}

compose_down() {
    docker compose "${arguments[@]}" --progress=quiet --profile '*' down --volumes >&2
}

wharf_up() {
    import \
        && wharf generate imported.toml >&2 \
        && systemctl start "$project.target" \
        && [[ -z $(systemctl list-units --failed --quiet --plain --no-legend "$project*") ]] \
        && as_declared
}

# wharfd, which compares each container with its definition, finds no difference.
as_declared() {
    local path=/io/wharf/Supervisor1 interface=io.wharf.Supervisor1.Container other
    for _ in $(seq 50); do
        other=$(busctl --json=short call io.wharf.Supervisor1 "$path" org.freedesktop.DBus.ObjectManager GetManagedObjects \
            | jq -c --arg project "$project" ".data[0][].\"$interface\" // empty | map_values(.data)
                | select(.Project == \$project and .SubState == \"running\" and (.ContainerId == \"\" or .Drift != []))
                | [.Unit, .ContainerId, .Drift]")
        [[ -n $other ]] || return 0
        sleep 0.2
    done
    echo "not as declared: $other" >&2
    return 1
}

# With status 5, something could not be carried over.
import() {
    local status=0
    wharf import "${arguments[@]}" -o imported.toml >&2 || status=$?
    if [[ $status == 5 && -e edit ]]; then
        bash -e ./edit >&2
    else
        return "$status"
    fi
}

wharf_down() {
    wharf remove imported.toml --volumes >&2 \
        && ! compgen -G "/etc/systemd/system/$project[-.]*" >&2
}

[[ ! -e before ]] || bash -e ./before >&2
case $1 in
    compose) label=com.docker.compose.project ;;
    wharf) label=io.wharf.project ;;
esac
failed=
"$1_up" || failed=$?
[[ -n $failed ]] || "$here/snapshot.sh" "$label" "$project" || failed=$?
if [[ -n $failed ]]; then
    systemctl list-units --all --plain --no-legend --no-pager "$project*" >&2
    journalctl --quiet --no-pager --output=cat --lines=15 --unit="$project-*" >&2
fi
"$1_down" || failed=$?
[[ ! -e after ]] || bash -e ./after >&2
exit "${failed:-0}"
