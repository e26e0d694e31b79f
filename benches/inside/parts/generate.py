"""From services to units: Wharf beside Quadlet's generator and `docker compose config`."""

import os
import subprocess
import time

from figures import WHARF
from host import PLACE, Meter, write

TITLE = "Generate"
METHOD = """
The same services in each program's language. `wharf-generator` and Quadlet's generator run as systemd runs them at boot, into memory, and
sync nothing. `wharf generate` is beside `docker compose config`, which reads, checks and prints. On disk, `wharf generate` syncs what it
writes; beside it is `wharf-generator` with one syncfs(2) after it.

Where the time goes (1,000 services, perf and callgrind): of the 50 ms of processor time, 21 are the kernel's, to create, write and close
2,000 files (a unit and a definition for each service; Quadlet writes 1,000 files); `wharf generate` needs 10 more to rename them into
place. Of the 272 million instructions of Wharf's own, 65 are the definitions as JSON, 31 the TOML, 31 its decoding, 30 memory.
"""

# The engine's data is on a disk, everything else on a test host in memory.
DISK = "/var/lib/docker/bench"
QUADLET, GENERATOR = "/usr/libexec/podman/quadlet", "/usr/lib/systemd/system-generators/wharf-generator"
BY_QUADLET, BY_COMPOSE = "Quadlet's generator", "docker compose config"
NOTHING = "a program that does nothing"


def counted(count):
    return f"{count:,} services" if count > 1 else "1 service"


def sources(count):
    """The same services in the three languages."""
    stack, compose = ['name = "bench"\n[networks.default]\n'], ["name: bench\nservices:\n"]
    write(f"{PLACE}/{count}/quadlet/bench.network", "[Network]\nNetworkName=bench_default\n")
    for number in range(count):
        port = f"127.0.0.{1 + number // 50000}:{10000 + number % 50000}:80"
        stack.append(f"""
[services.s{number}]
image = "docker.io/library/nginx:1.29"
command = ["nginx", "-g", "daemon off;"]
environment = {{ NAME = "service {number}", LEVEL = "info" }}
ports = ["{port}"]
volumes = ["/run/bench:/data:ro"]
restart = "always"
labels = {{ team = "shop" }}
""")
        compose.append(f"""
  s{number}:
    image: docker.io/library/nginx:1.29
    command: ["nginx", "-g", "daemon off;"]
    environment: {{ NAME: "service {number}", LEVEL: info }}
    ports: ["{port}"]
    volumes: ["/run/bench:/data:ro"]
    restart: always
    labels: {{ team: shop }}
""")
        write(f"{PLACE}/{count}/quadlet/bench-s{number}.container", f"""[Unit]
Description=Service {number}
[Container]
Image=docker.io/library/nginx:1.29
ContainerName=bench-s{number}
Exec=nginx -g "daemon off;"
Environment="NAME=service {number}" LEVEL=info
PublishPort={port}
Volume=/run/bench:/data:ro
Label=team=shop
Network=bench.network
[Service]
Restart=always
[Install]
WantedBy=multi-user.target
""")
    write(f"{PLACE}/{count}/wharf/bench.toml", "".join(stack))
    write(f"{PLACE}/{count}/compose.yaml", "".join(compose))


METER = Meter()


def timed(command, fresh=None, **environment):
    """Time and processor time of a command, in milliseconds."""
    if fresh:
        subprocess.run(["rm", "-rf", fresh], check=True)
        os.makedirs(fresh)
        os.sync()
    before, began = METER.milliseconds(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment)
    return (time.perf_counter() - began) * 1000, METER.milliseconds() - before


class Services:
    """The programs on `count` services. The first run of each warms the caches and is not kept."""

    def __init__(self, figures, count):
        self.figures, self.count, self.kept = figures, count, False
        self.here = f"{PLACE}/{count}"
        self.stack = f"{self.here}/wharf/bench.toml"
        sources(count)

    def add(self, what, who, times):
        if self.kept:
            self.figures.add(f"{counted(self.count)}, {what}", who, times[0])
            self.figures.add(f"{counted(self.count)}, {what}, processor time", who, times[1])

    def out(self, name, on_disk=False):
        return (f"{DISK}/{self.count}" if on_disk else self.here) + f"/out/{name}"

    def quadlet(self):
        out = self.out("quadlet")
        times = timed([QUADLET, out], out, QUADLET_UNIT_DIRS=f"{self.here}/quadlet")
        made = sum(name.endswith(".service") for name in os.listdir(out))
        assert made == self.count + 1, f"quadlet made {made} services"
        return times

    def generator(self, on_disk=False):
        out = self.out("generator", on_disk)
        times = timed([GENERATOR, out, "/run", "/run"], out, WHARF_STACK_DIR=f"{self.here}/wharf")
        assert os.path.exists(f"{out}/bench-s{self.count - 1}.service")
        return times

    def generate(self, what, on_disk=False):
        out = self.out("generate", on_disk)
        command = ["wharf", "generate", "--output", out, self.stack]
        self.add(what, WHARF, timed(command, out))
        assert os.path.exists(f"{out}/bench-s{self.count - 1}.service")
        self.add(f"{what}, nothing changed", WHARF, timed(command))

    def round(self):
        quadlet, compose = self.quadlet(), timed(["docker", "compose", "--file", f"{self.here}/compose.yaml", "config"])
        self.add("generator", WHARF, self.generator())
        self.add("generator", BY_QUADLET, quadlet)
        self.generate("wharf generate")
        self.add("wharf generate", BY_QUADLET, quadlet)
        self.add("wharf generate", BY_COMPOSE, compose)
        self.add("wharf generate, nothing changed", BY_COMPOSE, compose)
        self.add("wharf check", WHARF, timed(["wharf", "check", self.stack]))
        self.add("wharf check", BY_COMPOSE, compose)

    def round_on_disk(self):
        generated = self.generator(on_disk=True)
        synced = timed(["sync", "--file-system", self.out("generator", on_disk=True)])
        self.generate("wharf generate on disk", on_disk=True)
        self.add("wharf generate on disk", "wharf-generator and syncfs", tuple(map(sum, zip(generated, synced))))


def measure(figures, rounds):
    sizes = {count: Services(figures, count) for count in (1, 10, 100, 1000, 10000)}
    for index in range(rounds + 1):
        for count, services in sizes.items():
            # The largest takes half a minute a round.
            if count < 10000 or index < 4:
                services.kept = index > 0
                services.round()
                if count in (1, 1000):
                    services.round_on_disk()
        sizes[1].add("wharf generate", NOTHING, timed(["/bin/true"]))

    for count in sizes:
        services = counted(count)
        quarter = {BY_QUADLET: 0.25} if count == 1000 else {}
        for clock in ("", ", processor time") if count == 1000 else ("",):
            figures.compare(f"{services}, generator{clock}", "ms", quarter)
            figures.compare(f"{services}, wharf generate{clock}", "ms", quarter)
        if count in (1, 1000):
            figures.compare(f"{services}, wharf generate, nothing changed", "ms")
            figures.compare(f"{services}, wharf check", "ms")
            figures.compare(f"{services}, wharf generate on disk", "ms", {"wharf-generator and syncfs": 2} if count == 1000 else {})
            nothing = f"{services}, wharf generate on disk, nothing changed"
            figures.alone(nothing, "ms", figures.median(nothing))
    figures.rows = [row for row in figures.rows if row["who"] != NOTHING]
    one = "1 service, wharf generate"
    figures.alone(f"{one}, beyond a program that does nothing", "ms", figures.median(one) - figures.median(one, NOTHING), 2)
    for clock in ("", ", processor time"):
        growth = figures.median(f"10,000 services, generator{clock}") / figures.median(f"1,000 services, generator{clock}")
        figures.alone(f"generator{clock}: 10,000 services as a multiple of 1,000", "", growth, 11)
