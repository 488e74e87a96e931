# proto/tls: certificates.
proto_libproto_a_SOURCES += \
	proto/tls/tls.c \
	proto/tls/tls.h
