/**
 * The printed dissector in Lua, first part: numbers of 64 bits, refusals, and the search for what ends a field.
 *
 * Lua 5.2 has doubles only, 5.3 and 5.4 have integers too: whatever is computed here stays below 2^53, and is never printed but by `decimal`.
 */
export const bytesLua = String.raw`
local byte, sub, find, format, rep = string.byte, string.sub, string.find, string.format, string.rep
local floor, concat, sort = math.floor, table.concat, table.sort
local two32 = 4294967296.0

local widths = { u8 = 1, u16 = 2, u24 = 3, u32 = 4, u64 = 8, i8 = 1, i16 = 2, i32 = 4, i64 = 8 }
local signed = { i8 = true, i16 = true, i32 = true, i64 = true }

-- A number of 64 bits is a table of two halves, of two's complement where it is signed.

local function is_wide(value)
  return type(value) == "table"
end

local function is_negative(value)
  return value.signed and value.hi >= 2147483648
end

local function negated(value)
  local lo = value.lo == 0 and 0 or two32 - value.lo
  local hi = (value.lo == 0 and two32 - value.hi or two32 - 1 - value.hi) % two32
  return { hi = hi, lo = lo, signed = value.signed }
end

-- The nearest double.
local function number_of(value)
  if not is_wide(value) then return value end
  if not is_negative(value) then return value.hi * two32 + value.lo end
  local positive = negated(value)
  return -(positive.hi * two32 + positive.lo)
end

-- An integer in decimal digits.
local function decimal(value)
  if not is_wide(value) then return format("%.0f", value) end
  if is_negative(value) then return "-" .. decimal({ hi = negated(value).hi, lo = negated(value).lo }) end
  local limbs = { floor(value.hi / 65536), value.hi % 65536, floor(value.lo / 65536), value.lo % 65536 }
  local groups = {}
  repeat
    local rest, some = 0, false
    for i = 1, 4 do
      local all = rest * 65536 + limbs[i]
      limbs[i] = floor(all / 10000)
      rest = all % 10000
      some = some or limbs[i] > 0
    end
    groups[#groups + 1] = some and format("%04.0f", rest) or format("%.0f", rest)
  until not some
  local out = {}
  for i = #groups, 1, -1 do out[#out + 1] = groups[i] end
  return concat(out)
end

local function hexadecimal(value, width)
  if is_wide(value) then return format("0x%08x%08x", value.hi, value.lo) end
  if value < 0 then return "-" .. hexadecimal(-value, width) end
  return format("0x%0" .. (width or 1) * 2 .. "x", value)
end

-- The number that decimal digits spell, of 64 bits; nothing when they are too many.
local function wide_of_digits(digits, negative)
  local hi, lo = 0.0, 0.0
  for i = 1, #digits do
    lo = lo * 10 + byte(digits, i) - 48
    hi = hi * 10 + floor(lo / two32)
    lo = lo % two32
    if hi >= two32 then return nil end
  end
  local value = { hi = hi, lo = lo, signed = negative }
  return negative and negated(value) or value
end

local function bits_of(value, high, low)
  local size = high - low + 1
  if not is_wide(value) then
    if value < 0 then value = value + two32 end
    return floor(value / 2 ^ low) % 2 ^ size
  end
  local lower = low < 32 and floor(value.lo / 2 ^ low) or 0
  local upper = low < 32 and value.hi * 2 ^ (32 - low) or floor(value.hi / 2 ^ (low - 32))
  if size <= 52 then
    if low < 32 then
      -- what is above 2^52 is cut off before the two are added
      local kept = 2 ^ size
      return (lower + upper % kept) % kept
    end
    return upper % 2 ^ size
  end
  local hi = low == 0 and value.hi or floor(value.hi / 2 ^ low)
  local lo = low == 0 and value.lo or lower + value.hi % 2 ^ low * 2 ^ (32 - low)
  return { hi = size == 64 and hi or hi % 2 ^ (size - 32), lo = lo }
end

local function plural(count)
  return count == 1 and "1 byte" or format("%.0f bytes", count)
end

-- Text in quotes, with what is no printable ASCII spelled out.
local function quoted(text)
  local out = text:gsub('[%c"\\\128-\255]', function(c)
    if c == "\n" then return "\\n" end
    if c == "\r" then return "\\r" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return format("\\x%02x", byte(c))
  end)
  return '"' .. out .. '"'
end

-- One walk over the bytes of a packet. Offsets count from 0; "to" is where what surrounds a field ends, with a half added where more bytes may come.

local Walk = {}
Walk.__index = Walk

-- Marks what was thrown for what the bytes say, from what is a mistake of this file.
local refusal = {}

function Walk:fail(reason, path, offset, expected, got)
  local claim = self.claim
  if claim ~= nil then reason, path, offset, expected, got = claim[1], claim[2], claim[3], claim[4], claim[5] end
  error({
    refusal = refusal,
    reason = reason,
    packet = self.packet,
    path = path,
    offset = offset,
    expected = expected,
    got = got,
    incomplete = reason == "Incomplete"
  }, 0)
end

-- Runs, and says what was refused; mistakes of this file pass.
local function caught(run)
  local ok, thrown = pcall(run)
  if ok then return nil end
  if type(thrown) ~= "table" or thrown.refusal ~= refusal then error(thrown, 0) end
  return thrown
end

-- Runs for what is noted on the way; what is refused is forgotten.
function Walk:attempt(run)
  local claim = self.claim
  self.claim = nil
  caught(run)
  self.claim = claim
end

function Walk:short(path, offset, expected, got, to)
  self:fail(to % 1 == 0 and "Length" or "Incomplete", path, offset, expected, got)
end

-- Refuses unless "size" bytes lie within what surrounds them and within what is there.
function Walk:need(path, at, size, to)
  if size > to - at then self:short(path, at, plural(size), to > at and plural(floor(to - at)) or "the end", to) end
  if at + size > self.n then self:fail("Incomplete", path, self.n, plural(size), plural(math.max(0, self.n - at))) end
end

-- "to", or an open end where the bytes end before it.
function Walk:stop(to)
  return to > self.n and self.open or to
end

function Walk:byte(at)
  return byte(self.s, at + 1)
end

function Walk:unsigned(at, width, little)
  local value = 0.0
  local s = self.s
  if little then
    for i = width, 1, -1 do value = value * 256 + byte(s, at + i) end
  else
    for i = 1, width do value = value * 256 + byte(s, at + i) end
  end
  return value
end

-- The integer at "at"; the caller knows that it is there.
function Walk:int(at, int, order)
  local width, little = widths[int], order == "little"
  if width == 8 then
    local first, second = self:unsigned(at, 4, little), self:unsigned(at + 4, 4, little)
    if little then first, second = second, first end
    return { hi = first, lo = second, signed = signed[int] }
  end
  local value = self:unsigned(at, width, little)
  if signed[int] and value >= 2 ^ (8 * width - 1) then value = value - 2 ^ (8 * width) end
  return value
end

-- Whether bytes stand at "at", before "to".
function Walk:stands(at, to, text)
  return to - at >= #text and sub(self.s, at + 1, at + #text) == text
end

function Walk:literal(at, to, text, path)
  if self:stands(at, to, text) then return at + #text end
  local i = 0
  while to - at - i >= 1 and byte(self.s, at + i + 1) == byte(text, i + 1) do i = i + 1 end
  if to - at - i < 1 then self:short(path, at + i, quoted(text), "the end", to) end
  self:fail("Constant", path, at + i, quoted(text), format("0x%02x", self:byte(at + i)))
end

-- Offset of a terminator, only at multiples of "step"; a line ends at its first LF.
function Walk:find_end(terminator, at, to, path, step)
  local s = self.s
  if terminator == "\r\n" and step == 1 then
    local lf = find(s, "\n", at + 1, true)
    if lf == nil or lf > to then self:short(path, at, "the end, CR LF", "none", to) end
    if lf - 1 > at and byte(s, lf - 1) == 13 then return lf - 2 end
    self:fail("Syntax", path, lf - 1, "CR before LF", "LF alone")
  end
  local from = at + 1
  while true do
    local found = find(s, terminator, from, true)
    if found == nil or found - 1 + #terminator > to then self:short(path, at, "the end, " .. quoted(terminator), "none", to) end
    if (found - 1 - at) % step == 0 then return found - 1 end
    from = found + 1
  end
end

-- Length of the UTF-8 sequence at "at" (counting from 1), or 0.
local function sequence_at(s, at, last)
  local a = byte(s, at)
  if a < 128 then return 1 end
  local size = a >= 194 and a < 224 and 2 or a >= 224 and a < 240 and 3 or a >= 240 and a < 245 and 4 or 0
  if size == 0 or at + size - 1 > last then return 0 end
  for i = 1, size - 1 do
    local b = byte(s, at + i)
    if b < 128 or b > 191 then return 0 end
  end
  local b = byte(s, at + 1)
  if a == 224 and b < 160 or a == 237 and b > 159 or a == 240 and b < 144 or a == 244 and b > 143 then return 0 end
  return size
end

local function is_utf8(s, at, stop)
  local i = at + 1
  while i <= stop do
    local size = sequence_at(s, i, stop)
    if size == 0 then return false end
    i = i + size
  end
  return true
end

-- Notes a field: its number in "fields", where it is, and what it holds.
function Walk:note(f, path, at, length, what, value, stop)
  local count = self.count + 1
  self.count = count
  self.spans[count] = { f = f, path = path, section = self.section, at = at, length = length, what = what, value = value, stop = stop }
end

-- A record begins; everything noted until it ends lies within it.
function Walk:enter(f, path, at, text)
  self:note(f, path, at, nil, "record", text)
  return self.count
end

function Walk:leave(index, next)
  local span = self.spans[index]
  span.length = next - span.at
  span.last = self.count
end
`
