"""Stacks up and down, beside docker compose."""

import time

from figures import WHARF
from host import IMAGE, PLACE, generate, run, running, sleeper, until, write

TITLE = "Stacks"
METHOD = """
A stack of 40 services that need nothing of each other, and a chain of 20 in which each depends on the one before it. Up: `systemctl
start` of the target and the units, and `docker compose up --detach`, until all containers run. Down: `systemctl stop` of the same and
`docker compose down`, until the command returns. The stack is enabled, as one that starts at boot. If it is not, systemd unloads its units
when all have stopped, and loads all of them again for each question of `systemctl stop`, which looks for sockets and timers that could
start a unit again; `--no-warn` prevents that.

`docker compose` is one program that asks the engine 40 times; of a stack, systemd executes 40 programs, and waits 23 ms until each is in
its control group (see Start and crash).
"""

COMPOSE = "docker compose"


class Wharf:
    def __init__(self, name, count, needs):
        self.name = name
        self.units = [f"{name}-s{index}.service" for index in range(count)]
        generate(name, [sleeper(f'depends_on = ["s{index - 1}"]' if needs and index else "") for index in range(count)])

    def enable(self, verb="enable"):
        run("systemctl", verb, f"{self.name}.target")

    def up(self):
        run("systemctl", "start", f"{self.name}.target", *self.units)

    def down(self):
        run("systemctl", "stop", f"{self.name}.target", f"{self.name}-*.service")


class Compose:
    def __init__(self, name, count, needs):
        service = '  s{}: {{image: "{}", command: ["sleep", "100000"], stop_signal: SIGKILL{}}}\n'
        services = (service.format(index, IMAGE, f", depends_on: [s{index - 1}]" if needs and index else "") for index in range(count))
        self.file = write(f"{PLACE}/{name}/compose.yaml", f"name: {name}\nservices:\n{''.join(services)}")

    def compose(self, *arguments):
        run("docker", "compose", "--file", self.file, *arguments)

    def up(self):
        self.compose("up", "--detach")

    def down(self):
        self.compose("down")


def timed(action, count):
    """Seconds until as many containers run, and no more."""
    began = time.perf_counter()
    action()
    until(lambda: running() == count, interval=0.01)
    return time.perf_counter() - began


def measure(figures, rounds):
    run("docker", "pull", "--quiet", IMAGE)
    for kind, count, needs in (("40 services", 40, False), ("chain of 20", 20, True)):
        wharf, compose = Wharf(f"wharf{count}", count, needs), Compose(f"compose{count}", count, needs)
        up, down, down_disabled = f"{kind}, up", f"{kind}, down", f"{kind}, not enabled, down"
        for index in range(rounds):
            for who, program in ((WHARF, wharf), (COMPOSE, compose))[::1 if index % 2 else -1]:
                wharf.enable()
                figures.add(up, who, timed(program.up, count))
                figures.add(down, who, timed(program.down, 0))
            wharf.enable("disable")
            wharf.up()
            figures.add(down_disabled, WHARF, timed(wharf.down, 0))
            figures.add(down_disabled, COMPOSE, figures.samples[down][COMPOSE][-1])
        figures.compare(up, "s", {COMPOSE: 1})
        figures.compare(down, "s", {COMPOSE: 1})
        figures.compare(down_disabled, "s")
