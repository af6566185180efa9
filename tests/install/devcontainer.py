"""devcontainer.py - install.devcontainer: .devcontainer/devcontainer.json is JSON, and runs what is there. devcontainer.py SOURCE"""
import json
import os

from installed import Failure, main, read

KNOWN = {"name": str, "image": str, "init": bool, "capAdd": list, "securityOpt": list, "postCreateCommand": str}


def devcontainer(source):
    path = os.path.join(source, ".devcontainer/devcontainer.json")
    try:
        container = json.loads(read(path, "r"))
    except json.JSONDecodeError as error:
        raise Failure(f"{path} is no JSON: {error}")
    for key, value in container.items():
        if not isinstance(value, KNOWN.get(key, ())):
            raise Failure(f"{key}: {value!r} is not what such a file has there")
    script = container["postCreateCommand"].split()[0]
    if not os.access(os.path.join(source, script), os.X_OK):
        raise Failure(f"{script} cannot be run")
    readme = read(os.path.join(source, ".devcontainer/README.md"), "r")
    unexplained = [key for key in container if key != "name" and f"`{key}`" not in readme]
    if unexplained:
        raise Failure(f".devcontainer/README.md does not explain {unexplained}")
    return f"JSON, with {len(container)} keys, each of them explained"


main(devcontainer)
