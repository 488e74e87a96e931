-- SPDX-License-Identifier: Apache-2.0
-- Lists of ports, and where they are shut: objects that name objects of the
-- app's, and what the app says of them in their status; test_own_types.py.

local lists = {
    name = "shuts-lists", singular = "shuts-list", doc = "Lists of ports.",
    fields = {
        { name = "ports", type = "int", min = 1, max = 65535, set = true,
          doc = "TCP ports." },
        { name = "network", type = "ref", ref = "networks",
          doc = "What they are of." },
    },
}
local shuts = {
    name = "shuts", singular = "shut", doc = "Where ports are shut.",
    fields = {
        { name = "network", type = "ref", ref = "networks", required = true,
          doc = "In which network." },
        { name = "lists", type = "ref", ref = "shuts-lists", set = true,
          doc = "Which ports." },
    },
    status = {
        { name = "ports", type = "int", list = true, relation = "shuts.ports",
          doc = "The ports that are shut." },
        { name = "any", type = "bool", relation = "shuts.any",
          doc = "Whether any is." },
        { name = "words", type = "text", relation = "shuts.words",
          doc = "The same in words." },
        { name = "odd", type = "int", relation = "shuts.words",
          doc = "What is no number." },
    },
}

local function compile(view, name, emit)
    local shut, n = view:object("shuts", name), 0
    local network = view:network(shut.network)
    for _, list in ipairs(shut.lists) do
        for _, port in ipairs(view:object("shuts-lists", list).ports) do
            n = n + 1
            emit:publish("shuts.ports", name, tostring(port))
            emit:flow { scope = { network = shut.network }, stage = "shut",
                        priority = 10,
                        match = { reg_network = network.vni, reg_src_local = 1,
                                  eth_type = vmn.eth_ipv4, tcp_dst = port } }
                :drop("shut")
        end
    end
    emit:publish("shuts.any", name, tostring(n > 0))
    if n > 0 then
        emit:publish("shuts.words", name, n .. ' "ports"')
    end
end

return {
    name = "shuts", description = "Shuts ports", types = { lists, shuts },
    stages = { { name = "shut", hook = "service", order = 20 } },
    units = { { name = "shut", each = "shuts", compile = compile } },
}
