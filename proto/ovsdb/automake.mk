# proto/ovsdb
proto_libproto_a_SOURCES += \
	proto/ovsdb/ovsdb-memory.c \
	proto/ovsdb/ovsdb-config-copies.c \
	proto/ovsdb/ovsdb-config-managers.c \
	proto/ovsdb/ovsdb-config-peers.c \
	proto/ovsdb/ovsdb-config-patch.c \
	proto/ovsdb/ovsdb-config-prefixes.c \
	proto/ovsdb/ovsdb-config-queues.c \
	proto/ovsdb/ovsdb-config-telemetry.c \
	proto/ovsdb/ovsdb-config-zone-limit.c \
	proto/ovsdb/ovsdb-config.c \
	proto/ovsdb/ovsdb-desired.c \
	proto/ovsdb/ovsdb-identify.c \
	proto/ovsdb/json-frame.c \
	proto/ovsdb/json-frame.h \
	proto/ovsdb/ovsdb-listener.c \
	proto/ovsdb/ovsdb-handshake.c \
	proto/ovsdb/ovsdb-private.h \
	proto/ovsdb/ovsdb.h \
	proto/ovsdb/ovsdb-relay.c \
	proto/ovsdb/ovsdb-schema-cache.c \
	proto/ovsdb/ovsdb-session.c \
	proto/ovsdb/ovsdb-snapshot.c \
	proto/ovsdb/ovsdb-target.c

# The OVSDB client's view of a host's database, by Open vSwitch's own
# generator: for the schema of the source tree, and a column of newer ones.
noinst_LIBRARIES += proto/ovsdb/libidl.a
nodist_proto_ovsdb_libidl_a_SOURCES = \
	proto/ovsdb/vswitch-idl.c \
	proto/ovsdb/vswitch-idl.h
proto_ovsdb_libidl_a_CFLAGS = $(AM_CFLAGS) -w
VMN_IDLC = PYTHONPATH=$(OVS_SOURCE)/python PYTHONDONTWRITEBYTECODE=yes \
	python3 $(OVS_SOURCE)/ovsdb/ovsdb-idlc.in
proto/ovsdb/vswitch-idl.ovsidl: $(srcdir)/proto/ovsdb/newer-schema.sed \
		$(OVS_SOURCE)/vswitchd/vswitch.ovsschema
	$(AM_V_GEN)$(MKDIR_P) proto/ovsdb \
	  && sed -f $(srcdir)/proto/ovsdb/newer-schema.sed \
	    $(OVS_SOURCE)/vswitchd/vswitch.ovsschema >$@.schema \
	  && grep ct_zone_default_limit $@.schema >/dev/null \
	  && sed 's,"lib/,"proto/ovsdb/,' \
	    $(OVS_SOURCE)/lib/vswitch-idl.ann >$@.ann \
	  && $(VMN_IDLC) annotate $@.schema $@.ann >$@.tmp && mv $@.tmp $@
proto/ovsdb/vswitch-idl.c: proto/ovsdb/vswitch-idl.ovsidl
	$(AM_V_GEN)$(VMN_IDLC) c-idl-source $< >$@.tmp && mv $@.tmp $@
# Its warnings are not ours.
proto/ovsdb/vswitch-idl.h: proto/ovsdb/vswitch-idl.ovsidl
	$(AM_V_GEN){ echo '#pragma GCC system_header'; \
	  $(VMN_IDLC) c-idl-header $<; } >$@.tmp && mv $@.tmp $@
BUILT_SOURCES += proto/ovsdb/vswitch-idl.h
$(proto_libproto_a_OBJECTS): proto/ovsdb/vswitch-idl.h
EXTRA_DIST += proto/ovsdb/newer-schema.sed
CLEANFILES += proto/ovsdb/vswitch-idl.c proto/ovsdb/vswitch-idl.h \
	proto/ovsdb/vswitch-idl.ovsidl proto/ovsdb/vswitch-idl.ovsidl.ann \
	proto/ovsdb/vswitch-idl.ovsidl.schema
