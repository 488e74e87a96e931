# controller/flow: flows and groups as apps write them and switches get them.
controller_libvmn_a_SOURCES += \
	controller/flow/action.c \
	controller/flow/arp-nd-responder.c \
	controller/flow/ct-action.c \
	controller/flow/emit.h \
	controller/flow/flow-item.c \
	controller/flow/flow-item.h \
	controller/flow/flow-match.c \
	controller/flow/flow-part.c \
	controller/flow/flow-part.h \
	controller/flow/flow-text.c \
	controller/flow/flow-text.h \
	controller/flow/flow.c \
	controller/flow/lasting-text.c \
	controller/flow/lasting-text.h \
	controller/flow/learn-action.c \
	controller/flow/learn-action.h \
	controller/flow/learn-client.c \
	controller/flow/learn-client.h \
	controller/flow/learn-connection.c \
	controller/flow/learn-connection.h \
	controller/flow/learn-mac.c \
	controller/flow/learn-mac.h \
	controller/flow/learn-neighbour.c \
	controller/flow/learn-neighbour.h \
	controller/flow/match-overlap.c \
	controller/flow/match-overlap.h \
	controller/flow/oxm.c \
	controller/flow/oxm.h \
	controller/flow/pipeline.c \
	controller/flow/pipeline.h \
	controller/flow/punt-action.c \
	controller/flow/punt-action.h \
	controller/flow/resubmit-action.c \
	controller/flow/sample-action.c \
	controller/flow/sample-action.h
