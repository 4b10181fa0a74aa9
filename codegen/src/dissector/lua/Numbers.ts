/** The printed dissector in Lua, second part: the words for numbers, text and lengths, as `codec/src/words` has them. */
export const numbersLua = String.raw`
-- Words read a value of a type at spot.at, note it, and return the offset after it.
local words = {}

local function cut(self, path, at, to)
  if to % 1 == 0 then self:fail("Varint", path, at, "another byte of a variable-length integer", "the end") end
  self:fail("Incomplete", path, at, "another byte of a variable-length integer", "the end")
end

local function padded(self, path, at)
  self:fail("Varint", path, at, "the shortest spelling", "a longer one")
end

local function leb128(self, t, path, at, to)
  -- four groups of 7 bits each
  local parts = { 0.0, 0.0, 0.0 }
  for i = 0, t.maxBytes - 1 do
    if to - at - i < 1 then cut(self, path, at + i, to) end
    local one = self:byte(at + i)
    local part = floor(i / 4) + 1
    parts[part] = parts[part] + one % 128 * 2 ^ (7 * (i % 4))
    if one < 128 then
      if one == 0 and i > 0 then padded(self, path, at + i) end
      local lo = parts[1] + parts[2] % 16 * 268435456
      local hi = floor(parts[2] / 16) + parts[3] * 16777216
      if t.bits == 32 and (hi > 0 or lo >= two32) or hi >= two32 then
        self:fail("Varint", path, at, "at most " .. t.bits .. " bits", "more")
      end
      return { hi = hi, lo = lo }, at + i + 1
    end
  end
  self:fail("Varint", path, at, "at most " .. t.maxBytes .. " bytes of a variable-length integer", "more")
end

local function vlq(self, t, path, at, to)
  local hi, lo = 0.0, 0.0
  for i = 0, t.maxBytes - 1 do
    if to - at - i < 1 then cut(self, path, at + i, to) end
    local one = self:byte(at + i)
    if i == 0 and one == 128 then padded(self, path, at) end
    lo = lo * 128 + one % 128
    hi = hi * 128 + floor(lo / two32)
    lo = lo % two32
    if one < 128 then
      if t.bits == 32 and hi > 0 or hi >= two32 then self:fail("Varint", path, at, "at most " .. t.bits .. " bits", "more") end
      return { hi = hi, lo = lo }, at + i + 1
    end
  end
  self:fail("Varint", path, at, "at most " .. t.maxBytes .. " bytes of a variable-length integer", "more")
end

local function quic(self, t, path, at, to)
  if to - at < 1 then cut(self, path, at, to) end
  local first = self:byte(at)
  local size = 2 ^ floor(first / 64)
  if size > t.maxBytes then
    self:fail("Varint", path, at, "at most " .. t.maxBytes .. " bytes of a variable-length integer", "more")
  end
  if to - at < size then cut(self, path, at, to) end
  local hi, lo = 0.0, first % 64 + 0.0
  for i = 1, size - 1 do
    lo = lo * 256 + self:byte(at + i)
    hi = hi * 256 + floor(lo / two32)
    lo = lo % two32
  end
  local shortest = (hi > 0 or lo >= 1073741824) and 8 or lo >= 16384 and 4 or lo >= 64 and 2 or 1
  if shortest ~= size then padded(self, path, at) end
  return { hi = hi, lo = lo }, at + size
end

local varints = { leb128 = leb128, vlq = vlq, quic = quic }

local function unzigzag(value)
  local odd = value.lo % 2 == 1
  local half = { hi = floor(value.hi / 2), lo = floor(value.lo / 2) + value.hi % 2 * 2147483648, signed = true }
  if not odd then return half end
  -- -(half + 1) is all bits of half the other way
  return { hi = two32 - 1 - half.hi, lo = two32 - 1 - half.lo, signed = true }
end

local function varint_at(self, t, path, at, to)
  local value, next = varints[t.encoding](self, t, path, at, self:stop(to))
  if t.zigzag then value = unzigzag(value) end
  if t.bits == 32 then return number_of(value), next end
  return value, next
end

-- The value after an escape.
local function escaped_value(self, t, first, path, first_at, at, to)
  if first <= t.max then return first, at end
  local before = t.max
  for _, escape in ipairs(t.escapes) do
    if escape.value == first then
      local width = widths[escape.int]
      self:need(path, at, width, to)
      local value = self:int(at, escape.int, escape.order)
      if number_of(value) <= before then padded(self, path, at) end
      return value, at + width
    end
    before = 2 ^ (8 * widths[escape.int] - (signed[escape.int] and 1 or 0)) - 1
  end
  self:fail("UnknownValue", path, first_at, "a number or a known escape", hexadecimal(first))
end

local function decimal_at(self, t, path, at, stop)
  local text = sub(self.s, at + 1, stop)
  local sign, digits = text:match("^(%-?)(%d+)$")
  local negative = sign == "-"
  local function check()
    if digits == nil or byte(digits) == 48 and (#digits > 1 or negative) then
      self:fail("Syntax", path, at, "a decimal integer without leading zeros", quoted(sub(text, 1, 24)))
    end
  end
  if t.bits ~= 64 then
    check()
    local value = tonumber(text) + 0.0
    local max = t.bits == 53 and 2 ^ 53 - 1 or t.signed and 2 ^ 31 - 1 or 2 ^ 32 - 1
    local min = not t.signed and 0 or t.bits == 53 and 1 - 2 ^ 53 or -2 ^ 31
    if value < min or value > max then self:fail("Limit", path, at, format("an integer of %.0f to %.0f", min, max), text) end
    return value
  end
  local expected = t.signed and "an integer of 64 bits with a sign" or "an integer of 64 bits without a sign"
  if stop - at > 20 then self:fail("Limit", path, at, expected, format("%.0f digits", stop - at)) end
  check()
  local value = wide_of_digits(digits, negative)
  if value ~= nil then value.signed = t.signed end
  if value == nil or negative and not t.signed or t.signed and is_negative(value) ~= negative then
    self:fail("Limit", path, at, expected, text)
  end
  return value
end

-- A number, not noted.
local function number_at(self, t, path, at, to)
  local kind = t.kind
  if kind == "int" then
    local width = widths[t.int]
    self:need(path, at, width, to)
    return self:int(at, t.int, t.order), at + width
  elseif kind == "varint" then
    return varint_at(self, t, path, at, to)
  elseif kind == "escaped" then
    local width = widths[t.int]
    self:need(path, at, width, to)
    return escaped_value(self, t, number_of(self:int(at, t.int, t.order)), path, at, at + width, to)
  end
  local stop = t.ending == nil and floor(to) or self:find_end(t.ending, at, self:stop(to), path, 1)
  self:need(path, at, stop - at, to)
  return decimal_at(self, t, path, at, stop), stop + (t.ending == nil and 0 or #t.ending)
end

-- A number that says something about another field; its value as a double.
local function note_number(self, t, spot, f, path)
  local value, next = number_at(self, t, spot.path, spot.at, spot.to)
  self:note(f, path or spot.path, spot.at, next - spot.at, "number", value)
  if is_wide(value) then
    local positive = is_negative(value) and negated(value) or value
    if positive.hi >= 2097152 then
      self:fail("Limit", spot.path, spot.at, "a length of at most 2^53-1", decimal(value))
    end
  end
  return number_of(value), next
end

local function number_word(self, t, spot)
  local value, next = number_at(self, t, spot.path, spot.at, spot.to)
  self:note(t.f, spot.path, spot.at, next - spot.at, "number", value)
  spot.scope.values[spot.name] = number_of(value)
  return next
end

words.int, words.varint, words.escaped, words.decimal = number_word, number_word, number_word, number_word

local function note_int(self, int, order, spot, f)
  local width = widths[int]
  self:need(spot.path, spot.at, width, spot.to)
  local value = self:int(spot.at, int, order)
  self:note(f, spot.path, spot.at, width, "number", value)
  spot.scope.values[spot.name] = number_of(value)
  return value, spot.at + width
end

function words.constant(self, t, spot)
  local value, next = note_int(self, t.int, t.order, spot, t.f)
  if decimal(value) ~= t.value then self:fail("Constant", spot.path, spot.at, t.value, decimal(value)) end
  return next
end

function words.enumeration(self, t, spot)
  local of = model.types[t.ref]
  local value, next = note_int(self, of.int, t.order, spot, t.f)
  if of.unknown == "error" and of.names[number_of(value)] == nil then
    self:fail("UnknownValue", spot.path, spot.at, "a value of " .. of.name, decimal(value))
  end
  return next
end

function words.flags(self, t, spot)
  local of = model.types[t.ref]
  local value, next = note_int(self, of.int, t.order, spot, t.f)
  local span = self.spans[self.count]
  span.flags = of
  span.owner = t
  if of.unknown == "error" then
    local rest = value
    for _, one in ipairs(of.bits) do
      if bits_of(value, one.bit, one.bit) == 1 then rest = rest - 2 ^ one.bit end
    end
    if rest ~= 0 then self:fail("UnknownValue", spot.path, spot.at, "flags of " .. of.name, hexadecimal(rest)) end
  end
  return next
end

function words.float(self, t, spot)
  local size = t.bits / 8
  self:need(spot.path, spot.at, size, spot.to)
  self:note(t.f, spot.path, spot.at, size, "float", t.order)
  return spot.at + size
end

function words.bool(self, t, spot)
  local at, to = spot.at, self:stop(spot.to)
  for i = 1, 2 do
    local text = i == 1 and t.yes or t.no
    local same = 0
    while same < #text and to - at - same >= 1 and self:byte(at + same) == byte(text, same + 1) do same = same + 1 end
    if same == #text then
      self:note(t.f, spot.path, at, same, "bool", i == 1)
      return at + same
    end
    if to - at - same < 1 and to % 1 ~= 0 then self:fail("Incomplete", spot.path, at, quoted(t.yes) .. " or " .. quoted(t.no), "the end") end
  end
  self:fail("Constant", spot.path, at, quoted(t.yes) .. " or " .. quoted(t.no), to - at < 1 and "the end" or format("0x%02x", self:byte(at)))
end

function words.bcd(self, t, spot)
  local size = math.ceil(t.digits / 2)
  self:need(spot.path, spot.at, size, spot.to)
  local value = 0.0
  for i = 0, size - 1 do
    local one = self:byte(spot.at + i)
    local high, low = floor(one / 16), one % 16
    if high > 9 or low > 9 or i == 0 and t.digits % 2 == 1 and high ~= 0 then
      self:fail("Syntax", spot.path, spot.at + i, "decimal digits in half bytes", format("0x%02x", one))
    end
    value = value * 100 + high * 10 + low
  end
  self:note(t.f, spot.path, spot.at, size, "number", value)
  spot.scope.values[spot.name] = value
  return spot.at + size
end

-- Text and bytes.

local function sized(self, t, spot, step)
  local path, at, to = spot.path, spot.at, spot.to
  local stop, next
  if t.ending ~= nil then
    stop = self:find_end(t.ending, at, self:stop(to), path, step)
    next = stop + #t.ending
  else
    next = t.size == nil and floor(to) or at + t.size
    stop = next
    if t.pad ~= nil then
      self:need(path, at, next - at, to)
      while stop - at >= #t.pad and sub(self.s, stop - #t.pad + 1, stop) == t.pad do stop = stop - #t.pad end
    end
  end
  if t.size == nil and t.min ~= nil and stop - at < t.min then
    self:fail("Length", path, at, "at least " .. plural(t.min), plural(stop - at))
  end
  if t.max ~= nil and stop - at > t.max then self:fail("Limit", path, at, "at most " .. plural(t.max), plural(stop - at)) end
  self:need(path, at, stop - at, to)
  return stop, next
end

function words.bytes(self, t, spot)
  local stop, next = sized(self, t, spot, 1)
  self:note(t.f, spot.path, spot.at, next - spot.at, "bytes", nil, stop)
  return next
end

function words.utf8(self, t, spot)
  local stop, next = sized(self, t, spot, 1)
  if t.invalid == "error" and not is_utf8(self.s, spot.at, stop) then
    self:fail("Utf8", spot.path, spot.at, "UTF-8", quoted(sub(self.s, spot.at + 1, stop)))
  end
  self:note(t.f, spot.path, spot.at, next - spot.at, "text", "utf8", stop)
  return next
end

words.json = words.utf8

function words.text(self, t, spot)
  local step = t.encoding:sub(1, 5) == "utf16" and 2 or 1
  local stop, next = sized(self, t, spot, step)
  local to = t.size == nil and t.ending == nil and spot.to or stop
  if t.encoding == "ascii" then
    local wrong = find(sub(self.s, spot.at + 1, stop), "[\128-\255]")
    if wrong ~= nil then
      local at = spot.at + wrong - 1
      self:fail("Syntax", spot.path, at, "ASCII", format("0x%x", self:byte(at)))
    end
  elseif step == 2 and (stop - spot.at) % 2 ~= 0 then
    self:short(spot.path, spot.at, "an even number of bytes", plural(stop - spot.at), to)
  end
  self:note(t.f, spot.path, spot.at, next - spot.at, "text", t.encoding, stop)
  return next
end

function words.literal(self, t, spot)
  local next = self:literal(spot.at, self:stop(spot.to), t.text, spot.path)
  self:note(t.f, spot.path, spot.at, next - spot.at, "text", "ascii", next)
  -- always the same, and so no news in a summary
  self.spans[self.count].reserved = true
  return next
end

-- A field that only code can say: its bytes.
function words.custom(self, t, spot)
  local next = t.fixed == nil and floor(spot.to) or spot.at + t.fixed
  self:need(spot.path, spot.at, next - spot.at, spot.to)
  self:note(t.f, spot.path, spot.at, next - spot.at, "bytes", nil, next)
  return next
end

-- A domain name (RFC 1035, 4.1.4); pointers count from where the packet's content begins.
function words.domainName(self, t, spot)
  local path, at = spot.path, spot.at
  local first, stop, i, size, next = at, self:stop(spot.to), at, 0, nil
  local labels = {}
  local function need(count)
    if i + count <= stop then return end
    self:fail(stop % 1 == 0 and "Length" or "Incomplete", path, at, "a whole name", "a part of one")
  end
  while true do
    need(1)
    local length = self:byte(i)
    need(length >= 192 and 2 or length + 1)
    if length >= 192 then
      next = next or i + 2
      i = self.content + length % 64 * 256 + self:byte(i + 1)
      if i >= first then self:fail("UnknownValue", path, at, "a pointer to what came before", decimal(i - self.content)) end
      first, stop = i, at
    else
      size = size + length + 1
      if length > 63 or size > 255 then
        self:fail("Limit", path, at, "labels of 63 and names of 255 bytes at most", decimal(math.max(length, size)))
      end
      i = i + length + 1
      if length == 0 then break end
      labels[#labels + 1] = sub(self.s, i - length + 1, i):gsub(".", function(c)
        if c < "!" or c > "~" then return format("\\%03d", byte(c)) end
        return find('."\\;@$()', c, 1, true) and "\\" .. c or c
      end) .. "."
    end
  end
  next = next or i
  self:note(t.f, path, at, next - at, "name", #labels == 0 and "." or concat(labels))
  return next
end

-- Lengths and counts. Nothing stands for what is not there.

local function meant(self, t, value, spot)
  if t.absent ~= nil and value == t.absent then return nil end
  local length = value - (t.plus or 0)
  if length < 0 then self:fail("Length", spot.path, spot.at, format("at least %d", t.plus or 0), decimal(value)) end
  return length * (t.unit or 1)
end

function words.opcode(self, t, spot)
  local value, next = note_number(self, t.of, spot, t.f)
  spot.scope.values[spot.name] = value
  return next
end

words.bodyLength = words.opcode

-- What stands for null, where nothing would mean that nobody said anything.
local null = {}

-- Keeps a length of siblings, or compares it with what another field says.
local function keep_length(self, t, value, spot)
  local length = meant(self, t, value, spot)
  local lengths = spot.scope.lengths
  local known = lengths[t.target]
  if t.group == nil and known ~= nil and known ~= (length or null) then
    self:fail("Length", spot.path, spot.at, (known == null and "null" or decimal(known)) .. " as another field says", length and decimal(length) or "null")
  end
  lengths[t.target] = length or null
  if t.group ~= nil then
    local groups = spot.scope.groups
    groups[t.group[1]] = groups[t.group[1]] or {}
    local of = groups[t.group[1]]
    local place = #of + 1
    for i, one in ipairs(of) do
      if one == t then return end
      if place > #of and #one.group < #t.group then place = i end
    end
    table.insert(of, place, t)
  end
end

local function keep_count(self, t, value, spot)
  spot.scope.counts[t.target] = meant(self, t, value, spot) or null
end

function words.lengthOf(self, t, spot)
  local value, next = note_number(self, t.of, spot, t.f)
  keep_length(self, t, value, spot)
  return next
end

function words.countOf(self, t, spot)
  local value, next = note_number(self, t.of, spot, t.f)
  keep_count(self, t, value, spot)
  return next
end

function words.tagOf(self, t, spot)
  local next = self:type(t.of, spot)
  spot.scope.tags[t.target] = spot.scope.values[spot.name] or 0
  return next
end

function words.prefixed(self, t, spot)
  local value, at = note_number(self, t.by, spot, t.length_f, spot.path .. ".length")
  local length = meant(self, t, value, spot)
  if length == nil then
    self:note(t.f, spot.path, at, 0, "null")
    return at
  end
  if length > spot.to - at then self:need(spot.path, at, length, spot.to) end
  local next = self:type(t.of, { path = spot.path, name = spot.name, at = at, to = at + length, scope = spot.scope })
  if next ~= at + length then self:fail("Trailing", spot.path, next, plural(next - at), plural(length)) end
  return t.trailer == nil and next or self:literal(next, self:stop(spot.to), t.trailer, spot.path)
end

function words.counted(self, t, spot)
  local value, at = note_number(self, t.by, spot, t.length_f, spot.path .. ".count")
  local count = meant(self, t, value, spot)
  if count == nil then
    self:note(t.f, spot.path, at, 0, "null")
    return at
  end
  return self:elements(t, { path = spot.path, name = spot.name, at = at, to = spot.to, scope = spot.scope }, count, nil)
end
`
