/// Tells on which line each key and each array element of a TOML text stands.
///
/// The TOML library keeps positions for syntax errors only. This walks the text once more, knowing just enough of
/// TOML 1.0 (<https://toml.io/en/v1.0.0>) to tell keys from values. Nothing is validated: of a text that is not TOML
/// everything before the first syntax error is located, what follows is unspecified. The walk always ends.
struct KeyLocator {
    /// The first slip that the library would not survive; the walk ends there.
    ///
    /// toml++ 3.4 does not throw but ends the program with a failed assertion at a table header without a name (`[=]`),
    /// at a list element that is no value (`[}`) and at a date whose time is none (`2026-01-01T:`, `2026-01-01 0`). Dotted
    /// keys it nests without limit, and whoever then walks down the tables, its own destructors included, runs out of
    /// stack.
    private(set) var fatalSlip: Slip?

    /// A place where the text cannot be TOML.
    struct Slip: Equatable {
        let line: Int
        /// Where the header, pair or element begins, in bytes from the start of the text.
        let offset: Int
        let message: String
    }

    private var lines: [NodePath: Int] = [:]
    /// How many elements each `[[array.of.tables]]` has so far.
    private var elementCounts: [NodePath: Int] = [:]
    private var scanner: TOMLScanner

    /// How many steps a path may have. A configuration file needs six.
    private static let mostSteps = 128

    /// Locates every key in `text`.
    init(_ text: String) {
        scanner = TOMLScanner(text)
        locateDocument()
    }

    /// The line, counted from 1, of the key or element at `path`: where its key, table header or element begins.
    func line(of path: NodePath) -> Int? {
        lines[path]
    }

    private mutating func locateDocument() {
        lines[.root] = 1
        var table = NodePath.root
        while scanner.skipToExpression() {
            if scanner.peek == UInt8(ascii: "[") {
                table = locateHeader()
            } else {
                locatePair(in: table)
            }
        }
    }

    /// `[a.b]` or `[[a.b]]`: returns the path of the table it opens.
    private mutating func locateHeader() -> NodePath {
        let (line, offset) = (scanner.line, scanner.position)
        scanner.advance()
        let isElement = scanner.advance(over: UInt8(ascii: "["))
        scanner.skipBlanks()
        if let next = scanner.peek, next != UInt8(ascii: "]"), !TOMLScanner.beginsKey(next) {
            noteSlip("a table header has no name", line, offset)
        }
        let keys = scanner.keys()
        guard keys.count < Self.mostSteps else {
            noteSlip(Self.tooDeep, line, offset)
            return .root
        }
        var path = NodePath.root
        for (position, key) in keys.enumerated() {
            path = path.key(key)
            guard position < keys.count - 1 else { break }
            note(path, line)
            // A header that goes through an array of tables means its last element.
            if let count = elementCounts[path] { path = path.index(count - 1) }
        }
        if isElement {
            note(path, line)
            let index = elementCounts[path, default: 0]
            elementCounts[path] = index + 1
            path = path.index(index)
        }
        lines[path] = line
        while scanner.advance(over: UInt8(ascii: "]")) {}
        return path
    }

    /// `a.b = value`.
    private mutating func locatePair(in table: NodePath) {
        let (line, offset) = (scanner.line, scanner.position)
        let keys = scanner.keys()
        guard table.steps.count + keys.count < Self.mostSteps else {
            noteSlip(Self.tooDeep, line, offset)
            return
        }
        var path = table
        for key in keys {
            path = path.key(key)
            note(path, line)
        }
        _ = scanner.advance(over: UInt8(ascii: "="))
        locateValue(at: path)
    }

    private mutating func locateValue(at path: NodePath) {
        scanner.skipBlanks()
        guard path.steps.count < Self.mostSteps else {
            noteSlip(Self.tooDeep, scanner.line, scanner.position)
            return
        }
        switch scanner.peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = scanner.string()
        case UInt8(ascii: "["): locateElements(of: path)
        case UInt8(ascii: "{"): locateInlineTable(at: path)
        default:
            let (line, offset) = (scanner.line, scanner.position)
            if scanner.scalar().isHalfDateTime { noteSlip("a date has half a time behind it", line, offset) }
        }
    }

    private mutating func locateElements(of path: NodePath) {
        scanner.advance()
        var index = 0
        while scanner.skipToExpression(), !scanner.advance(over: UInt8(ascii: "]")) {
            let before = scanner.position
            if let next = scanner.peek, next == UInt8(ascii: "}") || next >= 0x80 {
                noteSlip("a list has no value where there should be one", scanner.line, scanner.position)
            }
            note(path.index(index), scanner.line)
            locateValue(at: path.index(index))
            _ = scanner.skipToExpression()
            if scanner.advance(over: UInt8(ascii: ",")) { index += 1 }
            if scanner.position == before { scanner.advance() }
        }
    }

    private mutating func locateInlineTable(at path: NodePath) {
        scanner.advance()
        while scanner.skipToExpression(), !scanner.advance(over: UInt8(ascii: "}")) {
            let before = scanner.position
            locatePair(in: path)
            _ = scanner.skipToExpression()
            _ = scanner.advance(over: UInt8(ascii: ","))
            if scanner.position == before { scanner.advance() }
        }
    }

    /// A table that several lines add to stands where the first of them is.
    private mutating func note(_ path: NodePath, _ line: Int) {
        if lines[path] == nil { lines[path] = line }
    }

    private static let tooDeep = "tables and lists are nested more than \(mostSteps) deep"

    private mutating func noteSlip(_ message: String, _ line: Int, _ offset: Int) {
        if fatalSlip == nil { fatalSlip = Slip(line: line, offset: offset, message: message) }
        scanner.finish()
    }
}

extension ArraySlice<UInt8> {
    /// Whether this is a date with something behind it that is not yet a time. Never so for valid TOML.
    fileprivate var isHalfDateTime: Bool {
        guard let first, Self.isDigit(first) else { return false }
        let shape = Array("0000-00-00T".utf8)
        let isDate =
            count >= shape.count
            && zip(self, shape).allSatisfy { byte, model in
                switch model {
                case UInt8(ascii: "0"): Self.isDigit(byte)
                case UInt8(ascii: "T"): byte | 0x20 == UInt8(ascii: "t")
                default: byte == model
                }
            }
        if isDate { return !(dropFirst(shape.count).first.map(Self.isDigit) ?? false) }
        // The library takes the first word for a date if it has hyphens in the right places, whatever else is in it.
        let word = prefix { $0 != UInt8(ascii: " ") }
        let rest = dropFirst(word.count + 1).prefix(2).map(Self.isDigit)
        return word.contains(UInt8(ascii: "-")) && rest.first == true && rest != [true, true]
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
