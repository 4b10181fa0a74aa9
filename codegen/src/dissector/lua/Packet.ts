/** The printed dissector in Lua, sixth part: a packet taken apart, as `Layout` of the codec does it. It knows nothing of Wireshark. */
export const packetLua = String.raw`
local function new_walk(bytes, states)
  return setmetatable({
    s = bytes,
    n = #bytes,
    open = #bytes + 0.5,
    spans = {},
    count = 0,
    depths = {},
    states = states,
    packet = model.frame,
    section = "header",
    content = 0
  }, Walk)
end

local kinds = {}
for _, kind in ipairs(model.kinds) do kinds[kind.name] = kind end

-- The constants that stand at a known offset, before anything that varies in size.
local function constants_of(list, states)
  local found, offset = {}, 0
  for _, field in ipairs(list) do
    local t = field.type
    if t.kind == "constant" then found[#found + 1] = { path = field.name, offset = offset, type = t } end
    local size = t.kind ~= "optional" and not field.nullable and fixed(t, states) or nil
    if size == nil then break end
    offset = offset + size
  end
  return found
end

-- The layout whose fixed lengths and constants agree. Where none does as a whole, the nearest, so that reading it says what is wrong.
local function choose_layout(walk, layouts, sections)
  local states = walk.states
  if #layouts == 1 then return layouts[1] end
  local function fields_of(layout, name) return layout.sections[name] or none end
  local function read(section, constant)
    local width = widths[constant.type.int]
    if constant.offset + width > section.length then return nil end
    walk:need(constant.path, section.at + constant.offset, width, section.at + section.length)
    return decimal(walk:int(section.at + constant.offset, constant.type.int, constant.type.order))
  end
  local most, best = -1, nil
  for _, layout in ipairs(layouts) do
    local fits, constants, agree = true, 0, true
    for _, section in ipairs(sections) do
      local sizes, known = possible_sizes(fields_of(layout, section.name), states)
      if sizes ~= nil and not known[section.length] then fits = false end
      constants = constants + #constants_of(fields_of(layout, section.name), states)
    end
    if fits and constants > most then
      for _, section in ipairs(sections) do
        for _, constant in ipairs(constants_of(fields_of(layout, section.name), states)) do
          if not agree then break end
          if read(section, constant) ~= constant.type.value then agree = false end
        end
      end
      if agree then most, best = constants, layout end
    end
  end
  if best ~= nil then return best end
  local candidates = layouts
  for _, section in ipairs(sections) do
    if #candidates <= 1 then break end
    local fitting, known, seen = {}, {}, {}
    for _, layout in ipairs(candidates) do
      local sizes, has = possible_sizes(fields_of(layout, section.name), states)
      if sizes == nil or has[section.length] then fitting[#fitting + 1] = layout end
      for _, size in ipairs(sizes or none) do
        if not seen[size] then known[#known + 1] = size end
        seen[size] = true
      end
    end
    if #fitting == 0 then
      sort(known)
      local offset = section.length
      for _, size in ipairs(known) do
        if size < section.length then offset = size end
      end
      walk:fail("Length", section.name, math.min(section.at + offset, walk.n), sizes_text(known), plural(section.length))
    end
    local matching, wanted = 0, {}
    local agreeing = {}
    for _, layout in ipairs(fitting) do
      local constants = constants_of(fields_of(layout, section.name), states)
      local differing
      for _, constant in ipairs(constants) do
        if read(section, constant) ~= constant.type.value then
          differing = constant
          break
        end
      end
      if differing ~= nil then
        wanted[#wanted + 1] = differing
      elseif #agreeing == 0 or #constants > matching then
        matching = #constants
        agreeing = { layout }
      elseif #constants == matching then
        agreeing[#agreeing + 1] = layout
      end
    end
    if #agreeing == 0 then
      local first = wanted[1]
      walk:fail("UnknownValue", first.path, math.min(section.at + first.offset, walk.n), "another value, such as " .. first.type.value, "another value")
    end
    candidates = agreeing
  end
  return candidates[1] or { sections = {} }
end

-- Headers of fixed size.

local function header_of(walk, only)
  local is_short, magics = walk.n == 0, {}
  for _, kind in ipairs(model.kinds) do
    if only == nil or kind.name == only then
      for _, header in ipairs(kind.headers) do
        if header.magic == nil then return kind, header end
        magics[#magics + 1] = hexadecimal(header.magic)
        if header.magic_at + widths[header.magic_int] > walk.n then
          is_short = true
        elseif number_of(walk:int(header.magic_at, header.magic_int)) == header.magic then
          return kind, header
        end
      end
    end
  end
  local expected = "one of " .. concat(magics, ", ")
  if is_short then walk:fail("Incomplete", "magic", walk.n, expected, "the end") end
  walk:fail("Magic", "magic", 0, expected, hexadecimal(walk:byte(0)))
end

local function header_field(walk, field)
  if field.role == "field" then
    walk:fields({ field }, 1, "", field.at, field.at + widths[field.int], new_scope(0))
    return 0
  end
  local width = widths[field.int]
  walk:need(field.name, field.at, width, field.at + width)
  local value = number_of(walk:int(field.at, field.int))
  walk:note(field.f, field.name, field.at, width, "number", value)
  return value
end

-- Where the sections stand; their lengths are checked against each other and the limit.
local function sections_of(walk, out, header, values)
  local body = header.body
  local claimed
  if body ~= nil then
    claimed = values[body.name] - (body.includes and header.size or 0)
    if claimed < 0 then
      walk:fail("Length", body.name, body.at, "at least the header's " .. plural(header.size), plural(claimed + header.size))
    end
    out.length = header.size + claimed
    if out.length > model.max_frame then
      walk:fail("Limit", body.name, body.at, "a packet of at most " .. plural(model.max_frame), plural(out.length))
    end
    out.sized = true
  end
  local sections, at = {}, header.size
  for i, name in ipairs(model.sections) do
    local known = header.lengths[name]
    local length = 0
    if known ~= nil then
      length = values[known]
    elseif i == #model.sections then
      length = math.max(0, (claimed or walk.n - header.size) - (at - header.size))
    end
    sections[i] = { name = name, at = at, length = length }
    at = at + length
  end
  claimed = claimed or at - header.size
  out.length = header.size + claimed
  local sum = at - header.size
  local path, offset = body and body.name or "", body and body.at or 0
  if sum > claimed then walk:fail("Length", path, offset, "at least " .. plural(sum) .. ", the sections' lengths", plural(claimed)) end
  if sum < claimed then walk:fail("Trailing", path, offset, plural(sum) .. ", the sections' lengths", plural(claimed)) end
  return sections
end

local function outcome_of(command, status)
  for _, outcome in ipairs(command.responses) do
    if outcome.codes[status] then return outcome end
  end
  return nil
end

local function body_of(walk, out, kind, command, sections)
  local own = {}
  for _, section in ipairs(sections) do
    local shared = kind.shared[section.name]
    if shared == nil then
      own[#own + 1] = section
    elseif section.length > 0 then
      walk.section = section.name
      walk:fields({ shared }, 1, "", section.at, section.at + section.length, new_scope(0))
    end
  end
  local layouts
  if command ~= nil then
    if command.request_kinds[kind.name] then
      layouts = command.request
    else
      out.outcome = outcome_of(command, out.status)
      layouts = out.outcome and out.outcome.layouts
    end
  end
  if layouts == nil then
    for _, section in ipairs(own) do
      if section.length > 0 then
        walk.section = section.name
        walk:fields({ model.raw[section.name] }, 1, "", section.at, section.at + section.length, new_scope(0))
      end
    end
    return
  end
  local layout = choose_layout(walk, layouts, own)
  local scope = new_scope(0)
  for _, section in ipairs(own) do
    walk.section = section.name
    local list = layout.sections[section.name] or none
    local sizes, known = possible_sizes(list, walk.states)
    -- a length no layout has is the section's fault, not that of the field which happens to cross the end
    local wrong = sizes ~= nil and not known[section.length]
    local to, next = section.at + section.length, section.at
    local thrown = caught(function() next = walk:fields(list, 1, "", section.at, to, scope) end)
    if thrown ~= nil then
      if not wrong or thrown.reason ~= "Length" then error(thrown, 0) end
      walk:fail("Length", section.name, thrown.offset, sizes_text(sizes), plural(section.length))
    end
    if wrong then walk:fail("Length", section.name, next, sizes_text(sizes), plural(section.length)) end
    if next < to then walk:fail("Trailing", section.name, next, plural(next - section.at), plural(section.length)) end
  end
end

local function read_header(walk, out, only)
  local kind, header = header_of(walk, only)
  out.kind = kind
  local values, opcode = {}, -1
  for _, field in ipairs(header.fields) do
    local value = header_field(walk, field)
    if field.role == "opcode" then opcode = value end
    if field.role == "statusCode" then out.status = value end
    values[field.name] = value
  end
  out.opcode = opcode
  local index = kind.by_opcode[opcode]
  local command = index ~= nil and model.commands[index[1]] or nil
  if command ~= nil then
    out.command = command
    out.packet = command.name
    walk.packet = command.name
  end
  local sections = sections_of(walk, out, header, values)
  -- what the header says of its packet may be wrong before all of the packet is there: whoever can, waits for it
  if out.length > walk.n and out.wait then walk:fail("Incomplete", "", walk.n, plural(out.length), plural(walk.n)) end
  body_of(walk, out, kind, command, sections)
  if walk.n < out.length then walk:fail("Incomplete", "", walk.n, plural(out.length), plural(walk.n)) end
end

-- Headers that are read field by field.

-- The packet whose head stands at "at"; the heads are sorted, the longest first.
local function by_head(walk, heads, at, to)
  local stop = walk:stop(to)
  for _, head in ipairs(heads or none) do
    if head.text == "" then return head.command end
    if stop - at >= #head.text and walk:stands(at, stop, head.text) then
      local after = at + #head.text
      if #head.boundary == 0 then return head.command end
      if stop - after < 1 then
        if stop % 1 == 0 then return head.command end
      elseif find(head.boundary, sub(walk.s, after + 1, after + 1), 1, true) then
        return head.command
      end
    end
  end
  return nil
end

local function no_head(walk, heads, at, to, kind)
  local there = sub(walk.s, at + 1, floor(to))
  local may_become = false
  if to % 1 ~= 0 then
    for _, head in ipairs(heads) do
      local size = math.min(#head.text, #there)
      if #there <= #head.text and sub(head.text, 1, size) == sub(there, 1, size) then may_become = true end
    end
  end
  walk.packet = kind.name
  if may_become or to % 1 ~= 0 and #there == 0 then walk:fail("Incomplete", "", #there, "a packet", plural(#there)) end
  walk:fail("UnknownValue", "", 0, "a packet that begins as one of its kind does", quoted(sub(there, 1, 24)))
end

local function fits_token(t, text)
  local kind = t.kind
  if kind == "optional" then return fits_token(t.of, text) end
  if kind == "literal" then return text == t.text end
  if kind == "decimal" then
    return (text == "0" or text:find("^%-?[1-9]%d*$") ~= nil and #text:gsub("%-", "") <= 16) and math.abs(tonumber(text)) < 9007199254740992
  end
  if kind == "bool" then return text == t.yes or text == t.no end
  if kind == "json" then return find(text, "^[{%[]") ~= nil end
  return true
end

-- The packet that a line of tokens is; of those with its head, the last when it is none, so that reading it says why.
local function by_tokens(walk, lines, at, to)
  if lines == nil or #lines == 0 then return nil end
  local tokens, text, separator = {}, sub(walk.s, at + 1, to), lines.separator
  local from = 1
  while true do
    local found = find(text, separator, from, true)
    tokens[#tokens + 1] = sub(text, from, found and found - 1 or nil)
    if found == nil then break end
    from = found + #separator
  end
  local headed, others = {}, {}
  for _, line in ipairs(lines) do
    if #line.head == 0 then
      others[#others + 1] = line
    elseif lines.depth > 0 then
      local begins = true
      for i = 1, math.min(lines.depth, #line.head) do begins = begins and tokens[i] == line.head[i] end
      if begins then headed[#headed + 1] = line end
    end
  end
  local group = #headed > 0 and headed or others
  for _, line in ipairs(group) do
    local fits = #tokens >= line.min and (line.max == nil or #tokens <= line.max)
    for i, field in ipairs(line.fields) do
      if fits and tokens[i] ~= nil and field.type.kind ~= "array" then fits = fits_token(field.type, tokens[i]) end
    end
    if fits then return line.command end
  end
  return #group > 0 and group[#group].command or nil
end

local function run_kind(walk, only)
  if only ~= nil then return kinds[only] end
  if #model.kinds == 1 then return model.kinds[1] end
  for _, kind in ipairs(model.kinds) do
    local first = kind.run.fields[1]
    if first ~= nil then
      local trial = new_walk(walk.s, walk.states)
      local thrown = caught(function() trial:fields({ first }, 1, "", 0, trial.open, new_scope(0)) end)
      if thrown == nil then
        if first.type.kind == "constant" or first.type.kind == "bits" then return kind end
      elseif thrown.incomplete then
        error(thrown, 0)
      end
    end
  end
  walk:fail("Magic", "", 0, "a packet of one of several kinds", "neither")
end

-- Where the body ends; open when the packet tells by itself.
local function run_end(walk, out, run, scope, start)
  if run.ends == "self" then return walk.open end
  if run.ends == "datagram" then return walk.n - run.trailer_size end
  if run.ends == "until" then
    local stop = walk:find_end(run.ending, start, walk.open, "", 1)
    out.length = stop + #run.ending
    out.sized = true
    return stop
  end
  local length = run.length
  if length == nil then return walk.n - run.trailer_size end
  local where = scope.places[length.holder]
  local base = length.from == "body" and start or length.from == "frame" and 0 or length.from == "length" and where[1] or where[2]
  local value = base + (scope.values[length.name] or 0) - length.plus
  local stop = length.from == "frame" and value - run.trailer_size or value
  out.length = stop + run.trailer_size
  if out.length > model.max_frame then
    walk:fail("Limit", length.name, where[1], "a packet of at most " .. plural(model.max_frame), plural(out.length))
  end
  if stop < start then
    out.length = start
    walk:fail("Length", length.name, where[1], "at least the header", plural(stop - start))
  end
  out.sized = true
  return stop
end

local function read_trailer(walk, run, at, scope)
  if #run.trailer == 0 then return end
  walk.section = "trailer"
  walk:fields(run.trailer, 1, "", at, walk.open, scope)
end

local function read_run(walk, out, only)
  local kind = run_kind(walk, only)
  local run = kind.run
  out.kind = kind
  local scope = new_scope(0)
  out.scope = scope
  local start = walk:fields(run.fields, 1, "", 0, walk.open, scope)
  for name, value in pairs(scope.values) do
    if model.states[name] ~= nil then walk.states[name] = value end
  end
  walk.content = start
  local stop = run_end(walk, out, run, scope, start)
  if out.sized and out.length > walk.n and out.wait then
    walk:fail("Incomplete", "", walk.n, plural(out.length), plural(walk.n))
  end
  local opcode
  if run.opcode_from ~= nil then opcode = walk.states[run.opcode_from] or 0 elseif run.opcode ~= nil then opcode = scope.values[run.opcode] end
  out.opcode = opcode
  local section = model.sections[1] or "body"
  walk.section = section
  local index
  if model.over == "text" then
    index = by_tokens(walk, kind.lines, start, stop)
  else
    local sharing = opcode ~= nil and kind.by_opcode[opcode] or none
    if #sharing == 1 then index = sharing[1] else index = by_head(walk, kind.heads_of[opcode or ""], start, stop) end
    index = index or by_head(walk, kind.heads, start, stop)
  end
  local command = index ~= nil and model.commands[index] or nil
  if command == nil then
    if run.ends == "self" and opcode == nil then no_head(walk, kind.heads, start, stop, kind) end
    local next = walk:fields({ model.raw[section] }, 1, "", start, stop, scope)
    place(scope, section, start, next)
    read_trailer(walk, run, stop, scope)
    return
  end
  out.command = command
  out.packet = command.name
  walk.packet = command.name
  for _, fixed_field in ipairs(command.header or none) do
    local name, value = fixed_field.name, fixed_field.value
    local actual = scope.values[name]
    if actual ~= value then walk:fail("Constant", name, 0, decimal(value), actual and decimal(actual) or "nothing") end
  end
  local layout = choose_layout(walk, command.request, { { name = section, at = start, length = floor(stop) - start } })
  local inner = new_scope(start, scope)
  local next = walk:fields(layout.sections[section] or none, 1, "", start, stop, inner)
  place(scope, section, start, next)
  if run.ends ~= "self" and next < stop then
    walk:fail("Trailing", section, next, plural(next - start), plural(floor(stop - start)))
  end
  out.length = next + run.trailer_size + (run.ends == "until" and #run.ending or 0)
  read_trailer(walk, run, next, scope)
end

-- What generated code calls the packet.
local function tag_of(out)
  local kind, command = out.kind, out.command
  if kind == nil then return "Unknown" end
  local suffix = kind.name:sub(1, 1):upper() .. kind.name:sub(2)
  if command == nil or command.removed then return "Unknown" .. suffix end
  if command.request_kinds[kind.name] then return command.name end
  if out.outcome == nil then return "Error" .. suffix end
  return command.name .. (out.outcome.name == "Success" and "Response" or out.outcome.name)
end

-- Takes the packet that begins the bytes apart. With "wait", one whose header says that it is longer is incomplete and nothing else.
local function annotate(bytes, states, only, wait)
  local own = {}
  for name, value in pairs(states) do own[name] = value end
  local walk = new_walk(bytes, own)
  local out = { packet = "Unknown", length = #bytes, sized = false, wait = wait, walk = walk, states = own }
  local read = model.kinds[1].run ~= nil and read_run or read_header
  out.error = caught(function() read(walk, out, only) end)
  out.tag = tag_of(out)
  return out
end
`
