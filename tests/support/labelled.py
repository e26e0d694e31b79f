"""Loads an image with a label that an image from a registry might have: labelled.py IMAGE NAME BYTES."""

import json
import os
import subprocess
import sys

image, name, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.makedirs("/tmp/labelled", exist_ok=True)
os.chdir("/tmp/labelled")
subprocess.run("docker save " + image + " | tar --extract", shell=True, check=True)
with open("manifest.json") as file:
    manifest = json.load(file)[0]
with open(manifest["Config"]) as file:
    config = json.load(file)
config["config"]["Labels"] = {"org.example": "x" * size}
manifest = {"Config": "config.json", "RepoTags": [name], "Layers": manifest["Layers"]}
for path, data in ("config.json", config), ("manifest.json", [manifest]):
    with open(path, "w") as file:
        json.dump(data, file)
files = " ".join(["manifest.json", "config.json", *manifest["Layers"]])
subprocess.run("tar --create " + files + " | docker load --quiet", shell=True, check=True)
