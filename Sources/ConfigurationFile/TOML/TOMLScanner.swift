/// Steps through the bytes of a TOML text: blanks, comments, keys and strings. Counts lines.
struct TOMLScanner {
    private let bytes: [UInt8]
    /// The next byte's index.
    private(set) var position = 0
    /// The line of the next byte, counted from 1.
    private(set) var line = 1

    init(_ text: String) {
        bytes = Array(text.utf8)
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if bytes.starts(with: byteOrderMark) { position = byteOrderMark.count }
    }

    /// The next byte; nil at the end.
    var peek: UInt8? { peek(0) }

    private func peek(_ offset: Int) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    /// Goes one byte on.
    mutating func advance() {
        guard let byte = peek else { return }
        if byte == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }

    /// Goes to the end.
    mutating func finish() {
        position = bytes.count
    }

    /// Goes over blanks and then one `byte`, if that is what follows.
    mutating func advance(over byte: UInt8) -> Bool {
        skipBlanks()
        guard peek == byte else { return false }
        advance()
        return true
    }

    /// Goes over spaces and tabs.
    mutating func skipBlanks() {
        while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { advance() }
    }

    /// Goes over blanks, line ends and comments. False: the text ends there.
    mutating func skipToExpression() -> Bool {
        while let byte = peek {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): advance()
            case UInt8(ascii: "#"): while let next = peek, next != UInt8(ascii: "\n") { advance() }
            default: return true
            }
        }
        return false
    }

    /// A number, a boolean or a date, with the blanks behind it.
    mutating func scalar() -> ArraySlice<UInt8> {
        let start = position
        while let byte = peek, !Self.endsScalar(byte) { advance() }
        return bytes[start..<position]
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"), UInt8(ascii: "\n"): true
        default: false
        }
    }

    /// A dotted key's parts, unquoted. At least one byte is consumed unless the text is at its end.
    mutating func keys() -> [String] {
        var keys: [String] = []
        let start = position
        repeat {
            skipBlanks()
            if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") {
                keys.append(string())
            } else {
                keys.append(bareKey())
            }
        } while advance(over: UInt8(ascii: "."))
        if position == start { advance() }
        return keys
    }

    private mutating func bareKey() -> String {
        let start = position
        while let byte = peek, !Self.endsBareKey(byte) { advance() }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// Whether a key can begin with `byte`: a quote, or what bare keys are made of.
    static func beginsKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "\""),
            UInt8(ascii: "'"):
            true
        default: false
        }
    }

    private static func endsBareKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "="), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): true
        default: endsScalar(byte)
        }
    }

    /// A string of any of the four kinds, from its opening quote on; returns what it stands for.
    mutating func string() -> String {
        guard let quote = peek else { return "" }
        advance()
        if peek == quote, peek(1) == quote {
            advance()
            advance()
            return multiLineString(quote)
        }
        var content: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\n") {
            if byte == quote {
                advance()
                break
            }
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                advance()
                content += escape()
            } else {
                content.append(byte)
                advance()
            }
        }
        return String(decoding: content, as: UTF8.self)
    }

    /// The rest of a string that began with three quotes. Such strings are values, never keys: only the end matters.
    private mutating func multiLineString(_ quote: UInt8) -> String {
        let start = position
        while let byte = peek {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                advance()
                advance()
            } else if byte == quote, peek(1) == quote, peek(2) == quote {
                // Up to two quotes may stand right before the closing three.
                let end = position
                while peek == quote { advance() }
                return String(decoding: bytes[start..<end], as: UTF8.self)
            } else {
                advance()
            }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// What stands behind a backslash, as UTF-8.
    private mutating func escape() -> [UInt8] {
        guard let byte = peek, byte != UInt8(ascii: "\n") else { return [] }
        advance()
        switch byte {
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "u"): return scalar(digits: 4)
        case UInt8(ascii: "U"): return scalar(digits: 8)
        default: return [byte]
        }
    }

    private mutating func scalar(digits: Int) -> [UInt8] {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let byte = peek, let digit = Character(UnicodeScalar(byte)).hexDigitValue else { break }
            value = value << 4 | UInt32(digit)
            advance()
        }
        guard let scalar = UnicodeScalar(value) else { return [] }
        return Array(String(scalar).utf8)
    }
}
