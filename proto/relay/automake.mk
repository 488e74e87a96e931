# proto/relay: passes requests on to another server.
proto_libproto_a_SOURCES += \
	proto/relay/relay-pass.c \
	proto/relay/relay-private.h \
	proto/relay/relay.c \
	proto/relay/relay.h
