# Adds to the schema of Open vSwitch 3.1 the column that VMN writes where a
# host has it: that of a datapath's default zone limit, which came with 3.3.
/^   "Datapath": {$/,/^     "columns": {$/ s/^     "columns": {$/&\
       "ct_zone_default_limit": {\
         "type": {"key": {"type": "integer",\
                          "minInteger": 0,\
                          "maxInteger": 4294967295},\
                  "min": 0, "max": 1}},/
