/**
 * The printed dissector in Lua, last parts: conversations, and what Wireshark asks for. It stands on what the parts before it read, and is the
 * only one that knows Wireshark's functions.
 */

/** What connections remember: phases, states, and which request an answer is to. */
export const conversationLua = String.raw`
-- What both sides of a connection agreed on, by its stream; and what was known when each packet was read for the first time.
local sessions, packets = {}, {}

-- Requests that wait for an answer are forgotten when they are so many.
local max_waiting = 65536

local function new_session()
  local states = {}
  for name in pairs(model.states) do states[name] = settings.states[name] or 0 end
  return { phase = 1, states = states, waiting = { client = {}, server = {} } }
end

local opposite = { client = "server", server = "client" }

-- The number of a field that is not within another.
local function number_at_path(out, path)
  for _, span in ipairs(out.walk.spans) do
    if span.path == path and span.what == "number" then return number_of(span.value) end
  end
  return nil
end

-- What an answer repeats of its request.
local function key_of(out)
  local pairing = model.pairing
  if pairing.by == "repeated" then
    local parts = {}
    for i, name in ipairs(pairing.fields) do parts[i] = decimal(number_at_path(out, name) or 0) end
    return concat(parts, " ")
  end
  local value = number_at_path(out, pairing.field)
  return value and format("%s %.0f %.0f", out.kind.answers or out.kind.name, out.opcode or -1, value)
end

local function ask(session, sender, entry)
  local waiting = session.waiting[sender]
  if #waiting >= max_waiting then table.remove(waiting, 1) end
  waiting[#waiting + 1] = entry
end

local function is_last(command, out)
  local last = command.last
  if last == nil then return true end
  if last.names ~= nil then return last.names[out.command and out.command.name or ""] == true end
  for name, value in pairs(last.fields) do
    if number_at_path(out, name) ~= value then return false end
  end
  return true
end

local function is_request(kind)
  if model.pairing.by == "repeated" then return kind.name == model.pairing.request end
  return kind.answers == nil
end

-- Pairs a packet that was read: remembers it when it asks, and returns the request that it answers.
local function pair(session, sender, out, asked)
  local pairing, kind, command = model.pairing, out.kind, out.command
  if pairing == nil or kind == nil then return nil end
  if pairing.by == "order" then
    local number = pairing.field and number_at_path(out, pairing.field)
    if sender == "client" then
      local by
      if out.error ~= nil then by = pairing.mistakes elseif command ~= nil then by = command.answered_by end
      if by ~= nil then ask(session, sender, { asked = asked, by = by, number = number, command = command }) end
      return nil
    end
    local waiting = session.waiting.client
    for i, entry in ipairs(waiting) do
      if entry.by[command and command.name or ""] and entry.number == number then
        if entry.command == nil or not entry.command.many or is_last(entry.command, out) then table.remove(waiting, i) end
        return entry.asked
      end
    end
    return nil
  end
  local key = key_of(out)
  if key == nil then return nil end
  if is_request(kind) then
    -- what is never answered waits for nothing
    if pairing.by == "repeated" or command == nil or command.reply ~= "none" then ask(session, sender, { asked = asked, key = key, out = out }) end
    return nil
  end
  local waiting = session.waiting[opposite[sender]]
  for i, entry in ipairs(waiting) do
    if entry.key == key then
      if not (command and command.many) then table.remove(waiting, i) end
      return entry.asked
    end
  end
  return nil
end

-- The states of a request that an answer is read by, where its own bytes do not tell what it answers.
local function states_of_request(session, sender, bytes)
  local pairing = model.pairing
  if pairing == nil or pairing.by ~= "repeated" or not pairing.has_states then return nil end
  local trial = annotate(bytes, session.states, pairing.answer)
  local key = key_of(trial)
  for _, entry in ipairs(session.waiting[opposite[sender]]) do
    if entry.key == key then return entry.out.states end
  end
  return nil
end

-- What a packet says about the packets after it.
local function learn(session, out)
  local command = out.command
  if out.error ~= nil then return end
  if command ~= nil and command.next_phase ~= nil then session.phase = command.next_phase end
  for _, rule in ipairs(settings.learn) do
    if rule.packet == out.tag then
      local value = 0
      for _, span in ipairs(out.walk.spans) do
        if span.what == "number" then
          if rule.member == nil and span.path == rule.field then value = number_of(span.value) end
          if rule.member ~= nil and span.path:gsub("%[%d+%]$", "") == rule.field and number_of(span.value) == rule.member then value = 1 end
        end
      end
      session.states[rule.state] = value
    end
  end
end

local function snapshot(session)
  local states = {}
  for name, value in pairs(session.states) do states[name] = value end
  return { phase = session.phase, states = states }
end

-- The kinds that a packet may be of, as far as that can be told without its bytes.
local function candidates(session, sender, transport)
  if settings.kind ~= nil then return { settings.kind } end
  if model.is_told then return {} end
  local phase = model.phases[session.phase]
  if phase ~= nil and phase[sender] ~= nil then return { phase[sender] } end
  local found, others = {}, {}
  for _, kind in ipairs(model.kinds) do
    if phase == nil and (kind.sender == nil or kind.sender == sender) then
      others[#others + 1] = kind.name
      if kind.run == nil or kind.run.ends == "datagram" == (transport == "udp") then found[#found + 1] = kind.name end
    end
  end
  return #found > 0 and found or others
end

-- Takes apart the packet that begins the bytes: of the kinds that it may be of, as the first that reads it.
local function read_packet(bytes, session, sender, transport, wait)
  local names = candidates(session, sender, transport)
  if #names == 0 then return annotate(bytes, session.states, nil, wait) end
  local first
  for _, name in ipairs(names) do
    local states = session.states
    if kinds[name].run ~= nil and kinds[name].run.opcode_from ~= nil then states = session.asked or states end
    local out = annotate(bytes, states, name, wait)
    if out.error == nil then return out end
    first = first or out
  end
  return first
end
`

/** The protocol as Wireshark sees it. */
export const sharkLua = String.raw`
-- From here on: Wireshark.

-- Wireshark may have a protocol of this name already; filters then begin with ww_ and the name.
local title = model.title
local made, proto = pcall(Proto, settings.name, title)
local prefix = settings.name
if not made then
  prefix = "ww_" .. settings.name
  proto = Proto(prefix, title .. " (wirewright)")
end

local fields = {}
for i, field in ipairs(model.fields) do
  local abbreviation = prefix .. "." .. field.filter
  if field.type == "string" or field.type == "bytes" or field.type == "bool" or field.type == "none" or field.type == "float" or field.type == "double" then
    fields[i] = ProtoField[field.type](abbreviation, field.label)
  else
    fields[i] = ProtoField[field.type](abbreviation, field.label, field.hex and base.HEX or base.DEC, field.values)
  end
end
local response_in = ProtoField.framenum(prefix .. ".response_in", "Response in", base.NONE, frametype.RESPONSE)
local response_to = ProtoField.framenum(prefix .. ".response_to", "Response to", base.NONE, frametype.REQUEST)
local response_time = ProtoField.relative_time(prefix .. ".time", "Time since the request")
local all = { response_in, response_to, response_time }
for _, field in ipairs(fields) do all[#all + 1] = field end
proto.fields = all

local malformed = ProtoExpert.new(prefix .. ".malformed", "Malformed packet", expert.group.MALFORMED, expert.severity.ERROR)
local cut_off = ProtoExpert.new(prefix .. ".incomplete", "The packet is not all there", expert.group.MALFORMED, expert.severity.WARN)
local unknown = ProtoExpert.new(prefix .. ".unknown", "No such packet is described", expert.group.UNDECODED, expert.severity.NOTE)
local unanswered = ProtoExpert.new(prefix .. ".refused", "The request was refused", expert.group.RESPONSE_CODE, expert.severity.NOTE)
proto.experts = { malformed, cut_off, unknown, unanswered }

proto.prefs.ports = Pref.range("TCP and UDP ports", settings.ports, "Ports that servers listen on", 65535)
if model.heuristic then
  proto.prefs.anywhere = Pref.bool("On any port", settings.ports == "", "Look for packets on all TCP and UDP ports that no other dissector has")
end

-- How the bytes came, and the connection: the same both ways. Fields of TCP cannot be asked for it, they are not there in all passes.
local function transport_of(pinfo)
  local transport = pinfo.port_type == 2 and "tcp" or pinfo.port_type == 3 and "udp" or "none"
  local one = tostring(pinfo.src) .. " " .. tostring(pinfo.src_port)
  local other = tostring(pinfo.dst) .. " " .. tostring(pinfo.dst_port)
  if other < one then one, other = other, one end
  return transport, transport .. " " .. one .. " " .. other
end

local is_server = {}

local function sender_of(pinfo, session)
  local source, destination = pinfo.src_port, pinfo.dst_port
  if source ~= destination then
    if is_server[destination] then return "client" end
    if is_server[source] then return "server" end
    if pinfo.match_uint == destination then return "client" end
    if pinfo.match_uint == source then return "server" end
  end
  -- on no port that is known, who speaks first asks
  if session.server == nil then session.server = destination end
  return session.server == destination and "client" or "server"
end

local encodings = {
  utf8 = ENC_UTF_8,
  ascii = ENC_ASCII,
  latin1 = ENC_ISO_8859_1,
  utf16be = ENC_UTF_16 + ENC_BIG_ENDIAN,
  utf16le = ENC_UTF_16 + ENC_LITTLE_ENDIAN
}

local function wide_value(field, value)
  if not is_wide(value) then
    local negative = value < 0
    if negative then value = -value end
    value = { hi = floor(value / two32), lo = value % two32, signed = negative }
    if negative then value = negated(value) end
  end
  if field.type == "int64" then return Int64.new(value.lo, value.hi) end
  return UInt64.new(value.lo, value.hi)
end

-- What stands behind an item: the names of flags that are set.
local function flags_text(of, value)
  local names, rest = {}, value
  for _, one in ipairs(of.bits) do
    if bits_of(value, one.bit, one.bit) == 1 then
      names[#names + 1] = one.name
      rest = rest - 2 ^ one.bit
    end
  end
  if rest ~= 0 then names[#names + 1] = hexadecimal(rest) end
  return " {" .. concat(names, ", ") .. "}"
end

local function add_number(tree, span, range, field, proto_field)
  local item
  if field.type == "uint64" or field.type == "int64" then
    item = tree:add(proto_field, range, wide_value(field, span.value))
  else
    item = tree:add(proto_field, range, span.value)
  end
  if span.flags ~= nil then
    item:append_text(flags_text(span.flags, span.value))
    for i, one in ipairs(span.flags.bits) do
      item:add(fields[span.owner.bit_f[i]], range, bits_of(span.value, one.bit, one.bit) == 1)
    end
  elseif span.bits ~= nil then
    local bits = span.bits
    item:append_text(bits.high == bits.low and format("  (bit %d)", bits.low) or format("  (bits %d to %d)", bits.low, bits.high))
  end
  return item
end

-- An item for what was noted.
local function add_span(tree, tvb, base_at, span)
  local field, proto_field = model.fields[span.f or 0], fields[span.f or 0]
  local what, available = span.what, tvb:len() - base_at
  local length = math.max(0, math.min(span.length or 0, available - span.at))
  local range = tvb:range(base_at + math.min(span.at, available), length)
  local index = span.path:match("%[%d+%]$")
  local item
  if what == "record" then
    item = tree:add(proto_field, range)
    item:set_text(field.label .. (index and " " .. index or "") .. (span.value and ": " .. span.value or ""))
    return item
  elseif what == "null" or what == "empty" then
    return tree:add(range, field.label .. (what == "null" and ": null" or ": none"))
  elseif what == "number" then
    item = add_number(tree, span, range, field, proto_field)
  elseif what == "float" then
    local value = span.value == "little" and range:le_float() or range:float()
    item = tree:add(proto_field, range, value)
  elseif what == "bool" then
    item = tree:add(proto_field, range, span.value)
  elseif what == "name" then
    item = tree:add(proto_field, range, span.value)
  else
    local content = tvb:range(base_at + span.at, span.stop - span.at)
    if what == "text" and content:len() > 0 then
      item = tree:add_packet_field(proto_field, content, encodings[span.value])
    elseif what == "text" then
      item = tree:add(proto_field, content, "")
    else
      item = tree:add(proto_field, content)
    end
  end
  if index ~= nil then item:prepend_text(index .. " ") end
  return item
end

-- Builds the tree of a packet.
local function show(root, tvb, base_at, out)
  local spans = out.walk.spans
  local open = { { item = root, last = #spans } }
  for i, span in ipairs(spans) do
    while #open > 1 and i > open[#open].last do open[#open] = nil end
    if span.what == "record" then
      local last = span.last
      if last == nil then
        -- what was refused ended it
        last = #spans
        span.length = spans[last].at + (spans[last].length or 0) - span.at
      end
      open[#open + 1] = { item = add_span(open[#open].item, tvb, base_at, span), last = math.min(last, open[#open].last) }
    else
      add_span(open[#open].item, tvb, base_at, span)
    end
  end
end

local function refusal_text(thrown)
  return format(
    "%s: %s at byte %.0f: expected %s, got %s",
    thrown.reason,
    thrown.path == "" and thrown.packet or thrown.packet .. "." .. thrown.path,
    thrown.offset,
    thrown.expected,
    thrown.got
  )
end

-- A packet in a few words.
local function summary_of(out)
  local parts = { out.command ~= nil and out.kind.answers ~= nil and out.outcome == nil and out.command.name or out.tag }
  local status = out.status ~= nil and model.statuses[out.status]
  if out.status ~= nil and out.status ~= 0 then parts[#parts + 1] = status or hexadecimal(out.status, 2) end
  for _, span in ipairs(out.walk.spans) do
    if #parts >= 5 then break end
    if span.section ~= "header" and not span.reserved and not span.path:find("[.%[]") then
      local text
      if span.what == "number" and span.flags == nil then
        local values = model.fields[span.f].values
        text = values and values[number_of(span.value)] or decimal(span.value)
      elseif span.what == "name" then
        text = span.value
      elseif span.what == "text" and span.stop > span.at and span.stop - span.at <= 40 then
        text = quoted(sub(out.walk.s, span.at + 1, span.stop))
      end
      if text ~= nil then parts[#parts + 1] = span.path .. "=" .. text end
    end
  end
  if out.error ~= nil then parts[#parts + 1] = "[malformed]" end
  return concat(parts, " ")
end

local function add_pairing(tree, known)
  if known.asked ~= nil then
    tree:add(response_to, known.asked.frame):set_generated()
    local seconds = known.time - known.asked.time
    local whole = floor(seconds)
    tree:add(response_time, NSTime.new(whole, floor((seconds - whole) * 1000000000 + 0.5))):set_generated()
  end
  if known.answer ~= nil then tree:add(response_in, known.answer.frame):set_generated() end
end

-- Where reading goes on after a packet that was refused; nothing when nobody can tell.
local function after_refused(out, bytes)
  if out.sized and out.length > 0 then return out.length end
  if model.is_lines then
    local found = find(bytes, "\n", 1, true)
    if found ~= nil then return found end
  end
  return nil
end

-- Whether what is dissected are messages of a WebSocket.
local is_within = false

local function dissect(tvb, pinfo, tree)
  local transport, stream = transport_of(pinfo)
  local total = tvb:len()
  local session = sessions[stream]
  if session == nil then
    session = new_session()
    sessions[stream] = session
  end
  local sender = sender_of(pinfo, session)
  if model.over == "text" and transport == "tcp" and not is_within then
    -- a WebSocket begins as HTTP, whose dissector hands its messages over from then on
    local first = tvb:raw(0, math.min(4, total))
    session.is_web = session.is_web or first == "GET " or first == "HTTP"
    if session.is_web then
      is_within = true
      local ok, taken = pcall(function() return Dissector.get("http"):call(tvb, pinfo, tree) end)
      is_within = false
      return ok and taken or total
    end
  end
  local can_wait = transport == "tcp" and pinfo.can_desegment > 0 and not is_within
  local at, count = 0, 0
  while at < total do
    local bytes = tvb:raw(at, total - at)
    local key = format("%d %d %d %d", pinfo.number, at, total, tvb:offset())
    local known = packets[key]
    local is_new = known == nil
    if is_new then
      known = snapshot(session)
      known.asked_states = states_of_request(session, sender, bytes)
    end
    local out = read_packet(bytes, { phase = known.phase, states = known.states, asked = known.asked_states }, sender, transport, can_wait)
    local thrown = out.error
    if can_wait and (thrown ~= nil and thrown.incomplete or out.sized and out.length > #bytes) then
      pinfo.desegment_offset = at
      pinfo.desegment_len = out.sized and out.length > #bytes and out.length - #bytes or DESEGMENT_ONE_MORE_SEGMENT
      return total
    end
    local length
    if thrown == nil then length = out.length else length = after_refused(out, bytes) end
    if transport ~= "tcp" and thrown ~= nil then length = nil end
    length = math.max(1, math.min(length or #bytes, #bytes))
    if is_new then
      packets[key] = known
      known.time = pinfo.rel_ts
      local own = { frame = pinfo.number, time = pinfo.rel_ts, known = known }
      local asked = pair(session, sender, out, own)
      if asked ~= nil then
        known.asked = asked
        asked.known.answer = asked.known.answer or own
      end
      learn(session, out)
    end
    local text = summary_of(out)
    if count == 0 then
      pinfo.cols.protocol:set(title)
      pinfo.cols.info:set(text)
    elseif count < 20 then
      pinfo.cols.info:append(", " .. text)
    end
    local root = tree:add(proto, tvb:range(at, length))
    root:append_text(", " .. text)
    show(root, tvb, at, out)
    add_pairing(root, known)
    if thrown ~= nil then
      local where = tvb:range(at + math.max(0, math.min(thrown.offset, #bytes - 1)), 1)
      local label = refusal_text(thrown)
      root:add(where, label):add_proto_expert_info(thrown.incomplete and cut_off or malformed, label)
    elseif out.command == nil then
      root:add_proto_expert_info(unknown)
    end
    at = at + length
    count = count + 1
  end
  pinfo.cols.info:fence()
  return total
end

function proto.dissector(tvb, pinfo, tree)
  return dissect(tvb, pinfo, tree)
end

function proto.init()
  sessions, packets = {}, {}
end

if model.heuristic then
  -- A packet of the protocol is one that is all there, is described, and is refused for nothing.
  local function is_ours(tvb, pinfo, tree)
    if not proto.prefs.anywhere then return false end
    local transport = transport_of(pinfo)
    local bytes = tvb:raw(0, tvb:len())
    for _, sender in ipairs({ "client", "server" }) do
      local out = read_packet(bytes, new_session(), sender, transport, false)
      if out.error == nil and out.command ~= nil and out.length >= model.heuristic then
        -- what follows in this connection is not looked at alone: it may be a part of a packet, or one that nobody describes
        pinfo.conversation = proto
        dissect(tvb, pinfo, tree)
        return true
      end
    end
    return false
  end
  proto:register_heuristic("tcp", is_ours)
  proto:register_heuristic("udp", is_ours)
end

-- Ports as ranges, such as 11210,11211-11213.
local registered = ""

local function register()
  local ranges = proto.prefs.ports or ""
  if ranges == registered then return end
  for _, name in ipairs({ "tcp.port", "udp.port" }) do
    local ports = DissectorTable.get(name)
    if registered ~= "" then ports:remove(registered, proto) end
    if ranges ~= "" then ports:add(ranges, proto) end
  end
  registered = ranges
  is_server = {}
  for first, last in ranges:gmatch("(%d+)%-?(%d*)") do
    for port = tonumber(first), tonumber(last ~= "" and last or first) do is_server[port] = true end
  end
end

function proto.prefs_changed()
  register()
end

register()
if registered == "" then
  -- on no port of its own, it can still be chosen by Decode As
  for _, name in ipairs({ "tcp.port", "udp.port" }) do DissectorTable.get(name):add_for_decode_as(proto) end
end
if model.over == "text" then
  local ports = DissectorTable.get("ws.port")
  if settings.ports ~= "" then ports:add(settings.ports, proto) end
end
`
