# proto/packet
proto_libproto_a_SOURCES += \
	proto/packet/bytes.h \
	proto/packet/dhcp4.c \
	proto/packet/dhcp6.c \
	proto/packet/dns.c \
	proto/packet/put.c \
	proto/packet/nd.c \
	proto/packet/refusal.c \
	proto/packet/router.c \
	proto/packet/udp.c
