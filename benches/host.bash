# What the benchmarks have in common, to be sourced from the package's directory: a test host named $host on which Wharf is installed.
# It is ended with the script. $1 is the start of its name.
host=bench-$1-$$
tree=$(mktemp -d)
chmod 755 "$tree"
trap 'tests/host/host down "$host" >/dev/null 2>&1 || true; rm -rf "$tree"' EXIT

make -s install PREFIX=/usr DESTDIR="$tree" ${PROFILE:+PROFILE="$PROFILE"}
tests/host/host prepare
tests/host/host up "$host" --owner $$ --install "$tree"
