/** The printed dissector in Lua, fifth part: bytes without a meaning, and checksums. */
export const wholeLua = String.raw`
-- Bytes without a meaning.

function words.reserved(self, t, spot)
  self:need(spot.path, spot.at, t.size, spot.to)
  if t.int ~= nil then
    self:note(t.f, spot.path, spot.at, t.size, "number", self:int(spot.at, t.int, t.order))
  else
    self:note(t.f, spot.path, spot.at, t.size, "bytes", nil, spot.at + t.size)
  end
  self.spans[self.count].reserved = true
  if t.policy == "error" then self:zeros(spot.path, spot.at, t.size) end
  return spot.at + t.size
end

function Walk:zeros(path, at, size)
  local wrong = find(sub(self.s, at + 1, at + size), "[^\0]")
  if wrong ~= nil then self:fail("Reserved", path, at + wrong - 1, "0", format("0x%02x", self:byte(at + wrong - 1))) end
end

function words.align(self, t, spot)
  local size = (t.to - (spot.at - spot.scope.begin) % t.to) % t.to
  self:need(spot.path, spot.at, size, spot.to)
  self:note(t.f, spot.path, spot.at, size, "bytes", nil, spot.at + size)
  self.spans[self.count].reserved = true
  if t.policy ~= "ignore" then self:zeros(spot.path, spot.at, size) end
  return spot.at + size
end

local function xor_bytes(a, b)
  local out, place = 0, 1
  while a > 0 or b > 0 do
    if a % 2 ~= b % 2 then out = out + place end
    a, b, place = floor(a / 2), floor(b / 2), place * 2
  end
  return out
end

-- CRCs with the least significant bit first, of "width" bits.
local function reflected_crc(polynomial, start, finish)
  local steps
  return function(s, at, to)
    if steps == nil then
      steps = {}
      for i = 0, 255 do
        local c = i
        for _ = 1, 8 do c = c % 2 == 1 and xor_bytes(floor(c / 2), polynomial) or floor(c / 2) end
        steps[i] = c
      end
    end
    local c = start
    for i = at, to - 1 do c = xor_bytes(steps[xor_bytes(c % 256, byte(s, i + 1))], floor(c / 256)) end
    return xor_bytes(c, finish)
  end
end

local checksums = {
  crc32 = reflected_crc(3988292384, 4294967295, 4294967295),
  crc32c = reflected_crc(2197175160, 4294967295, 4294967295),
  ["crc16-modbus"] = reflected_crc(40961, 65535, 0)
}

checksums["crc16-ccitt"] = function(s, at, to)
  local c = 65535
  for i = at, to - 1 do
    c = xor_bytes(c, byte(s, i + 1) * 256)
    for _ = 1, 8 do c = c >= 32768 and xor_bytes(c * 2 % 65536, 4129) or c * 2 end
  end
  return c
end

function checksums.adler32(s, at, to)
  local a, b = 1, 0
  for i = at, to - 1 do
    a = (a + byte(s, i + 1)) % 65521
    b = (b + a) % 65521
  end
  return b * 65536 + a
end

function checksums.internet(s, at, to)
  local sum = 0
  for i = at, to - 1, 2 do sum = sum + byte(s, i + 1) * 256 + (i + 1 < to and byte(s, i + 2) or 0) end
  while sum > 65535 do sum = sum % 65536 + floor(sum / 65536) end
  return 65535 - sum
end

function checksums.sum8(s, at, to)
  local sum = 0
  for i = at, to - 1 do sum = (sum + byte(s, i + 1)) % 256 end
  return sum
end

function checksums.xor8(s, at, to)
  local sum = 0
  for i = at, to - 1 do sum = xor_bytes(sum, byte(s, i + 1)) end
  return sum
end

function words.checksum(self, t, spot)
  local width, at, path = widths[t.int], spot.at, spot.path
  self:need(path, at, width, spot.to)
  local value = number_of(self:int(at, t.int, t.order))
  self:note(t.f, path, at, width, "number", value)
  local first, last = t.over[1], t.over[#t.over]
  local is_own = false
  for _, name in ipairs(t.over) do is_own = is_own or name == spot.name end
  local function check()
    local from = spot.scope.places[first] and spot.scope.places[first][1]
    local to = spot.scope.places[last] and spot.scope.places[last][2]
    -- what is covered begins before the checksum and ends after it
    if from ~= nil and from <= at and to == nil then is_own = true end
    if from == nil or to == nil then return false end
    local covered = sub(self.s, from + 1, to)
    if is_own then covered = sub(covered, 1, at - from) .. rep("\0", width) .. sub(covered, at - from + width + 1) end
    local right = checksums[t.algorithm](covered, 0, #covered)
    if t.xor ~= nil then right = xor_bytes(right, t.xor) end
    if right ~= value then self:fail("Checksum", path, at, hexadecimal(right, width), hexadecimal(value, width)) end
    return true
  end
  if not check() then spot.scope.checks[#spot.scope.checks + 1] = check end
  return at + width
end
`
