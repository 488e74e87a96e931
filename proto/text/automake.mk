# proto/text
proto_libproto_a_SOURCES += \
	proto/text/byte-order-mark.h \
	proto/text/log-quoting.c \
	proto/text/quoted-text.c \
	proto/text/quoted-text.h
