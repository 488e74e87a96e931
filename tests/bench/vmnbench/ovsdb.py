# SPDX-License-Identifier: Apache-2.0
"""A small OVSDB client (RFC 7047) over a unix socket.  Clients of the
command-line tools would spend more time on starting than some changes take."""

import json
import socket
import threading

from .process import Error


class Connection:
    """One connection.  A thread reads it, so that probes are answered and
    monitored rows kept up to date while the caller does something else."""

    def __init__(self, path, database):
        self.database = database
        self.rows = {}          # table -> uuid -> row, of what is monitored.
        self.changed = threading.Condition()
        self.replies = {}
        self.next_id = 0
        self.failed = None
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join()
        self.socket.close()

    def _read(self):
        decoder = json.JSONDecoder()
        text = ""
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                with self.changed:
                    self.failed = "the connection is closed"
                    self.changed.notify_all()
                return
            text += data.decode()
            while text:
                try:
                    message, end = decoder.raw_decode(text)
                except ValueError:
                    break
                text = text[end:].lstrip()
                self._handle(message)

    def _handle(self, message):
        method = message.get("method")
        if method == "echo":
            self._send({"id": message["id"], "result": message["params"],
                        "error": None})
            return
        with self.changed:
            if method == "update":
                self._update(message["params"][1])
            elif method is None:
                self.replies[message["id"]] = message
            self.changed.notify_all()

    def _update(self, tables):
        for table, rows in tables.items():
            have = self.rows.setdefault(table, {})
            for uuid, row in rows.items():
                if "new" in row:
                    have.setdefault(uuid, {}).update(row["new"])
                else:
                    have.pop(uuid, None)

    def _send(self, message):
        self.socket.sendall(json.dumps(message).encode())

    def call(self, method, *params):
        with self.changed:
            self.next_id += 1
            number = self.next_id
        self._send({"id": number, "method": method, "params": list(params)})
        with self.changed:
            while number not in self.replies:
                if self.failed:
                    raise Error(self.failed)
                self.changed.wait(300)
            reply = self.replies.pop(number)
        if reply["error"]:
            raise Error("%s: %s" % (method, reply["error"]))
        return reply["result"]

    def transact(self, *operations):
        results = self.call("transact", self.database, *operations)
        for result in results:
            if result and result.get("error"):
                raise Error("transact: %s: %s" % (result["error"],
                                                  result.get("details")))
        return results

    def monitor(self, **tables):
        """Keeps the given columns of tables in 'rows'."""
        result = self.call("monitor", self.database, None,
                           {table: {"columns": columns}
                            for table, columns in tables.items()})
        with self.changed:
            self._update(result)

    def wait_for(self, what, condition, seconds=1200):
        """Waits until condition(rows) is true."""
        with self.changed:
            if not self.changed.wait_for(
                    lambda: self.failed or condition(self.rows), seconds):
                raise Error("%s: not within %g s" % (what, seconds))
            if self.failed:
                raise Error(self.failed)


def transact_once(path, database, *operations):
    """One transaction on a connection of its own."""
    connection = Connection(path, database)
    try:
        return connection.transact(*operations)
    finally:
        connection.close()


def uuid_set(uuids):
    return ["set", [["named-uuid", uuid] for uuid in uuids]]


def string_map(items):
    return ["map", [[key, value] for key, value in items.items()]]
