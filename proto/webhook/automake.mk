# proto/webhook: calls of web servers that are told of something.
proto_libproto_a_SOURCES += \
	proto/webhook/webhook-attempt.c \
	proto/webhook/webhook-attempt.h \
	proto/webhook/webhook-url.c \
	proto/webhook/webhook-url.h \
	proto/webhook/webhook.c \
	proto/webhook/webhook.h
