# proto/packet
proto_libproto_a_SOURCES += \
	proto/packet/arp-message.c \
	proto/packet/bytes.c \
	proto/packet/dhcp4.c \
	proto/packet/dhcp6.c \
	proto/packet/dns-message.c \
	proto/packet/icmp-error-message.c \
	proto/packet/nd-message.c \
	proto/packet/packet-bytes.h \
	proto/packet/reject-message.c \
	proto/packet/reject-private.h \
	proto/packet/router-discovery.c \
	proto/packet/tcp-reset-message.c \
	proto/packet/udp.c
