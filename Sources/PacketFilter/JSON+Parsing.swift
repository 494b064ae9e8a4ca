extension JSON {
    /// Reads one value that takes up all of `text`; nil where it is not JSON, holds a number that is not whole, or is
    /// nested deeper than nftables ever does.
    init?(text: String) {
        var reader = JSONReader(bytes: Array(text.utf8))
        guard let value = reader.value(depth: 0), reader.isAtEnd() else { return nil }
        self = value
    }
}

/// One pass over the bytes of a JSON text. Written here, and not taken from a library, because a table of a thousand
/// addresses is read every second.
private struct JSONReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func isAtEnd() -> Bool {
        skipSpace()
        return position == bytes.count
    }

    mutating func value(depth: Int) -> JSON? {
        skipSpace()
        guard depth < 32, position < bytes.count else { return nil }
        switch bytes[position] {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "t"): return word("true", .bool(true))
        case UInt8(ascii: "f"): return word("false", .bool(false))
        case UInt8(ascii: "n"): return word("null", .null)
        default: return number()
        }
    }

    private mutating func object(depth: Int) -> JSON? {
        position += 1
        var members: [String: JSON] = [:]
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard let key = string(), take(":"), let value = value(depth: depth + 1) else { return nil }
            members[key] = value
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func array(depth: Int) -> JSON? {
        position += 1
        var elements: [JSON] = []
        if take("]") { return .array(elements) }
        repeat {
            guard let value = value(depth: depth + 1) else { return nil }
            elements.append(value)
        } while take(",")
        return take("]") ? .array(elements) : nil
    }

    private mutating func string() -> String? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
        position += 1
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                defer { position += 1 }
                return String(decoding: bytes[start..<position], as: UTF8.self)
            case UInt8(ascii: "\\"):
                return escapedString(from: start)
            case 0..<0x20:
                return nil
            default:
                position += 1
            }
        }
        return nil
    }

    /// The rest of a string of which `position` is the first backslash.
    private mutating func escapedString(from start: Int) -> String? {
        var units = Array(String(decoding: bytes[start..<position], as: UTF8.self).utf16)
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return String(decoding: units, as: UTF16.self)
            case UInt8(ascii: "\\"):
                guard let unit = escape() else { return nil }
                units.append(unit)
            case 0..<0x20:
                return nil
            default:
                let first = position - 1
                while position < bytes.count, bytes[position] & 0xC0 == 0x80 { position += 1 }
                units += String(decoding: bytes[first..<position], as: UTF8.self).utf16
            }
        }
        return nil
    }

    private mutating func escape() -> UInt16? {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt16(byte)
        case UInt8(ascii: "b"): return 8
        case UInt8(ascii: "f"): return 12
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "u"):
            guard position + 4 <= bytes.count else { return nil }
            defer { position += 4 }
            return UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        default: return nil
        }
    }

    private mutating func number() -> JSON? {
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): position += 1
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
            default: return Int(String(decoding: bytes[start..<position], as: UTF8.self)).map { .integer($0) }
            }
        }
        return Int(String(decoding: bytes[start..<position], as: UTF8.self)).map { .integer($0) }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) -> JSON? {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count else { return nil }
        for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] { return nil }
        position = end
        return value
    }

    /// Whether the next byte that is not space is `character`; if so it is consumed.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }
}
