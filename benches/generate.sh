#!/bin/bash
# How long it takes to make units of 1,000 services, and of one: Wharf beside Quadlet's generator, on the same services, in the same
# run, by turns, on a test host. Both write 1,000 service units; Wharf a slice and a container definition for each besides.
#
#     make && benches/generate.sh [ROUNDS]
#
# Prints medians and Wharf's time divided by Quadlet's. Quadlet's generator writes into memory and syncs nothing, as does
# wharf-generator; `wharf generate` syncs every file, so it is measured on disk as well.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-11}
source benches/host.bash generate

tests/host/host exec "$host" -- python3 - "$rounds" <<'PYTHON'
import os, subprocess, sys, time

ROUNDS = int(sys.argv[1])
NULL = subprocess.DEVNULL
# The engine's data lies on a disk, everything else on this host in memory.
MEMORY, DISK = "/run/bench", "/var/lib/docker/bench"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def services(count):
    """The same services in both languages."""
    stack, quadlet = ['name = "bench"\n[networks.default]\n'], f"{MEMORY}/{count}/quadlet"
    write(f"{quadlet}/bench.network", "[Network]\nNetworkName=bench_default\n")
    for number in range(count):
        port = 10000 + number
        stack.append(f"""
[services.s{number}]
image = "docker.io/library/nginx:1.29"
command = ["nginx", "-g", "daemon off;"]
environment = {{ NAME = "service {number}", LEVEL = "info" }}
ports = ["127.0.0.1:{port}:80"]
volumes = ["/run/bench:/data:ro"]
restart = "always"
labels = {{ team = "shop" }}
""")
        write(f"{quadlet}/bench-s{number}.container", f"""[Unit]
Description=Service {number}
[Container]
Image=docker.io/library/nginx:1.29
ContainerName=bench-s{number}
Exec=nginx -g "daemon off;"
Environment="NAME=service {number}" LEVEL=info
PublishPort=127.0.0.1:{port}:80
Volume=/run/bench:/data:ro
Label=team=shop
Network=bench.network
[Service]
Restart=always
[Install]
WantedBy=multi-user.target
""")
    write(f"{MEMORY}/{count}/wharf/bench.toml", "".join(stack))


def timed(command, fresh=None, **environment):
    if fresh:
        subprocess.run(["rm", "-rf", fresh], check=True)
        os.makedirs(fresh)
        os.sync()
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=NULL, stderr=NULL, env=os.environ | environment)
    return (time.perf_counter() - began) * 1000


for count in (1000, 1):
    services(count)
    here = f"{MEMORY}/{count}"
    stack = f"{here}/wharf/bench.toml"
    out = {name: f"{here}/out/{name}" for name in ("quadlet", "generator", "memory")} | {"disk": f"{DISK}/{count}"}
    generate = lambda place: ["wharf", "generate", "--output", out[place], stack]
    contestants = {
        "quadlet": lambda: timed(["/usr/libexec/podman/quadlet", out["quadlet"]], out["quadlet"],
                                 QUADLET_UNIT_DIRS=f"{here}/quadlet"),
        "wharf-generator": lambda: timed(["/usr/lib/systemd/system-generators/wharf-generator", out["generator"], "/run", "/run"],
                                         out["generator"], WHARF_STACK_DIR=f"{here}/wharf"),
        "wharf generate, in memory": lambda: timed(generate("memory"), out["memory"]),
        "wharf generate, nothing changed": lambda: timed(generate("memory")),
        "wharf generate, on disk": lambda: timed(generate("disk"), out["disk"]),
        "wharf generate, on disk, nothing changed": lambda: timed(generate("disk")),
        "wharf check": lambda: timed(["wharf", "check", stack]),
        "a process that does nothing": lambda: timed(["/bin/true"]),
    }
    times = {name: [] for name in contestants}
    for _ in range(ROUNDS + 1):
        for name, run in contestants.items():
            times[name].append(run())
    made = len([name for name in os.listdir(out["quadlet"]) if name.endswith(".service")])
    assert made == count + 1, f"quadlet made {made} services"
    assert os.path.exists(f"{out['memory']}/bench-s{count - 1}.service")
    assert os.path.exists(f"{out['generator']}/bench-s{count - 1}.service")
    # The first round warms the caches.
    median = {name: sorted(list[1:])[ROUNDS // 2] for name, list in times.items()}
    print(f"{count} service{'s' if count > 1 else ''}, median of {ROUNDS} rounds")
    for name, milliseconds in median.items():
        print(f"  {name:42} {milliseconds:8.2f} ms   {milliseconds / median['quadlet']:5.2f} of Quadlet's")
PYTHON
