/** The printed dissector in Lua, third part: what fields say about each other, and lists, as `LayoutWalk` has it. */
export const fieldsLua = String.raw`
local none = {}

local function new_scope(begin, outer)
  return { values = {}, lengths = {}, counts = {}, tags = {}, places = {}, groups = {}, checks = {}, begin = begin, outer = outer }
end

-- The number of a field of this record, or of the packet around it.
local function value_in(scope, name)
  while scope ~= nil do
    if scope.values[name] ~= nil then return scope.values[name] end
    scope = scope.outer
  end
  return nil
end

-- A field has been read; checksums of what is now all there are verified.
local function place(scope, name, at, to)
  scope.places[name] = { at, to }
  if #scope.checks == 0 then return end
  local left = {}
  for _, check in ipairs(scope.checks) do
    if not check() then left[#left + 1] = check end
  end
  scope.checks = left
end

local function holds(condition, value)
  value = value or 0
  if condition.values ~= nil then return condition.values[value] == true end
  if condition.bit == nil then return value ~= 0 end
  return floor(value / 2 ^ condition.bit) % 2 == 1
end

local function in_state(t, number)
  number = number or 0
  if t.from == nil and t.to == nil then return number ~= 0 end
  return number >= (t.from or number) and number <= (t.to or number)
end

-- Bytes of a type whose values all have as many, as far as the states of the connection tell.
local function fixed(t, states)
  if t.fixed_size ~= nil then return t.fixed_size end
  if states == nil then return nil end
  if t.kind == "when" then
    if t.otherwise ~= nil then
      local one, other = fixed(t.of, states), fixed(t.otherwise, states)
      if one == other then return one end
    end
    if t.sibling then return nil end
    if in_state(t, states[t.state]) then return fixed(t.of, states) end
    if t.otherwise == nil then return 0 end
    return fixed(t.otherwise, states)
  elseif t.kind == "struct" and t.depth == nil then
    local sum = 0
    for _, field in ipairs(model.types[t.ref].fields) do
      local one = not field.nullable and fixed(field.type, states) or nil
      if one == nil then return nil end
      sum = sum + one
    end
    return sum
  end
  return nil
end

-- The sets of optional fields that can be there together, each with its size.
local function subsets(optionals, is_there)
  local found = { { size = 0, names = {} } }
  for _, one in ipairs(optionals) do
    for i = 1, #found do
      local names = { [one.name] = true }
      for name in pairs(found[i].names) do names[name] = true end
      found[#found + 1] = { size = found[i].size + one.size, names = names }
    end
  end
  local kept = {}
  for _, set in ipairs(found) do
    local fits = true
    for _, one in ipairs(optionals) do
      if set.names[one.name] and one.requires ~= nil and not set.names[one.requires] then
        local is_optional = false
        for _, other in ipairs(optionals) do is_optional = is_optional or other.name == one.requires end
        if is_optional or not is_there(one.requires) then fits = false end
      end
    end
    if fits then kept[#kept + 1] = set end
  end
  return kept
end

-- The lengths that fields can have together, ascending; nothing when they vary freely.
local function possible_sizes(list, states)
  local base, names, optionals = 0, {}, {}
  for _, field in ipairs(list) do
    local t = field.type
    local size = not field.nullable and fixed(t.kind == "optional" and t.of or t, states) or nil
    if size == nil then return nil end
    if t.kind == "optional" then
      optionals[#optionals + 1] = { name = field.name, size = size, requires = t.requires }
    else
      base = base + size
      names[field.name] = true
    end
  end
  local sizes, seen = {}, {}
  for _, set in ipairs(subsets(optionals, function(name) return names[name] end)) do
    local size = base + set.size
    if not seen[size] then sizes[#sizes + 1] = size end
    seen[size] = true
  end
  sort(sizes)
  return sizes, seen
end

local function sizes_text(sizes)
  if #sizes == 1 and sizes[1] == 0 then return "no bytes" end
  local texts = {}
  for i, size in ipairs(sizes) do texts[i] = format("%.0f", size) end
  local last = table.remove(texts)
  return (#texts == 0 and "" or concat(texts, ", ") .. " or ") .. last .. (last == "1" and " byte" or " bytes")
end

-- What stands in place of a field; nothing when it is not there.
function Walk:present(t, scope, known)
  if t.kind == "optional" then
    local is_there
    if t.condition == nil then is_there = known ~= false else is_there = holds(t.condition, value_in(scope, t.condition.field)) end
    if not is_there then return nil end
    return self:present(t.of, scope)
  elseif t.kind == "when" then
    local of = t.otherwise
    if in_state(t, self:state_of(t, scope)) then of = t.of end
    if of == nil then return nil end
    return self:present(of, scope, known)
  end
  return t
end

function Walk:state_of(t, scope)
  if t.sibling then return value_in(scope, t.state) end
  return self.states[t.state]
end

function Walk:is_in_state(t, scope)
  return t.kind ~= "when" or in_state(t, self:state_of(t, scope)) and self:is_in_state(t.of, scope)
end

-- A value of a type; returns the offset after it.
function Walk:type(t, spot)
  local size = t.fixed_size
  if size == nil or size <= spot.to - spot.at then return words[t.kind](self, t, spot) end
  -- what is there of it is noted all the same
  self:attempt(function() words[t.kind](self, t, spot) end)
  self:need(spot.path, spot.at, size, spot.to)
  return spot.at
end

-- The fields of a record. What is missing of several fields of fixed width is the fault of the first.
function Walk:record(list, path, at, to, scope)
  if list.by_length then
    local sizes, known = possible_sizes(list, self.states)
    local length = to - at
    if sizes == nil or not known[floor(length)] then
      local largest = sizes ~= nil and sizes[#sizes] or 0
      self:short(path, at, sizes_text(sizes or { 0 }), plural(floor(length)), length < largest and length or 0)
    end
  end
  return self:fields(list, 1, path == "" and "" or path .. ".", at, to, scope, true)
end

-- Fields in wire order, from the one at "from" on; returns the offset after the last.
function Walk:fields(list, from, prefix, at, to, scope, with_runs)
  local present, position, groups = {}, at, {}
  for i = from, #list do
    local field = list[i]
    local name, path = field.name, prefix .. field.name
    for _, bit in ipairs(list.state_bits or none) do
      if bit.last == i and bit.at >= from then
        local is_used = false
        for _, index in ipairs(bit.fields) do is_used = is_used or self:is_in_state(list[index].type, scope) end
        if not is_used and holds(bit.condition, value_in(scope, bit.condition.field)) then
          self:fail("Reserved", prefix .. bit.condition.field, scope.places[bit.holder][1], "0, as this state has no such field", "1")
        end
      end
    end
    local run = with_runs and field.run or nil
    if run ~= nil and run > to - position then
      self:attempt(function() self:fields(list, i, prefix, position, to, scope) end)
      self:need(path, position, run, to)
    end
    if field.by_length and present[name] == nil then self:resolve(list, i, prefix, position, to, scope, present) end
    local t = self:present(field.type, scope, present[name])
    present[name] = t ~= nil
    local stop = #groups > 0 and groups[#groups].to or to
    for _, of in ipairs(scope.groups[name] or none) do
      local length = scope.lengths[of.target]
      if length == null then length = 0 end
      if length > stop - position then self:need(path, position, length, stop) end
      stop = position + length
      groups[#groups + 1] = { last = of.group[#of.group], to = stop }
    end
    local known, count = scope.lengths[name], scope.counts[name]
    local begin = position
    if t == nil then
      local length = known ~= null and known or count ~= null and count or 0
      if length ~= 0 then self:fail("Length", path, position, "0 bytes", plural(length)) end
    elseif known == null or count == null then
      self:note(t.f, path, position, 0, "null")
    elseif known ~= nil then
      if known > stop - position then self:need(path, position, known, stop) end
      local next = self:type(t, { path = path, name = name, at = position, to = position + known, scope = scope })
      if next ~= position + known then self:fail("Trailing", path, next, plural(next - position), plural(known)) end
      position = next
    else
      local rest = 0
      if not t.ends and count == nil then rest = self:after(list, i + 1, #groups > 0 and groups[#groups].last or nil, scope) end
      local limit = rest == 0 and stop or floor(stop) - rest
      if limit < position then self:need(path, position, rest, stop) end
      position = self:type(t, { path = path, name = name, at = position, to = limit, scope = scope })
    end
    if field.is_mark and t ~= nil then self:mark() end
    place(scope, name, begin, position)
    while #groups > 0 and groups[#groups].last == name do
      local group = table.remove(groups)
      if position ~= group.to then self:fail("Trailing", path, position, "the end", plural(floor(group.to - position))) end
    end
  end
  return position
end

-- What was noted last says by being there that it is.
function Walk:mark()
  local span = self.spans[self.count]
  span.what, span.value = "bool", true
end

-- Bytes that the fields from "from" on take at least, up to the last of a group.
function Walk:after(list, from, last, scope)
  local size = 0
  if list[from - 1].name == last then return 0 end
  for i = from, #list do
    local field = list[i]
    if not (field.type.kind == "optional" and field.type.condition == nil) then
      local t = self:present(field.type, scope)
      if t ~= nil then
        local known = scope.lengths[field.name]
        size = size + (known ~= nil and known ~= null and known or fixed(t, self.states) or 0)
      end
    end
    if field.name == last then break end
  end
  return size
end

-- Decides which optional fields are there: by the length of the rest, or, where that varies, by whether bytes are left.
function Walk:resolve(list, from, prefix, at, to, scope, present)
  local rest, exact, optionals = floor(to) - at, #list > from, {}
  for i = from, #list do
    local name, t = list[i].name, list[i].type
    local size = scope.lengths[name]
    if size == nil or size == null then size = fixed(t.kind == "optional" and t.of or t, self.states) end
    if size == nil then
      exact = false
    elseif t.kind == "optional" then
      optionals[#optionals + 1] = { name = name, size = size, requires = t.requires }
    else
      rest = rest - size
    end
  end
  if not exact then
    present[list[from].name] = floor(to) - at > 0
    return
  end
  local function is_there(name)
    if present[name] ~= nil then return present[name] end
    for i = from, #list do
      if list[i].name == name then return true end
    end
    return false
  end
  for _, set in ipairs(subsets(optionals, is_there)) do
    if set.size == rest then
      for _, one in ipairs(optionals) do present[one.name] = set.names[one.name] == true end
      return
    end
  end
  local path = prefix == "" and self.section or prefix:gsub("%.$", "")
  self:fail("Length", path, at, "a length that some set of optional fields has", plural(floor(to) - at))
end

-- Elements of a list: so many, until a terminator, or as many as there is room for.
function Walk:elements(t, spot, count, ending)
  local of, path, to = t.of, spot.path, spot.to
  local position, index = spot.at, 0
  local claimed = count ~= nil and count * of.least > to - position
  if count ~= nil and t.max ~= nil and count > t.max then
    self:fail("Limit", path, position, format("at most %d elements", t.max), decimal(count))
  end
  while true do
    local here = format("%s[%d]", path, index)
    if count ~= nil then
      if index >= count then break end
    elseif ending == nil then
      if to - position < 1 then break end
    elseif self:is_end(ending, position, self:stop(to), here) then
      break
    end
    if index == t.max then
      local last = ending == nil and floor(to) or self:stop(to)
      if last - position < 1 then self:short(here, position, "the end of the list", "the end", last) end
      self:fail("Limit", here, position, format("at most %d elements", t.max), "more")
    end
    local claims = claimed and self.claim == nil
    if claims then
      local reason = to % 1 == 0 and "Length" or "Incomplete"
      local expected = format("%.0f elements of at least %s", count, plural(of.least))
      self.claim = { reason, path, spot.at, expected, plural(floor(to) - spot.at) }
    end
    local next = self:type(of, {
      path = here, name = "", at = position, to = to, scope = new_scope(position, spot.scope)
    })
    if claims then self.claim = nil end
    -- elements without bytes would never end
    if next == position then self:fail("Length", here, position, "an element", "no bytes") end
    position = next
    index = index + 1
  end
  if index < (t.min or 0) then self:fail("Length", path, spot.at, format("at least %d elements", t.min), decimal(index)) end
  if index == 0 then self:note(t.f, path, spot.at, 0, "empty") end
  return position + (ending == nil and 0 or #ending)
end

function Walk:is_end(ending, at, to, path)
  for i = 0, #ending - 1 do
    if to - at - i < 1 then
      if i > 0 and to % 1 ~= 0 then self:fail("Incomplete", path, at, quoted(ending), "the end") end
      return false
    end
    if self:byte(at + i) ~= byte(ending, i + 1) then return false end
  end
  return true
end

-- Runs for a record that may lie within others of its type.
function Walk:deeper(ref, spot, run)
  local max = model.types[ref].depth
  if max == nil then return run() end
  local depth = self.depths[ref] or 0
  if depth >= max then self:fail("Limit", spot.path, spot.at, format("at most %d records within one another", max), "more") end
  self.depths[ref] = depth + 1
  local next = run()
  self.depths[ref] = depth
  return next
end
`
