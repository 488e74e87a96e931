# SPDX-License-Identifier: Apache-2.0
"""Tells vmnd what Neutron's database says.

Order.  Several processes of several neutron-servers tell vmnd at once, and
nothing keeps the one that has read the older state from being the last to
tell.  So nobody tells what a callback was given, and nobody stops when it is
told: what the database says *now* is read, told, and then read again; if that
is something else, all over.  Whoever tells an object last has therefore read,
after that, what he has told.  A later change has its own caller.  No lock and
no revision number is needed for it, and none is held while vmnd is waited for.

What one key has, and what several keys of one call have, is one transaction of
vmnd, in which what is no longer wanted is deleted.

What is in the way.  Until the slower of two has read again, vmnd may hold an
object that is deleted: the one told it before the other deleted it, and it
came later.  vmnd then refuses what such an object is in the way of, as the
end of a network that it says a port is in.  So whatever a refusal names is
read and told as well, together with what was refused.  If vmnd does not let
go of something that Neutron has not any more, its mark stays, and it is told
again: nobody can ask Neutron for that once more.

What is lost.  A change is marked in the spool before it is committed; the mark
stays until vmnd has been told.  All that vmnd has is compared with the
database by the worker: when it starts, whenever it reaches vmnd again, and
every [vmn] resync_interval.  Only what differs is told, by the rule above."""

from oslo_log import log

from vmn_neutron import client as vmn
from vmn_neutron import source as sources
from vmn_neutron import translate

LOG = log.getLogger(__name__)

TURNS_MAX = 10
CHUNK = 500


class Unsettled(Exception):
    """The database changes faster than it is told, or what was to be there
    is not visible yet."""


class Synchronizer:
    def __init__(self, client, source, spool):
        self.client = client
        self.source = source
        self.spool = spool

    def tell(self, keys, expected=()):
        """Has vmnd hold what the database says of 'keys', and takes this
        thread's marks of them away; returns true.  While vmnd cannot be
        reached the marks stay, for the worker, and false is returned.  Raises
        client.Refused if vmnd says no: the marks go, as to say the same again
        would not help; but those of what is deleted are the worker's, later.
        'expected' are the keys that must have something: they have been
        created."""
        keys = set(keys)
        try:
            self._tell_with_needs(keys, expected)
        except (vmn.Unreachable, Unsettled) as error:
            LOG.warning("vmnd is told later of %s: %s",
                        ", ".join("%s %s" % k for k in sorted(keys)), error)
            self.spool.retry(keys)
            return False
        except vmn.Refused:
            gone = self.gone(keys)
            self.spool.later(gone)
            self.spool.finish(keys - gone)
            raise
        except Exception:
            self.spool.retry(keys)
            raise
        self.spool.finish(keys)
        return True

    def gone(self, keys):
        """Returns those of 'keys' that vmnd is to have nothing of."""
        return {key for key, wanted in self.source.read(keys).items()
                if not wanted} if keys else set()

    def _tell_with_needs(self, keys, expected):
        try:
            self._settle_all(keys, expected)
        except vmn.Refused:
            # Perhaps for what was not told either: the network of a port, or
            # what still refers to what is to go.
            more = self.source.needs(keys) | set(self.spool.due().values())
            if not more - keys:
                raise
            self._settle_all(keys | more, expected)

    def _settle_all(self, keys, expected=()):
        """As settle(), together with what vmnd says is in the way."""
        try:
            self.settle(keys, expected)
        except vmn.Refused as refused:
            more = self._named(refused.ids - {ident for _, ident in keys})
            if not more:
                raise
            try:
                self.settle(keys | more, expected)
            except vmn.Refused:
                # Whoever has asked knows nothing of those others.
                raise refused

    def _named(self, ids):
        """Returns the keys of what the driver has in vmnd by Neutron's
        ids."""
        found = set()
        for ident in ids:
            for key in sources.keys_of_id(ident):
                there = map(lambda one: self.client.get(*one),
                            sources.owned(key))
                if any(translate.LABEL in one["spec"].get("labels", {})
                       for one in there if one):
                    found.add(key)
        return found

    def settle(self, keys, expected=()):
        """Tells until what was told is what the database says."""
        wanted = self.source.read(keys)
        for _ in range(TURNS_MAX):
            missing = [key for key in expected if not wanted.get(key)]
            if missing:
                raise Unsettled("%s %s is not there yet" % missing[0])
            self._apply(wanted)
            told, wanted = wanted, self.source.read(keys)
            if told == wanted:
                return
        raise Unsettled("the database has changed %d times" % TURNS_MAX)

    def _apply(self, wanted):
        """Makes one transaction of what keys are to have, and of what they
        may have and are not to."""
        objects, gone = {}, []
        for key, found in wanted.items():
            objects.update(found)
            gone += [one for one in sources.owned(key) if one not in found]
        there = [one for one in gone if one not in objects
                 and self.client.get(*one)]
        requests = [{"op": "delete", "type": kind, "name": name}
                    for kind, name in _ordered(there, backwards=True)]
        requests += [{"type": kind, "name": name, "spec": objects[kind, name]}
                     for kind, name in _ordered(objects)]
        if requests:
            try:
                self.client.apply(requests)
            except vmn.Refused as refused:
                if refused.status == 404 and there:
                    raise Unsettled("somebody else deletes the same")
                raise

    # All of it.  ----------------------------------------------------------

    def compare(self):
        """Compares all that vmnd has of Neutron's with the database, and
        tells what differs.  Returns the keys that vmnd refuses.

        vmnd is read first: what it has by then, and the database has not
        afterwards, was deleted and not told, as ids are never used again."""
        there = self._held()
        keys = self.source.all_keys()
        wrong = {sources.key_of(*one) for one in there}
        n_keys = len(keys)
        while keys:
            chunk, keys = keys[:CHUNK], keys[CHUNK:]
            for key, objects in self.source.read(chunk).items():
                held = {one for one in sources.owned(key) if one in there}
                if set(objects) == held and not any(
                        translate.differs(spec, there[one])
                        for one, spec in objects.items()):
                    wrong.discard(key)
                else:
                    wrong.add(key)
        LOG.info("compared %d objects of Neutron's: %d differ in vmnd",
                 n_keys, len(wrong))
        return self.tell_all(wrong)

    def _held(self):
        """Returns {(type, name): spec} of what is the driver's in vmnd."""
        return {(kind, item["name"]): item["spec"]
                for kind in sources.ORDER
                for item in self.client.list(kind, translate.LABEL)}

    def tell_all(self, keys):
        """As settle(), of any number of keys: what vmnd refuses is left out
        and returned, and the rest told."""
        keys, refused = set(keys), set()
        while keys:
            try:
                self._settle_in_chunks(keys)
                break
            except vmn.Refused as error:
                faulty = {sources.key_of(*one) for one in error.objects}
                if not faulty & keys:
                    raise
                LOG.error("vmnd refuses %s: %s", ", ".join(
                    "%s %s" % k for k in sorted(faulty)), error)
                refused |= faulty
                keys -= faulty
        return refused

    def _settle_in_chunks(self, keys):
        ordered = sorted(keys, key=lambda key: sources.ORDER.index(
            sources.owned(key)[0][0]))
        for i in range(0, len(ordered), 10 * CHUNK):
            self._settle_all(set(ordered[i:i + 10 * CHUNK]))


def _ordered(objects, backwards=False):
    return sorted(objects, key=lambda one: (sources.ORDER.index(one[0]), one),
                  reverse=backwards)
