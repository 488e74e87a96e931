# proto/packet
proto_libproto_la_SOURCES += \
	proto/packet/udp.c
