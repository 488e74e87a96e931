# proto/ovsdb
proto_libproto_a_SOURCES += \
	proto/ovsdb/budget.c \
	proto/ovsdb/ensure-ipsec.c \
	proto/ovsdb/ensure-patch.c \
	proto/ovsdb/ensure-telemetry.c \
	proto/ovsdb/ensure.c \
	proto/ovsdb/identify.c \
	proto/ovsdb/json-frame.c \
	proto/ovsdb/json-frame.h \
	proto/ovsdb/listen.c \
	proto/ovsdb/opening.c \
	proto/ovsdb/ovsdb-private.h \
	proto/ovsdb/ovsdb.h \
	proto/ovsdb/relay.c \
	proto/ovsdb/schemas.c \
	proto/ovsdb/session.c \
	proto/ovsdb/snapshot.c
