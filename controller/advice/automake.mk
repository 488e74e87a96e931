# controller/advice
controller_libvmn_a_SOURCES += \
	controller/advice/advice-climb.c \
	controller/advice/advice-exact.c \
	controller/advice/advice-lacks.c \
	controller/advice/advice-order.c \
	controller/advice/advice-peers.c \
	controller/advice/advice-private.h \
	controller/advice/advice.c \
	controller/advice/advice.h
