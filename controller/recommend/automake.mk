# controller/recommend
controller_libvmn_a_SOURCES += \
	controller/recommend/boxes.c \
	controller/recommend/boxes.h \
	controller/recommend/pacer.h \
	controller/recommend/picks.c \
	controller/recommend/picks.h \
	controller/recommend/recommend.c \
	controller/recommend/recommend.h \
	controller/recommend/seen.c \
	controller/recommend/seen.h \
	controller/recommend/setcover.c \
	controller/recommend/setcover.h
