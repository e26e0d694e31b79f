#!/bin/bash
# Lets the engine of a test host take every limit, although the machine may give the host no controllers of cgroup v2: the engine sees
# their names, and runc is not told of what the kernel could not enforce. So the limits of a container are what the engine was asked for.
set -euo pipefail

mkdir -p /usr/local/lib/compose-suite/docker.service /etc/systemd/system/docker.service.d
cd /usr/local/lib/compose-suite
echo 'cpuset cpu io memory hugetlb pids' >controllers
touch docker.service/memory.swap.max

cat >engine <<'TEXT'
#!/bin/sh
# As docker.service does, with another sight of /sys/fs/cgroup that nobody else shares.
set -e
here=/usr/local/lib/compose-suite
mount --make-private /sys/fs/cgroup
mount --bind $here/controllers /sys/fs/cgroup/cgroup.controllers
mount --bind $here/docker.service /sys/fs/cgroup/system.slice/docker.service
exec dockerd -H fd:// --containerd=/run/containerd/containerd.sock
TEXT
cat >/etc/systemd/system/docker.service.d/compose-suite.conf <<TEXT
[Service]
ExecStart=
ExecStart=unshare --mount --propagation unchanged $PWD/engine
TEXT

runc=$(command -v runc)
mv "$runc" real-runc
cat >"$runc" <<TEXT
#!/bin/sh
for word; do
    case \$last in
        --bundle) file=\$word/config.json limits='.process.rlimits, .process.oomScoreAdj, (.linux.resources | .memory, .cpu, .pids, .blockIO)' ;;
        --process) file=\$word limits='.rlimits, .oomScoreAdj' ;;
    esac
    last=\$word
done
if [ -n "\$file" ]; then
    jq -c "del(\$limits)" "\$file" >"\$file.new" && mv "\$file.new" "\$file"
fi
exec $PWD/real-runc "\$@"
TEXT
chmod +x engine "$runc"
systemctl daemon-reload
systemctl restart docker

# Each container as it is when it starts: one that ends may be gone soon.
mkdir -p /run/started
cat >watch <<'TEXT'
#!/bin/bash
docker events --filter type=container --filter event=start --format '{{.ID}}' | while read -r id; do
    curl -s --unix-socket /run/docker.sock "http://engine/containers/$id/json" >"/run/started/$id.new"
    mv "/run/started/$id.new" "/run/started/$id.json"
done
TEXT
chmod +x watch
systemd-run --quiet --unit=watch "$PWD/watch"
