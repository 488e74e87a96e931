# SPDX-License-Identifier: Apache-2.0
"""Clients in Python and Go with types that are generated from the API's
description, all of it, and used against a vmnd.  The generator, quicktype, is
from npm; what it makes is kept nowhere.  A client in TypeScript, with its
calls, is test_openapi's."""

import glob
import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import HERE, check_log, close_lab, make_lab
from test_openapi import PORT, TOKEN, token_file
from vmnlab import netns

TYPES = os.path.join(HERE, "api-types")


@pytest.fixture(name="generator", scope="module")
def _generator():
    done = subprocess.run(
        [os.path.join(HERE, "../../build-aux/npm-modules"), TYPES],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        check=False)
    if done.returncode:
        pytest.skip("quicktype cannot be had: " + done.stderr[-300:])
    return os.path.join(done.stdout.strip(), "node_modules/.bin/quicktype")


@pytest.fixture(name="lab", scope="module")
def _lab():
    tokens = token_file()
    lab = make_lab("types", 1, options=(
        "--api-listen=127.0.0.1:%d" % PORT, "--api-token-file=" + tokens))
    yield lab
    check_log(lab.vmnd)
    close_lab(lab)
    os.unlink(tokens)


def json_schema(node):
    """The same with references as in a document of definitions.  quicktype
    knows no tuples ("prefixItems"): these are lists of anything."""
    if isinstance(node, list):
        return [json_schema(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {key: json_schema(value) for key, value in node.items()}
    if node.get("items") is False:
        del node["prefixItems"]
        node["items"] = {}
    if "$ref" in node:
        node["$ref"] = node["$ref"].replace("#/components/schemas/",
                                            "#/definitions/")
    return node


@pytest.fixture(name="schema", scope="module")
def _schema(lab, tmp_path_factory):
    """A file with the definitions of all types."""
    document = lab.vmnd.api.get("openapi.json")
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    path.write_text(json.dumps(
        {"definitions": json_schema(document["components"]["schemas"])}))
    return str(path)


def generate(generator, schema, folder, *options):
    build([generator, "--src-lang", "schema", schema + "#/definitions/",
           *options], folder)


def with_defaults(source):
    """quicktype gives an optional member of any type no default in Python,
    which must not follow members that have one."""
    lines = []
    after_default = False
    for line in source.splitlines():
        if line.startswith("class "):
            after_default = False
        if line.startswith("    ") and line.endswith(" = None"):
            after_default = True
        elif line.endswith(": Any") and after_default:
            line += " = None"
        lines.append(line)
    return "\n".join(lines) + "\n"


def build(args, folder, **env):
    """Compiles, on a slow machine too: much of Go's own library with it."""
    done = subprocess.run(
        args, cwd=folder, env=dict(os.environ, **env), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


def works(lab, *args):
    return netns.run([*args, "http://127.0.0.1:%d" % PORT], lab.net_ns,
                     env=dict(os.environ, TOKEN=TOKEN)) == "done\n"


def test_types_in_python(lab, generator, schema, tmp_path):
    shutil.copy(os.path.join(TYPES, "client.py"), tmp_path)
    generate(generator, schema, tmp_path, "--lang", "python",
             "--python-version", "3.7", "--out", "api.py")
    path = tmp_path / "api.py"
    path.write_text(with_defaults(path.read_text()))
    assert works(lab, sys.executable, str(tmp_path / "client.py"))


def find_go():
    """The go command, also where Debian has put that of a version alone."""
    return shutil.which("go") or next(
        iter(sorted(glob.glob("/usr/lib/go-*/bin/go"), reverse=True)), None)


def test_types_in_go(lab, generator, schema, tmp_path):
    go = find_go()
    if not go:
        pytest.skip("there is no Go compiler: apt-get install golang-go")
    shutil.copy(os.path.join(TYPES, "client.go"), tmp_path)
    (tmp_path / "go.mod").write_text("module client\n\ngo 1.19\n")
    generate(generator, schema, tmp_path, "--lang", "go", "--package", "main",
             "--out", "api.go")
    # Nothing but Go's own packages, and nothing is left behind.
    build([go, "build", "-o", "client", "."], tmp_path, GOPROXY="off",
          GOFLAGS="-mod=mod", GOTOOLCHAIN="local",
          GOCACHE=str(tmp_path / "cache"), GOPATH=str(tmp_path / "path"))
    assert works(lab, str(tmp_path / "client"))
