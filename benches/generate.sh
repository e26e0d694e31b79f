#!/bin/bash
# How long it takes to make units of 1,000 services, of one, and of 10,000: Wharf beside Quadlet's generator, on the same services, in
# the same run, by turns, on a test host. Both write 1,000 service units; Wharf a container definition for each besides.
#
#     make bench, or: make && benches/generate.sh [ROUNDS]
#
# Prints medians: the time that passed, and that of the processors, which other work on the machine changes less. Quadlet's generator
# writes into memory and syncs nothing, as does wharf-generator; `wharf generate` syncs what it writes, so it is measured on disk as
# well, beside wharf-generator on the same disk and one syncfs(2) after it.
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
QUADLET, GENERATOR = "/usr/libexec/podman/quadlet", "/usr/lib/systemd/system-generators/wharf-generator"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def services(count):
    """The same services in both languages."""
    stack, quadlet = ['name = "bench"\n[networks.default]\n'], f"{MEMORY}/{count}/quadlet"
    write(f"{quadlet}/bench.network", "[Network]\nNetworkName=bench_default\n")
    for number in range(count):
        address, port = f"127.0.0.{1 + number // 50000}", 10000 + number % 50000
        stack.append(f"""
[services.s{number}]
image = "docker.io/library/nginx:1.29"
command = ["nginx", "-g", "daemon off;"]
environment = {{ NAME = "service {number}", LEVEL = "info" }}
ports = ["{address}:{port}:80"]
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
PublishPort={address}:{port}:80
Volume=/run/bench:/data:ro
Label=team=shop
Network=bench.network
[Service]
Restart=always
[Install]
WantedBy=multi-user.target
""")
    write(f"{MEMORY}/{count}/wharf/bench.toml", "".join(stack))


class Times:
    """What each contestant took, by turns, in milliseconds: of time and of the processors."""

    def __init__(self, count):
        self.count = count
        self.here = f"{MEMORY}/{count}"
        self.stack = f"{self.here}/wharf/bench.toml"
        self.runs = {}

    def place(self, name, on_disk=False):
        return f"{DISK if on_disk else MEMORY}/{self.count}/out/{name}"

    def timed(self, name, command, fresh=None, **environment):
        if fresh:
            subprocess.run(["rm", "-rf", fresh], check=True)
            os.makedirs(fresh)
            os.sync()
        used = lambda: sum(os.times()[2:4])
        before, began = used(), time.perf_counter()
        subprocess.run(command, check=True, stdout=NULL, stderr=NULL, env=os.environ | environment)
        took = (time.perf_counter() - began) * 1000, (used() - before) * 1000
        self.runs.setdefault(name, []).append(took)

    def quadlet(self):
        out = self.place("quadlet")
        self.timed("quadlet", [QUADLET, out], out, QUADLET_UNIT_DIRS=f"{self.here}/quadlet")
        made = sum(name.endswith(".service") for name in os.listdir(out))
        assert made == self.count + 1, f"quadlet made {made} services"

    def generator(self, on_disk=False):
        out = self.place("generator", on_disk)
        name = "wharf-generator, on disk, unsynced" if on_disk else "wharf-generator"
        self.timed(name, [GENERATOR, out, "/run", "/run"], out, WHARF_STACK_DIR=f"{self.here}/wharf")
        assert os.path.exists(f"{out}/bench-s{self.count - 1}.service")
        if on_disk:
            self.timed("syncfs after it", ["sync", "--file-system", out])

    def generate(self, on_disk=False):
        out = self.place("generate", on_disk)
        name = f"wharf generate, {'on disk' if on_disk else 'in memory'}"
        command = ["wharf", "generate", "--output", out, self.stack]
        self.timed(name, command, out)
        assert os.path.exists(f"{out}/bench-s{self.count - 1}.service")
        self.timed(f"{name}, nothing changed", command)

    def round(self):
        self.quadlet()
        self.generator()
        self.generate()
        self.generator(on_disk=True)
        self.generate(on_disk=True)
        self.timed("wharf check", ["wharf", "check", self.stack])
        self.timed("a process that does nothing", ["/bin/true"])

    def median(self, name, column=0):
        # The first round warms the caches.
        values = sorted(took[column] for took in self.runs[name][1:])
        return values[len(values) // 2]

    def print(self):
        print(f"{self.count} service{'s' if self.count > 1 else ''}, median of {len(self.runs['quadlet']) - 1} rounds")
        for name in self.runs:
            ratio = self.median(name) / self.median("quadlet")
            print(f"  {name:42} {self.median(name):9.2f} ms  {self.median(name, 1):9.2f} ms of the processors  {ratio:6.2f} of Quadlet's")


thousand, one, many = Times(1000), Times(1), Times(10000)
for times in (thousand, one, many):
    services(times.count)
for _ in range(ROUNDS + 1):
    thousand.round()
    one.round()
for _ in range(min(ROUNDS, 3) + 1):
    many.quadlet()
    many.generator()
for times in (thousand, one, many):
    times.print()

print("goals")
def goal(what, value, most, unit=""):
    print(f"  {what:62} {value:6.2f}{unit}  (at most {most}{unit}){'' if value <= most else '  MISSED'}")

for column, clock in enumerate(("", ", of the processors")):
    of_quadlet = lambda name: thousand.median(name, column) / thousand.median("quadlet", column)
    goal(f"the generator, 1,000 services, in Quadlet's time{clock}", of_quadlet("wharf-generator"), 0.25)
    goal(f"generate in memory, 1,000 services, in Quadlet's time{clock}", of_quadlet("wharf generate, in memory"), 0.25)
plain = thousand.median("wharf-generator, on disk, unsynced") + thousand.median("syncfs after it")
goal("generate on disk, in times of unsynced and a syncfs", thousand.median("wharf generate, on disk") / plain, 2)
goal("generate of one service, beyond a process that does nothing",
     one.median("wharf generate, in memory") - one.median("a process that does nothing"), 2, " ms")
for column, clock in enumerate(("", ", of the processors")):
    goal(f"the generator, 10,000 services, in times of 1,000{clock}",
         many.median("wharf-generator", column) / thousand.median("wharf-generator", column), 11)
PYTHON
