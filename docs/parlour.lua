-- Wireshark's view of Parlour's sealed door: docs/protocol.md, made into a dissector.
--
--   tshark   -X lua_script:docs/parlour.lua -r capture.pcapng
--   wireshark -X lua_script:docs/parlour.lua capture.pcapng
--
-- It finds conversations by their first bytes, whatever their port. What is sealed stays sealed
-- unless a key log is named: by the preference `parlour.keylog`, or by PARLOUR_KEYLOGFILE. A log
-- holds one line for each connection, `PARLOUR1 <handshake hash> <T_c2s_0> <T_s2c_0>`; the hash is
-- computed here from what was seen, and so finds its line. Records are opened in the order in which
-- they came, from the first one on, and only when their tag holds.
--
-- The ciphers are written out, for Wireshark lends none to Lua: fit for captures, not for secrets.

local parlour = Proto("parlour", "Parlour, sealed")

local fields = {
    version = ProtoField.uint8("parlour.version", "Version"),
    suite = ProtoField.uint8("parlour.suite", "Suite", base.DEC,
        { [1] = "AES-256-CTR with HMAC-SHA-256", [2] = "AES-256-GCM" }),
    refusal = ProtoField.uint8("parlour.refusal", "Refusal", base.DEC, {
        [1] = "unknown version", [2] = "unknown suite", [3] = "full", [4] = "too many from there",
        [5] = "banned",
    }),
    handshake = ProtoField.uint8("parlour.handshake", "Handshake message"),
    ephemeral = ProtoField.bytes("parlour.ephemeral", "Ephemeral key"),
    static = ProtoField.bytes("parlour.static", "Static key, encrypted"),
    payload = ProtoField.bytes("parlour.payload", "Payload, encrypted"),
    hash = ProtoField.string("parlour.hash", "Handshake hash"),
    epoch = ProtoField.uint8("parlour.epoch", "Epoch"),
    length = ProtoField.uint16("parlour.length", "Length"),
    ciphertext = ProtoField.bytes("parlour.ciphertext", "Ciphertext"),
    tag = ProtoField.bytes("parlour.tag", "Tag"),
    kind = ProtoField.uint8("parlour.kind", "Kind", base.DEC,
        { [1] = "DATA", [2] = "KEYUPDATE", [3] = "CLOSE", [4] = "PAD" }),
    pad = ProtoField.uint8("parlour.pad", "Padding"),
    frame = ProtoField.uint8("parlour.frame", "Frame", base.HEX),
    name = ProtoField.string("parlour.name", "Message"),
    field = ProtoField.string("parlour.field", "Field"),
    text = ProtoField.string("parlour.text", "Text"),
}
parlour.fields = fields
parlour.prefs.keylog = Pref.string("Key log", "", "A file with the secrets of the connections")

local broken = ProtoExpert.new("parlour.broken", "The record does not open",
    expert.group.DECRYPTION, expert.severity.WARN)
parlour.experts = { broken }

-- What messages are called and what their fields are (section 7).
local MESSAGES = {
    [0x01] = { "Hello", "name", "room", "resume" },
    [0x02] = { "Say", "key", "room", "action", "text" },
    [0x03] = { "Tell", "key", "to", "text" },
    [0x04] = { "Run", "key", "line" },
    [0x05] = { "Pong" },
    [0x06] = { "Secret", "key" },
    [0x40] = { "Welcome", "epoch", "token", "name", "resumed", "time base" },
    [0x41] = { "AskName" },
    [0x42] = { "Entered", "room", "name", "topic" },
    [0x43] = { "Inbox", "room" },
    [0x44] = { "Exited", "room" },
    [0x45] = { "Current", "room" },
    [0x46] = { "Renamed", "name" },
    [0x47] = { "Notice", "text" },
    [0x48] = { "Refused", "key", "code", "text" },
    [0x49] = { "Stored", "key", "room", "id", "to", "away" },
    [0x4a] = { "Done", "key" },
    [0x4b] = { "ReplayEnd", "room", "count" },
    [0x4c] = { "Missed", "room", "count" },
    [0x4d] = { "Ping" },
    [0x4e] = { "Bye", "why" },
    [0x4f] = { "ReplayBegin", "room", "count" },
    [0x50] = { "AskSecret", "what", "name" },
}
local ENTRIES = {
    [0x80] = { "Said" },
    [0x81] = { "Acted" },
    [0x82] = { "Received" },
    [0x83] = { "Sent" },
    [0x84] = { "Joined", "here" },
    [0x85] = { "Left", "seconds", "how", "why" },
    [0x86] = { "Renamed", "to" },
    [0x87] = { "Topic" },
    [0x88] = { "Counted", "arrived", "departed", "here" },
    [0x89] = { "Kicked", "by", "why" },
}
-- Fields that are worth a word in the list of packets.
local SHOWN = { text = true, line = true, name = true, to = true, why = true }

-- Bytes and words ---------------------------------------------------------------------------------

local band, bor, bxor, bnot = bit32.band, bit32.bor, bit32.bxor, bit32.bnot
local lshift, rshift, rrotate = bit32.lshift, bit32.rshift, bit32.rrotate

local function number(text, at, count)
    local value = 0
    for index = at, at + count - 1 do
        value = value * 256 + text:byte(index)
    end
    return value
end

local function bytes(value, count)
    local text = ""
    for _ = 1, count do
        text = string.char(value % 256) .. text
        value = math.floor(value / 256)
    end
    return text
end

local function hex(text)
    return (text:gsub(".", function(one) return ("%02x"):format(one:byte()) end))
end

local function unhex(text)
    return (text:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

local function combine(one, other)
    local out = {}
    for index = 1, #one do
        out[index] = string.char(bxor(one:byte(index), other:byte(index)))
    end
    return table.concat(out)
end

-- SHA-256 (FIPS 180-4), HMAC, and the labels of section 3 ------------------------------------------

-- The first 32 bits of the fractional parts of the square and cube roots of the first primes.
local SHA_START, SHA_ROUNDS = {}, {}
do
    local function fraction(root)
        return math.floor((root - math.floor(root)) * 2 ^ 32)
    end
    -- A cube root of doubles lacks the last bits that are wanted; one step of Newton's adds them.
    local candidate = 2
    while #SHA_ROUNDS < 64 do
        local is_prime = true
        for divisor = 2, math.floor(math.sqrt(candidate)) do
            is_prime = is_prime and candidate % divisor ~= 0
        end
        if is_prime then
            local root = candidate ^ (1 / 3)
            root = root - (root * root * root - candidate) / (3 * root * root)
            SHA_ROUNDS[#SHA_ROUNDS + 1] = fraction(root)
            if #SHA_START < 8 then
                SHA_START[#SHA_START + 1] = fraction(math.sqrt(candidate))
            end
        end
        candidate = candidate + 1
    end
end

local function sha256_block(state, data, at)
    local w = {}
    for index = 1, 16 do
        w[index] = number(data, at + 4 * (index - 1), 4)
    end
    for index = 17, 64 do
        local early, late = w[index - 15], w[index - 2]
        local first = bxor(rrotate(early, 7), rrotate(early, 18), rshift(early, 3))
        local second = bxor(rrotate(late, 17), rrotate(late, 19), rshift(late, 10))
        w[index] = band(w[index - 16] + first + w[index - 7] + second, 0xffffffff)
    end
    local a, b, c, d, e, f, g, h = table.unpack(state)
    for index = 1, 64 do
        local high = bxor(rrotate(e, 6), rrotate(e, 11), rrotate(e, 25))
        local choice = bxor(band(e, f), band(bnot(e), g))
        local first = h + high + choice + SHA_ROUNDS[index] + w[index]
        local low = bxor(rrotate(a, 2), rrotate(a, 13), rrotate(a, 22))
        local majority = bxor(band(a, b), band(a, c), band(b, c))
        h, g, f, e = g, f, e, band(d + first, 0xffffffff)
        d, c, b, a = c, b, a, band(first + low + majority, 0xffffffff)
    end
    for index, value in ipairs({ a, b, c, d, e, f, g, h }) do
        state[index] = band(state[index] + value, 0xffffffff)
    end
end

local function sha256(data)
    local padded = data .. "\128" .. ("\0"):rep((55 - #data) % 64) .. bytes(#data * 8, 8)
    local state = { table.unpack(SHA_START) }
    for at = 1, #padded, 64 do
        sha256_block(state, padded, at)
    end
    local out = {}
    for index = 1, 8 do
        out[index] = bytes(state[index], 4)
    end
    return table.concat(out)
end

local function hmac(key, data)
    key = key .. ("\0"):rep(64 - #key)
    local inner = sha256(combine(key, ("\54"):rep(64)) .. data)
    return sha256(combine(key, ("\92"):rep(64)) .. inner)
end

local function expand_label(secret, label, length)
    label = "parlour1 " .. label
    local info = bytes(length, 2) .. bytes(#label, 1) .. label .. "\0"
    return hmac(secret, info .. "\1"):sub(1, length)
end

-- AES-256 (FIPS 197), one direction of it; GHASH (SP 800-38D) ---------------------------------------

local SBOX = {}
local function double(value)
    value = lshift(value, 1)
    return value > 255 and bxor(value, 0x11b) or value
end
do
    local p, q = 1, 1
    repeat
        -- p runs through all values as powers of 3, q through their inverses.
        p = bxor(p, double(p))
        q = bxor(q, lshift(q, 1))
        q = bxor(q, lshift(q, 2))
        q = band(bxor(q, lshift(q, 4)), 255)
        if q >= 128 then
            q = bxor(q, 9)
        end
        local turned = bor(q, lshift(q, 8))
        SBOX[p] = bxor(q, band(rshift(turned, 7), 255), band(rshift(turned, 6), 255),
            band(rshift(turned, 5), 255), band(rshift(turned, 4), 255), 0x63)
    until p == 1
    SBOX[0] = 0x63
end

-- 15 round keys of 16 bytes.
local function aes_schedule(key)
    local w, round = { key:byte(1, 32) }, 1
    for at = 33, 240, 4 do
        local word = { w[at - 4], w[at - 3], w[at - 2], w[at - 1] }
        if (at - 1) % 32 == 0 then
            word = { bxor(SBOX[word[2]], round), SBOX[word[3]], SBOX[word[4]], SBOX[word[1]] }
            round = double(round)
        elseif (at - 1) % 32 == 16 then
            word = { SBOX[word[1]], SBOX[word[2]], SBOX[word[3]], SBOX[word[4]] }
        end
        for index = 0, 3 do
            w[at + index] = bxor(w[at + index - 32], word[index + 1])
        end
    end
    return w
end

local function aes(schedule, block)
    local state = { block:byte(1, 16) }
    for index = 1, 16 do
        state[index] = bxor(state[index], schedule[index])
    end
    for round = 1, 14 do
        local moved = {}
        for index = 0, 15 do
            local row, column = index % 4, math.floor(index / 4)
            moved[index + 1] = SBOX[state[(column + row) % 4 * 4 + row + 1]]
        end
        if round < 14 then
            for column = 1, 16, 4 do
                local a, b, c, d = table.unpack(moved, column, column + 3)
                local all = bxor(a, b, c, d)
                moved[column] = bxor(a, all, double(bxor(a, b)))
                moved[column + 1] = bxor(b, all, double(bxor(b, c)))
                moved[column + 2] = bxor(c, all, double(bxor(c, d)))
                moved[column + 3] = bxor(d, all, double(bxor(d, a)))
            end
        end
        for index = 1, 16 do
            state[index] = bxor(moved[index], schedule[16 * round + index])
        end
    end
    return string.char(table.unpack(state))
end

-- `text` under the counter blocks that begin with `nonce`, from block number `first` on.
local function count_through(schedule, nonce, first, text)
    local out = {}
    for at = 1, #text, 16 do
        local piece = text:sub(at, at + 15)
        out[#out + 1] = combine(piece, aes(schedule, nonce .. bytes(first, 4)))
        first = first + 1
    end
    return table.concat(out)
end

local function multiply(x, y)
    local z, v = { 0, 0, 0, 0 }, { y[1], y[2], y[3], y[4] }
    for index = 0, 127 do
        if band(x[math.floor(index / 32) + 1], rshift(0x80000000, index % 32)) ~= 0 then
            z = { bxor(z[1], v[1]), bxor(z[2], v[2]), bxor(z[3], v[3]), bxor(z[4], v[4]) }
        end
        local falls_out = band(v[4], 1)
        for word = 4, 2, -1 do
            v[word] = bor(rshift(v[word], 1), lshift(band(v[word - 1], 1), 31))
        end
        v[1] = bxor(rshift(v[1], 1), falls_out * 0xe1000000)
    end
    return z
end

local function gcm_tag(schedule, nonce, header, ciphertext)
    local function words(block)
        return { number(block, 1, 4), number(block, 5, 4), number(block, 9, 4), number(block, 13, 4) }
    end
    local function padded(text)
        return text .. ("\0"):rep(-#text % 16)
    end
    local key, sum = words(aes(schedule, ("\0"):rep(16))), { 0, 0, 0, 0 }
    local all = padded(header) .. padded(ciphertext) .. bytes(#header * 8, 8) .. bytes(#ciphertext * 8, 8)
    for at = 1, #all, 16 do
        local block = words(all:sub(at, at + 15))
        for index = 1, 4 do
            sum[index] = bxor(sum[index], block[index])
        end
        sum = multiply(sum, key)
    end
    local hash = bytes(sum[1], 4) .. bytes(sum[2], 4) .. bytes(sum[3], 4) .. bytes(sum[4], 4)
    return combine(hash, aes(schedule, nonce .. bytes(1, 4)))
end

-- Records (section 4) -----------------------------------------------------------------------------

local function begin_epoch(direction)
    direction.schedule = aes_schedule(expand_label(direction.secret, "enc", 32))
    direction.mac = expand_label(direction.secret, "mac", 32)
    direction.iv = expand_label(direction.secret, "iv", 4)
    direction.sequence = 0
end

-- The inner part of a record, or nothing when its tag does not hold.
local function open(direction, suite, header, ciphertext, tag)
    local nonce = direction.iv .. bytes(direction.sequence, 8)
    local expected, first
    if suite == 1 then
        local covered = bytes(direction.sequence, 8) .. header .. ciphertext
        expected, first = hmac(direction.mac, covered):sub(1, 16), 1
    else
        expected, first = gcm_tag(direction.schedule, nonce, header, ciphertext), 2
    end
    if expected ~= tag then
        return nil
    end
    direction.sequence = direction.sequence + 1
    return count_through(direction.schedule, nonce, first, ciphertext)
end

-- The secrets of the connection with that handshake hash, if the log has them.
local function find_secrets(hash)
    local path = parlour.prefs.keylog
    if path == "" then
        path = os.getenv("PARLOUR_KEYLOGFILE") or ""
    end
    local log = path ~= "" and io.open(path, "r")
    if not log then
        return nil
    end
    local found
    for line in log:lines() do
        local label, of, upward, downward = line:match("^(%S+) (%x+) (%x+) (%x+)$")
        if label == "PARLOUR1" and of == hex(hash) then
            found = { unhex(upward), unhex(downward) }
        end
    end
    log:close()
    return found
end

-- Messages (section 7) ----------------------------------------------------------------------------

local function decode_cbor(text, at)
    local major, count = rshift(text:byte(at), 5), band(text:byte(at), 31)
    at = at + 1
    if major == 7 then
        return ({ [20] = "false", [21] = "true", [22] = "null" })[count] or "?", at
    end
    if count >= 24 then
        local size = lshift(1, count - 24)
        -- Doubles have no room for 64 bits, so large numbers are shown as digits.
        if size == 8 and major == 0 then
            return "0x" .. hex(text:sub(at, at + 7)), at + 8
        end
        count, at = number(text, at, size), at + size
    end
    if major == 0 then
        return tostring(count), at
    elseif major == 2 then
        return hex(text:sub(at, at + count - 1)), at + count
    elseif major == 3 then
        return '"' .. text:sub(at, at + count - 1) .. '"', at + count
    elseif major ~= 4 then
        error("not of this protocol")
    end
    local items = {}
    for index = 1, count do
        items[index], at = decode_cbor(text, at)
    end
    return items, at
end

local function flat(value)
    if type(value) ~= "table" then
        return value
    end
    local items = {}
    for index, item in ipairs(value) do
        items[index] = flat(item)
    end
    return "[" .. table.concat(items, ", ") .. "]"
end

-- A frame as it is shown: its kind, its name, its fields, and a few words for the list.
local function describe(kind, body)
    local shown = { kind = kind, fields = {} }
    local known = MESSAGES[kind] or ENTRIES[kind] or { ("Unknown %#x"):format(kind) }
    local words = { known[1] }
    local function add(name, value, is_shown)
        shown.fields[#shown.fields + 1] = { name, value }
        if is_shown and value ~= "null" then
            words[#words + 1] = value
        end
    end
    if ENTRIES[kind] then
        local length = body:byte(17)
        add("room", tostring(number(body, 1, 4)))
        add("id", tostring(number(body, 5, 8)))
        add("seconds", tostring(number(body, 13, 4)))
        add("author", body:sub(18, 17 + length), true)
        body = body:sub(18 + length)
        if #known == 1 then
            add("text", '"' .. body .. '"', true)
            body = nil
        end
    end
    local ok, values = pcall(decode_cbor, body or "\128", 1)
    for index, value in ipairs(ok and values or {}) do
        local name = known[index + 1] or "newer"
        -- A secret has no place on a screen.
        add(name, kind == 0x06 and index == 2 and "..." or flat(value), SHOWN[name])
    end
    shown.name, shown.words = known[1], table.concat(words, " ")
    return shown
end

-- Whole frames at the front of what has come in a direction.
local function take_frames(direction, content)
    direction.stream = direction.stream .. content
    local frames = {}
    while #direction.stream >= 4 do
        local length = number(direction.stream, 1, 3)
        if #direction.stream < 3 + length or length == 0 then
            break
        end
        local body = direction.stream:sub(5, 3 + length)
        frames[#frames + 1] = describe(direction.stream:byte(4), body)
        direction.stream = direction.stream:sub(4 + length)
    end
    return frames
end

-- One connection after the other ------------------------------------------------------------------

local connections, units = {}, {}
local tcp_stream = Field.new("tcp.stream")

function parlour.init()
    connections, units = {}, {}
end

local function mix(connection, data)
    connection.hash = sha256(connection.hash .. data)
end

local function begin(connection, text)
    local name = "Noise_XX_25519_AESGCM_SHA256"
    connection.suite = text:byte(6)
    connection.hash = name .. ("\0"):rep(32 - #name)
    mix(connection, "parlour1\0" .. text:sub(1, 8))
    mix(connection, text:sub(11, 42))
    mix(connection, "")
end

local function finish(connection)
    local secrets = find_secrets(connection.hash)
    for index, name in ipairs({ "client", "server" }) do
        connection[name] = secrets and { secret = secrets[index], stream = "" }
        if secrets then
            begin_epoch(connection[name])
        end
    end
end

-- What a record says, if it can be opened: `text` is all of it.
local function read_record(connection, direction, text)
    local unit = { type = "record" }
    if not direction then
        return unit
    end
    if direction.is_lost then
        unit.is_broken = true
        return unit
    end
    local inner = open(direction, connection.suite, text:sub(1, 4), text:sub(5, -17), text:sub(-16))
    if not inner then
        direction.is_lost, unit.is_broken = true, true
        return unit
    end
    local pad = inner:byte(2)
    local content = inner:sub(3, -1 - pad)
    unit.inner, unit.kind = inner, inner:byte(1)
    if unit.kind == 1 then
        unit.frames = take_frames(direction, content)
    elseif unit.kind == 2 then
        direction.secret = expand_label(direction.secret, "upd", 32)
        begin_epoch(direction)
    elseif unit.kind == 3 then
        unit.code = number(content, 1, 2)
    end
    return unit
end

-- How long the unit at the front of `text` is, or how many bytes are missing to tell or to have it.
local function measure(stage, text)
    local head = ({ hello = 10, reply = 2, finish = 2, record = 4 })[stage]
    if #text < head then
        return nil, head - #text
    end
    local whole
    if stage == "hello" then
        whole = 10 + number(text, 9, 2)
    elseif stage == "reply" and text:sub(1, 2) == "\255\255" then
        whole = 4
    elseif stage == "record" then
        whole = 4 + number(text, 3, 2) + 16
    else
        whole = 2 + number(text, 1, 2)
    end
    if #text < whole then
        return nil, whole - #text
    end
    return whole
end

-- Takes in a unit that is seen for the first time.
local function take(connection, side, text)
    local stage = connection.stage[side]
    if stage == "hello" then
        begin(connection, text)
        connection.stage.client = "finish"
        return { type = stage }
    elseif stage == "reply" then
        if #text == 4 then
            return { type = "refusal" }
        end
        mix(connection, text:sub(3, 34))
        mix(connection, text:sub(35, 82))
        mix(connection, text:sub(83))
        connection.stage.server = "record"
        return { type = stage }
    elseif stage == "finish" then
        mix(connection, text:sub(3, 50))
        mix(connection, text:sub(51))
        connection.stage.client = "record"
        finish(connection)
        return { type = stage, hash = hex(connection.hash) }
    end
    return read_record(connection, connection[side], text)
end

-- The tree and the words for the list -------------------------------------------------------------

local function show_record(unit, range, tree)
    tree:add(fields.version, range(0, 1))
    tree:add(fields.epoch, range(1, 1))
    tree:add(fields.length, range(2, 2))
    tree:add(fields.ciphertext, range(4, range:len() - 20))
    tree:add(fields.tag, range(range:len() - 16))
    if unit.is_broken then
        tree:add_proto_expert_info(broken)
        return "a record that does not open"
    elseif not unit.inner then
        return ("a sealed record, L = %d"):format(range(2, 2):uint())
    end
    local opened = ByteArray.new(hex(unit.inner)):tvb("Opened record")
    tree:add(fields.kind, opened(0, 1))
    tree:add(fields.pad, opened(1, 1))
    local names = {}
    for index, frame in ipairs(unit.frames or {}) do
        local branch = tree:add(fields.name, frame.name)
        branch:add(fields.frame, frame.kind)
        for _, field in ipairs(frame.fields) do
            local kind = SHOWN[field[1]] and fields.text or fields.field
            branch:add(kind, field[2], field[1] .. ": " .. field[2])
        end
        names[index] = frame.words
    end
    if unit.kind == 1 then
        return #names > 0 and table.concat(names, " | ") or "a part of a message"
    end
    local kinds = { [2] = "KEYUPDATE", [3] = "CLOSE", [4] = "PAD" }
    return (kinds[unit.kind] or "?") .. (unit.code and " " .. unit.code or "")
end

local function show(unit, range, tree)
    if unit.type == "hello" then
        tree:add(fields.version, range(4, 1))
        tree:add(fields.suite, range(5, 1))
        tree:add(fields.handshake, range(8, 2), 1)
        tree:add(fields.ephemeral, range(10))
        return ("preamble (version %d, suite %d) | handshake 1"):format(range(4, 1):uint(),
            range(5, 1):uint())
    elseif unit.type == "refusal" then
        tree:add(fields.refusal, range(2, 1))
        tree:add(fields.version, range(3, 1))
        return ("refused, code %d"):format(range(2, 1):uint())
    elseif unit.type == "reply" then
        tree:add(fields.handshake, range(0, 2), 2)
        tree:add(fields.ephemeral, range(2, 32))
        tree:add(fields.static, range(34, 48))
        tree:add(fields.payload, range(82))
        return "handshake 2"
    elseif unit.type == "finish" then
        tree:add(fields.handshake, range(0, 2), 3)
        tree:add(fields.static, range(2, 48))
        tree:add(fields.payload, range(50))
        tree:add(fields.hash, unit.hash):set_generated()
        return "handshake 3"
    end
    return show_record(unit, range, tree)
end

local function connection_of(pinfo, tvb)
    local id = tcp_stream().value
    local from = tostring(pinfo.src) .. " " .. pinfo.src_port
    if not connections[id] then
        if tvb:len() < 4 or tvb:raw(0, 4) ~= "PRLR" then
            return nil
        end
        connections[id] = { from = from, stage = { client = "hello", server = "reply" } }
    end
    return connections[id], connections[id].from == from and "client" or "server"
end

function parlour.dissector(tvb, pinfo, tree)
    local connection, side = connection_of(pinfo, tvb)
    if not connection then
        return 0
    end
    pinfo.cols.protocol = "PARLOUR"
    local words, at = {}, 0
    while at < tvb:len() do
        local place = pinfo.number .. " " .. at .. " " .. side
        local unit, whole, missing = units[place], nil, nil
        if unit then
            whole = unit.whole
        else
            whole, missing = measure(connection.stage[side], tvb:raw(at))
            if not whole then
                pinfo.desegment_offset, pinfo.desegment_len = at, missing
                break
            end
            unit = take(connection, side, tvb:raw(at, whole))
            unit.whole, units[place] = whole, unit
        end
        local branch = tree:add(parlour, tvb(at, whole))
        words[#words + 1] = show(unit, tvb(at, whole), branch)
        branch:append_text(": " .. words[#words])
        at = at + whole
    end
    if #words > 0 then
        pinfo.cols.info = table.concat(words, " | ")
    end
    return tvb:len()
end

parlour:register_heuristic("tcp", function(tvb, pinfo, tree)
    if not connection_of(pinfo, tvb) then
        return false
    end
    pinfo.conversation = parlour
    parlour.dissector(tvb, pinfo, tree)
    return true
end)
DissectorTable.get("tcp.port"):add(4747, parlour)
