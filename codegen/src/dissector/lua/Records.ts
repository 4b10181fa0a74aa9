/** The printed dissector in Lua, fourth part: the words for records, choices, bits and lines of tokens, as `codec/src/words` has them. */
export const recordsLua = String.raw`
function words.optional(self, t, spot)
  return self:type(t.of, spot)
end

function words.when(self, t, spot)
  local of = self:present(t, spot.scope)
  if of == nil then self:fail("UnknownValue", spot.path, spot.at, t.state, "another state") end
  return self:type(of, spot)
end

function words.array(self, t, spot)
  return self:elements(t, spot, spot.scope.counts[spot.name], t.ending)
end

function words.struct(self, t, spot)
  local index = self:enter(t.f, spot.path, spot.at)
  local next = self:deeper(t.ref, spot, function()
    return self:record(model.types[t.ref].fields, spot.path, spot.at, spot.to, new_scope(spot.at, spot.scope))
  end)
  self:leave(index, next)
  return next
end

local function joined(path, name)
  return path == "" and name or path .. "." .. name
end

local function unknown_case(self, f, spot, at, to)
  return self:type({ kind = "bytes", f = f }, { path = joined(spot.path, "bytes"), name = spot.name, at = at, to = to, scope = spot.scope })
end

function words.choice(self, t, spot)
  local of = model.types[t.ref]
  local path, at, tag = spot.path, spot.at, nil
  local index = self:enter(t.f, path, at)
  if of.tag == nil then
    tag = spot.scope.tags[spot.name] or 0
  else
    local value
    value, at = number_at(self, of.tag, joined(path, "_tag"), spot.at, spot.to)
    self:note(of.f, joined(path, "tag"), spot.at, at - spot.at, "number", value)
    tag = number_of(value)
  end
  local found = of.cases[tag]
  self.spans[index].value = found ~= nil and found.name or "Unknown"
  local next
  if found == nil and of.unknown == "error" then
    self:fail("UnknownValue", joined(path, "_tag"), spot.at, "a case of " .. of.name, decimal(tag))
  elseif found == nil or of.empty == "keep" and at == spot.to and found.takes then
    self.spans[index].value = "Unknown"
    next = unknown_case(self, of.rest, spot, at, spot.to)
  else
    next = self:deeper(t.ref, spot, function()
      return self:record(found.fields, path, at, spot.to, new_scope(spot.at, spot.scope))
    end)
  end
  self:leave(index, next)
  return next
end

function words.nibbleFrames(self, t, spot)
  local of = model.types[t.ref]
  local position, index = spot.at, 0
  while position < spot.to do
    local path = format("%s[%d]", spot.path, index)
    local begin = position
    local function one()
      self:need(path, position, 1, spot.to)
      position = position + 1
      return self:byte(position - 1)
    end
    local head = one()
    local tag = head < 240 and floor(head / 16) or 15 + one()
    local length = head % 16 < 15 and head % 16 or 15 + one()
    local found = of.cases[tag]
    local around = self:enter(t.f, path, begin, found ~= nil and found.name or "Unknown")
    self:note(of.f, path .. ".frame", begin, position - begin, "number", tag)
    if length > spot.to - position then self:fail("Length", path, begin, plural(length), plural(floor(spot.to - position))) end
    local stop, next = position + length, nil
    if found == nil then
      next = unknown_case(self, of.rest, { path = path, name = spot.name, scope = spot.scope }, position, stop)
    else
      next = self:fields(found.fields, 1, path .. ".", position, stop, new_scope(position, spot.scope))
    end
    if next ~= stop then self:fail("Trailing", path, next, plural(next - position), plural(length)) end
    self:leave(around, stop)
    position = stop
    index = index + 1
  end
  return position
end

local function prefix_of(path)
  return path:match("^(.*%.)[^.]*$") or ""
end

function words.bits(self, t, spot)
  local width, at = widths[t.int], spot.at
  self:need(spot.path, at, width, spot.to)
  local value = self:int(at, t.int, t.order)
  local next, prefix = at + width, prefix_of(spot.path)
  for _, field in ipairs(t.fields) do
    local bits, path = bits_of(value, field.high, field.low), prefix .. field.name
    if field.escaped ~= nil then bits, next = escaped_value(self, field.escaped, bits, path, at, next, spot.to) end
    local number = number_of(bits)
    if field.role == "bodyLength" and number >= 9007199254740992 then
      self:fail("Limit", path, at, "a length of at most 2^53-1", decimal(bits))
    end
    self:note(field.f, path, at, width, "number", bits)
    local span = self.spans[self.count]
    span.bits = field
    if field.value ~= nil and number ~= field.value then self:fail("Constant", path, at, decimal(field.value), decimal(bits)) end
    if field.ref ~= nil then
      local of = model.types[field.ref]
      if of.unknown == "error" and of.names[number] == nil then
        self:fail("UnknownValue", path, at, "a value of " .. of.name, decimal(bits))
      end
    end
    spot.scope.values[field.name] = number
    if field.tagOf ~= nil then spot.scope.tags[field.tagOf] = number end
    if field.measures ~= nil then
      local keep = field.measures.elements and keep_count or keep_length
      keep(self, field.measures, number, { path = path, at = at, scope = spot.scope })
    end
  end
  for _, spare in ipairs(t.spare) do
    if number_of(bits_of(value, spare[1], spare[2])) ~= 0 then
      self:fail("Reserved", spot.path, at, "zero in bits without a name", hexadecimal(value))
    end
  end
  return next
end

-- Tokens of a line.

local function token_end(s, at, stop, separator)
  local found = find(s, separator, at + 1, true)
  if found == nil or found - 1 + #separator > stop then return math.max(at, stop) end
  return found - 1
end

local function tokens_after(s, at, stop, separator)
  local count = 0
  local i = at
  while i < stop do
    i = token_end(s, i + #separator, stop, separator)
    count = count + 1
  end
  return count
end

local function may_be_missing(field)
  return field.type.kind == "optional" or field.type.kind == "array"
end

function Walk:token(at, stop, separator, path)
  if at >= stop then self:fail("Length", path, at, "another token", "the end of the line") end
  for i = 0, #separator - 1 do
    if self:byte(at + i) ~= byte(separator, i + 1) then
      self:fail("Syntax", path, at + i, quoted(separator), format("0x%02x", self:byte(at + i) or 0))
    end
  end
end

function Walk:token_end(at, stop, separator, path)
  if at ~= stop then self:token(at, stop, separator, path) end
end

local whole_line = { decimal = true, lengthOf = true, countOf = true }

function Walk:tokens(t, prefix, at, to, scope)
  local list, separator, s = t.fields, t.separator, self.s
  local size = #separator
  local position, spare = at - size, nil
  local function read(of, field, path, stop)
    local start = position + size
    local next = self:type(of, { path = path, name = field.name, at = start, to = stop, scope = scope })
    if next ~= stop then self:fail("Trailing", path, next, "the end", plural(stop - next) .. " more") end
    place(scope, field.name, start, stop)
    position = stop
  end
  for i, field in ipairs(list) do
    local name, of, path = field.name, field.type, prefix .. field.name
    local is_last = i == #list
    if spare == nil and may_be_missing(field) then
      local needed = 0
      for k = i, #list do
        if not may_be_missing(list[k]) then needed = needed + 1 end
      end
      if i > 1 then
        self:token_end(position, to, separator, prefix .. list[i - 1].name)
      elseif needed == 0 and to == at then
        position = to
      end
      spare = needed == 0 and math.huge or tokens_after(s, position, to, separator) - needed
    end
    local is_there = spare ~= nil and spare > 0 and position < to
    if of.kind == "array" then
      local count = 0
      while spare > 0 and position < to do
        local here = format("%s[%d]", path, count)
        if count == of.max then self:fail("Limit", here, position, format("at most %d elements", of.max), "more") end
        read(of.of, { name = "" }, here, token_end(s, position + size, to, separator))
        spare = spare - 1
        count = count + 1
      end
      if of.min ~= nil and count < of.min then
        self:fail("Length", path, math.max(at, position), format("at least %d elements", of.min), decimal(count))
      end
      if count == 0 then self:note(of.f, path, math.max(at, position), 0, "empty") end
    elseif of.kind == "optional" then
      local start = position + size
      local stop = is_there and token_end(s, start, to, separator) or start
      local text = sub(s, start + 1, stop)
      local skipped = false
      if of.of.kind == "literal" then
        skipped = not is_there or text ~= of.of.text
        if not skipped then
          self:note(of.f, path, start, stop - start, "bool", true)
          position = stop
        end
      else
        skipped = not is_there
        for k = i + 1, #list do
          if list[k].type.kind ~= "optional" then break end
          if list[k].type.of.kind == "literal" and list[k].type.of.text == text then skipped = true end
        end
        if not skipped then read(of, field, path, t.rest and is_last and to or stop) end
      end
      if not skipped then spare = spare - 1 end
    else
      if position >= at then self:token(position, to, separator, path) end
      local start = position + size
      local whole = is_last and (t.rest or whole_line[of.kind])
      if of.kind ~= "literal" then
        read(of, field, path, whole and to or token_end(s, start, to, separator))
      else
        position = self:type(of, { path = path, name = name, at = start, to = to, scope = scope })
        place(scope, name, start, position)
        local next = list[i + 1]
        if spare ~= nil then
          self:token_end(position, to, separator, path)
        elseif next ~= nil and not may_be_missing(next) then
          self:literal(position, to, separator, path)
        end
      end
    end
  end
  if position ~= to then self:fail("Trailing", prefix .. (#list > 0 and list[#list].name or ""), position, "the end", "more") end
end

function words.tokens(self, t, spot)
  if t.ending == nil and floor(spot.to) > self.n then self:need(spot.path, spot.at, floor(spot.to) - spot.at, spot.to) end
  local prefix = prefix_of(spot.path)
  if t.whole ~= nil then self:literal(spot.at, self:stop(spot.to), t.whole, prefix .. t.fields[1].name) end
  local stop = t.ending == nil and floor(spot.to) or self:find_end(t.ending, spot.at, self:stop(spot.to), spot.path, 1)
  self:tokens(t, prefix, spot.at, stop, spot.scope)
  return stop + (t.ending == nil and 0 or #t.ending)
end
`
