# proto/admission
proto_libproto_a_SOURCES += \
	proto/admission/admission.c \
	proto/admission/admission.h \
	proto/admission/fair-rate.c \
	proto/admission/fair-rate.h
