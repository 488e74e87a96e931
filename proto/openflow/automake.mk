# proto/openflow
proto_libproto_a_SOURCES += \
	proto/openflow/ofconn-private.h \
	proto/openflow/ofconn.c \
	proto/openflow/ofconn.h \
	proto/openflow/ofdump.c \
	proto/openflow/ofdump.h \
	proto/openflow/ofhandshake.c \
	proto/openflow/ofmsg.c \
	proto/openflow/ofmsg.h \
	proto/openflow/ofpacket.c \
	proto/openflow/ofpacket.h \
	proto/openflow/ofserver.c \
	proto/openflow/ofstream.c \
	proto/openflow/ofstream.h
