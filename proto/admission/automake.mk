# proto/admission
proto_libproto_a_SOURCES += \
	proto/admission/admission.c \
	proto/admission/admission.h
