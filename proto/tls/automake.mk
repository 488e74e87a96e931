# proto/tls: certificates.
proto_libproto_a_SOURCES += \
	proto/tls/tls-client.c \
	proto/tls/tls-client.h \
	proto/tls/tls.c \
	proto/tls/tls.h
