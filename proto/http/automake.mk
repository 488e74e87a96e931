# proto/http: HTTP/1.1 server parts.
proto_libproto_a_SOURCES += \
	proto/http/http-conditions.c \
	proto/http/http-conn.c \
	proto/http/http-deadline.c \
	proto/http/http-gzip.c \
	proto/http/http-input.c \
	proto/http/http-json.c \
	proto/http/http-limits.c \
	proto/http/http-login-delay.c \
	proto/http/http-origin.c \
	proto/http/http-parse.c \
	proto/http/http-parse.h \
	proto/http/http-peer.c \
	proto/http/http-private.h \
	proto/http/http-reply.c \
	proto/http/http-request.c \
	proto/http/http-server.c \
	proto/http/http-target.c \
	proto/http/http.h
