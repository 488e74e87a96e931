# controller/recommend
controller_libvmn_a_SOURCES += \
	controller/recommend/candidate-rules.c \
	controller/recommend/candidate-rules.h \
	controller/recommend/candidate-selectors.c \
	controller/recommend/candidate-selectors.h \
	controller/recommend/observed-connections.c \
	controller/recommend/observed-connections.h \
	controller/recommend/recommend.c \
	controller/recommend/recommend.h \
	controller/recommend/set-cover.c \
	controller/recommend/set-cover.h \
	controller/recommend/step-counter.h
